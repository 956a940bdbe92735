"""`aggregator feed tail`: the operations centre's feed, a line per event, from a running server."""

import json
from argparse import Namespace
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from aggregator.cli.cases import at
from aggregator.cli.failure import Failure
from aggregator.cli.over_http import Server, add_options, server_of, told
from aggregator.cli.table import clean, paint

_PREFIX = "in.gov.odisha.city."
_BATCH = 1000
_POLL_MS = 30_000


def add(groups: Any) -> None:
    group = groups.add_parser("feed", help="the event feed of the operations centre")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    tail = commands.add_parser("tail", help="the last events, then each new one as it happens")
    tail.add_argument("name", nargs="?", default="all", help="which feed (default: all)")
    tail.add_argument("--lines", type=int, default=20, help="how many of the past")
    tail.add_argument("--once", action="store_true", help="stop when caught up")
    add_options(tail)
    tail.set_defaults(run=show)


def show(arguments: Namespace) -> int:
    server, path = server_of(arguments), f"/v1/feeds/{arguments.name}"
    position = ""
    past: deque[str] = deque(maxlen=max(arguments.lines, 0))
    while batch := _batch(server, path, position, 0):
        past.extend(line(event) for event in batch)
        position = batch[-1]["id"]
    for each in past:
        print(each, flush=True)
    if not arguments.once:
        for each in _following(server, path, position):
            print(each, flush=True)
    return 0


def line(event: Mapping[str, Any]) -> str:
    """One event in one line: when, what, whose, from where to where."""
    data = event.get("data", {})
    kind = str(event["type"]).removeprefix(_PREFIX).removesuffix(".v1")
    step = " -> ".join(str(data[name]) for name in ("before", "status") if name in data) or str(data.get("state", ""))
    about = " ".join(str(data[name]) for name in ("agency", "service", "reason") if data.get(name))
    return clean(f"  {at(event['time'])}  {kind:<26}  {event.get('subject', ''):<31}  {about}  ") + paint(
        clean(step), "bold"
    )


def _following(server: Server, path: str, position: str) -> Iterator[str]:
    while True:
        for event in _batch(server, path, position, _POLL_MS):
            position = event["id"]
            yield line(event)


def _batch(server: Server, path: str, position: str, timeout_ms: int) -> list[dict[str, Any]]:
    query = {"limit": str(_BATCH), "timeout": str(timeout_ms), **({"lastEventId": position} if position else {})}
    answer = server.get(path, **query)
    if answer.status >= 400:
        raise Failure(told(answer))
    return list(json.loads(answer.body))
