"""Pages are cut one item longer than asked: whether there is more is known, never guessed.

`next` is an absolute address and the same address is in `Link`; it is absent on the last page.
"""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, UnsetType

from aggregator.api.call import Call

T = TypeVar("T")


def asked_from(call: Call) -> str:
    """The id the asked page starts after, "" for the first. Raises Problem cursor-stale."""
    cursor = call.query.cursor
    return "" if cursor is UNSET else call.rooms.cursors.read(_listing(call), cursor)


def page(
    call: Call, found: list[T], limit: int, mark: Callable[[T], str]
) -> tuple[list[T], str | UnsetType, dict[str, str]]:
    """The items of this page, the next page's address, and the headers that go with it."""
    if len(found) <= limit:
        return found, UNSET, {}
    items = found[:limit]
    filters = {name: value for name, value in _filters(call).items() if value is not None}
    cursor = call.rooms.cursors.make(_listing(call), mark(items[-1]))
    path = call.route.path
    for name, value in call.params.items():
        path = path.replace("{" + name + "}", value)
    address = f"{call.origin}/v1{path}?" + urlencode({**filters, "cursor": cursor, "limit": limit})
    return items, address, {"Link": f'<{address}>; rel="next"'}


def plain(value: Any) -> Any:
    """An absent query parameter as None, for rooms below that know no wire types."""
    return None if value is UNSET else value


def _filters(call: Call) -> dict[str, str]:
    plain = msgspec.to_builtins(call.query)
    return {name: str(value) for name, value in plain.items() if name not in {"cursor", "limit"}}


def _listing(call: Call) -> str:
    """The list and its owner in one text: a cursor fits no other."""
    filters = sorted(_filters(call).items())
    return msgspec.json.encode([call.caller.portal_id, call.route.path, sorted(call.params.items()), filters]).decode()
