"""One window of the police: a question goes out with a header of its own, and comes back as rows or as a result.

A read whose header they rejected is asked once more with a fresh one. A write is sent once and no more: each send of
a write is journaled by the deliverer, who also repeats it (NotSent for a rejected token, a doubt for a replayed one).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapters.police.cctns.answers import Result, done, fields, result_element, table
from adapters.police.cctns.dataset import Row, rows
from adapters.police.cctns.faults import TokenRejected, TokenReplayed, fault_error
from adapters.police.cctns.security import UsernameToken
from aggregator.sdk.adapter import Settings
from aggregator.sdk.clock import Chance, Clock, SystemChance, SystemClock
from aggregator.sdk.reading import need
from aggregator.sdk.soap import SoapClient
from aggregator.sdk.wire import Wire
from aggregator.sdk.xml import Element

ROWS_PER_PAGE = 20
PAGES_MAX = 50
"""A hard end for a search whose pages never end."""
_CONTRACT = Path(__file__).parent / "CitizenService.wsdl"


class Desk:
    """Calls of CitizenService by their own names and arguments."""

    def __init__(self, wire: Wire, settings: Settings, clock: Clock | None, chance: Chance | None) -> None:
        token = UsernameToken(
            settings.option("user"),
            settings.secret("password"),
            kind=settings.option("password_type", "text"),
            clock=clock or SystemClock(),
            chance=chance or SystemChance(),
        )
        self._soap = SoapClient(
            wire,
            _CONTRACT,
            url=settings.url.rstrip("/") + "/CitizenService/CitizenService.asmx",
            version=settings.option("soap", "1.2"),
            headers_writer=token.blocks,
            faults=fault_error,
        )

    async def rows(self, name: str, /, **arguments: Any) -> Sequence[Row]:
        """The rows of a DataSet; none for a request nobody has."""
        return table(rows(await self._asked(name, arguments)))

    async def every_row(self, name: str, key: str, /, **arguments: Any) -> list[Row]:
        """The rows of all pages, each `key` once.

        They may give the same page for every number: a page without anything new is the last.
        """
        found: dict[str, Row] = {}
        for page in range(1, PAGES_MAX + 1):
            got = await self.rows(name, **arguments, PageNo=page)
            new = {need(row, key): row for row in got if need(row, key) not in found}
            found |= new
            if not new or len(got) < ROWS_PER_PAGE:
                break
        return list(found.values())

    async def result(self, name: str, /, **arguments: Any) -> Result:
        """The fields of a read's result, whatever its code."""
        return fields(await self._asked(name, arguments))

    async def write(self, name: str, /, **arguments: Any) -> Result:
        """The fields of a result that says done, about the request that was named."""
        response = await self._soap.call_raw(name, effect=True, **arguments)
        result = fields(result_element(response, name))
        return done(result, str(arguments.get("ServiceRequestNo", "")), write=True)

    async def _asked(self, name: str, arguments: dict[str, Any]) -> Element:
        try:
            response = await self._soap.call_raw(name, effect=False, **arguments)
        except (TokenRejected, TokenReplayed):
            response = await self._soap.call_raw(name, effect=False, **arguments)
        return result_element(response, name)
