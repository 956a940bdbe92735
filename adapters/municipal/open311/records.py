"""Reading records: one by its number, those of a search page by page, the updates of one.

What a server cuts off or answers for another number is never taken for "not there".
"""

from collections.abc import AsyncIterator

from adapters.municipal.open311.face import Face, Row
from adapters.municipal.open311.vocabulary import REQUESTS, UPDATES
from aggregator.sdk.errors import ContractBroken, Unavailable
from aggregator.sdk.reading import need, value_of
from aggregator.sdk.rest import segment

_PAGES, _PAGE, _CUT = 20, 500, 1000


def only(rows: list[Row] | None) -> Row:
    """The row of an answer that has exactly one. Raises ContractBroken."""
    if not rows or len(rows) != 1:
        raise ContractBroken("the answer is not one row")
    return rows[0]


class Records:
    """The read side of one server. `by_list`: it has no path for a single request."""

    def __init__(self, face: Face, *, by_list: bool) -> None:
        self._face = face
        self._by_list = by_list

    async def record(self, number: str) -> Row | None:
        """The record of this number, asked for by path or, where a server has only that, by the list."""
        if self._by_list:
            rows = await self._face.ask("/requests", REQUESTS, service_request_id=number)
        else:
            rows = await self._face.ask(f"/requests/{segment(number)}", REQUESTS)
        if not rows:
            return None
        mine = [row for row in rows if str(need(row, "service_request_id")) == number]
        if not mine:
            raise ContractBroken("the record is another request's")
        return mine[0]

    async def resolved(self, token: str) -> str | None:
        """The request id of a token, empty while there is none; None for a token they do not know."""
        rows = await self._face.ask(f"/tokens/{segment(token)}", REQUESTS)
        if rows is None:
            return None
        row = only(rows)
        if str(value_of(row, "token", "") or token) != token:
            raise ContractBroken("the answer is another token's")
        return str(value_of(row, "service_request_id", ""))

    async def updates(self, number: str, **window: str) -> list[Row]:
        """The updates of one report; some servers know only dates, and answer with everybody's."""
        rows = await self._face.ask("/servicerequestupdates", UPDATES, service_request_id=number, **window)
        return [row for row in rows or [] if str(need(row, "service_request_id")) == number]

    async def search(self, **wanted: str) -> AsyncIterator[Row]:
        """Each record once, until a page brings nothing new.

        Raises Unavailable where the server cut the list: what it does not show there proves nothing.
        """
        seen: set[str] = set()
        for page in range(1, _PAGES + 1):
            rows = await self._face.ask("/requests", REQUESTS, **wanted, page=str(page), page_size=str(_PAGE)) or []
            new = [row for row in rows if str(need(row, "service_request_id")) not in seen]
            if not new:
                if len(rows) >= _CUT:
                    raise Unavailable("the search is cut at the specification's 1000 records")
                return
            for row in new:
                seen.add(str(row["service_request_id"]))
                yield row
        raise Unavailable(f"the search has more than {_PAGES} pages")
