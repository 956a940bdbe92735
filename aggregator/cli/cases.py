"""`aggregator cases`: what a portal sees of its cases, in a terminal."""

from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from aggregator.cli.failure import Failure
from aggregator.cli.over_http import Server, add_options, server_of
from aggregator.cli.table import clean, table
from aggregator.sdk.clock import IST

HEADINGS = ("NUMBER", "SERVICE", "AGENCY", "STATUS", "THEIR NUMBER", "NEXT LOOK", "IN WORDS")
_PAGES = 50


def add(groups: Any) -> None:
    group = groups.add_parser("cases", help="cases and their consolidated status, from a running server")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    listing = commands.add_parser("list", help="this portal's cases, newest first")
    listing.add_argument("--status", default="", help="only these, for example HELD")
    listing.add_argument("--limit", type=int, default=50)
    listing.set_defaults(run=show_list)
    showing = commands.add_parser("show", help="one case with its legs and its timeline")
    showing.add_argument("number", help="the tracking number (4071-9936-2185-0345) or the case's id")
    showing.set_defaults(run=show_one)
    for command in (listing, showing):
        add_options(command)


def show_list(arguments: Namespace) -> int:
    status = {"status": arguments.status.upper()} if arguments.status else {}
    found = server_of(arguments).read("/v1/cases", limit=str(arguments.limit), **status)["items"]
    print(consolidated(found) if found else "  no cases yet")
    return 0


def show_one(arguments: Namespace) -> int:
    server = server_of(arguments)
    case = _found(server, arguments.number)
    print(consolidated([case]))
    print(f"\n  {clean(case['explanation'])}\n")
    print(table(("AGENCY", "STATUS", "EFFECT", "THEIR NUMBER", "THEIR WORD", "AS OF"), map(_leg, case["legs"])))
    events = server.read(f"/v1/cases/{case['id']}/events", limit="200")["items"]
    print()
    print(table(("AT", "WHAT", "IN WORDS"), ((at(event["at"]), event["type"], event["text"]) for event in events)))
    return 0


def consolidated(cases: Iterable[Mapping[str, Any]]) -> str:
    """All cases in one table, a line each, whatever agencies they are at."""
    return table(HEADINGS, (_line(case) for case in cases))


def at(moment: str) -> str:
    """A time of the API on the city's clock."""
    return datetime.fromisoformat(moment).astimezone(IST).strftime("%H:%M:%S") if moment else "-"


def _line(case: Mapping[str, Any]) -> tuple[str, ...]:
    legs = case.get("legs", [])
    return (
        case["number"],
        case["service_id"],
        ", ".join(dict.fromkeys(leg["agency"] for leg in legs)),  # a watched leg may be told by the same agency
        case["status"],
        ", ".join(leg["reference"] for leg in legs if leg.get("reference")) or "-",
        at(case.get("next_check_at", "")),
        case["status_text"],
    )


def _leg(leg: Mapping[str, Any]) -> tuple[str, ...]:
    told = leg.get("agency_code", "-")
    return (leg["agency"], leg["status"], leg["effect"], leg.get("reference", "-"), told, at(leg["as_of"]))


def _found(server: Server, name: str) -> Mapping[str, Any]:
    if name.startswith("case_"):
        return dict(server.read(f"/v1/cases/{name}"))
    digits = "".join(letter for letter in name if letter.isdigit())
    for case in _all(server):
        if case["number"].replace("-", "") == digits:
            return case
    raise Failure(f"this portal has no case {name}. `aggregator cases list` shows what it has")


def _all(server: Server) -> Iterator[Mapping[str, Any]]:
    path = "/v1/cases?limit=200"
    for _ in range(_PAGES):
        page = server.read(path)
        yield from page["items"]
        if "next" not in page:
            return
        path = page["next"].removeprefix(server.url)
