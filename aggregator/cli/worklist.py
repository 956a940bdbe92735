"""`aggregator worklist`: what waits for a person, the evidence, and the decision, from a running server."""

import os
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from aggregator.cli.cases import at
from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.over_http import Server, add_options, server_of, told
from aggregator.cli.table import clean, paint, table
from aggregator.sdk.clock import SystemChance, SystemClock, new_id

HEADINGS = ("ITEM", "WAITS", "LEVEL", "AGENCY", "WHAT", "MONEY", "REASON")


def add(groups: Any) -> None:
    group = groups.add_parser("worklist", help="what waits for a person, and what they decide")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    listing = commands.add_parser("list", help="everything that waits, the oldest first")
    listing.add_argument("--agency", default="", help="only this agency's")
    listing.add_argument("--limit", type=int, default=50)
    listing.set_defaults(run=show_list)
    showing = commands.add_parser("show", help="one item with its evidence and what can be decided")
    showing.add_argument("item")
    showing.set_defaults(run=show_one)
    deciding = commands.add_parser("decide", help="decide one; where money moves a second person repeats it")
    deciding.add_argument("item")
    deciding.add_argument("action", help="confirm, reject, resend, cancel, expire, note")
    deciding.add_argument("--by", default=os.environ.get("AGGREGATOR_OFFICER", ""), help="who decides")
    deciding.add_argument("--note", required=True, help="the evidence or the reason, in words")
    deciding.add_argument("--reference", default="", help="the agency's number, for confirm")
    deciding.set_defaults(run=decide)
    for command in (listing, showing, deciding):
        add_options(command)


def show_list(arguments: Namespace) -> int:
    wanted = {"agency": arguments.agency} if arguments.agency else {}
    found = server_of(arguments).read("/v1/worklist", limit=str(arguments.limit), **wanted)["items"]
    print(table(HEADINGS, map(_line, found)) if found else "  nothing waits for a person")
    return 0


def show_one(arguments: Namespace) -> int:
    item = server_of(arguments).read(f"/v1/worklist/{arguments.item}")
    print(table(HEADINGS, [_line(item)]))
    print(f"\n  {clean(item['explanation'])}")
    print(f"  {clean(item['suggestion'])}  ({paint(item['suggested'], 'bold')})")
    print(
        f"  case {item.get('number', '-')}   our reference {item.get('our_reference', '-')}   effect {item['effect']}"
    )
    if "proposal" in item:
        waiting = item["proposal"]
        print(f"  proposed: {waiting['action']} by {clean(waiting['by'])}; another person must repeat it")
    _tables(item)
    print(f"\n  decide: {' | '.join(item['actions']).lower()}")
    return 0


def decide(arguments: Namespace) -> int:
    if not arguments.by.strip():
        raise Failure("say who decides: --by NAME, or AGGREGATOR_OFFICER once for a session", BAD_USAGE)
    body = {"action": arguments.action.upper(), "by": arguments.by, "note": arguments.note}
    if arguments.reference:
        body["reference"] = arguments.reference
    print(f"  {clean(_decided(server_of(arguments), arguments.item, body)['explanation'])}")
    return 0


def _decided(server: Server, item: str, body: Mapping[str, str]) -> Mapping[str, Any]:
    key = {"Idempotency-Key": new_id("cli", SystemClock(), SystemChance())}
    answer = server.post(f"/v1/worklist/{item}/decisions", body, key)
    if answer.status >= 400:
        raise Failure(told(answer))
    return dict(answer.json())


def _tables(item: Mapping[str, Any]) -> None:
    attempts = [
        (
            str(one["n"]),
            at(one["started_at"]),
            one["sent"],
            one["outcome"] or "-",
            one["why"] or "-",
            one["explanation"],
        )
        for one in item["attempts"]
    ]
    looks = [
        (
            str(one["n"]),
            at(one["at"]),
            one["result"],
            str(one["matches"]),
            one["control"],
            "yes" if one["counted"] else "no",
        )
        for one in item["looks"]
    ]
    facts = [
        (at(one["at"]), one["source"], one["kind"], one.get("reference", "-"), one["text"]) for one in item["evidence"]
    ]
    for headings, rows in (
        (("ATTEMPT", "AT", "SENT", "OUTCOME", "ENDED BY", "IN WORDS"), attempts),
        (("LOOK", "AT", "RESULT", "FOUND", "CONTROL", "COUNTED"), looks),
        (("EVIDENCE AT", "FROM", "KIND", "NUMBER", "WHAT IT SAYS"), facts),
    ):
        if rows:
            print("\n" + table(headings, rows))


def _line(item: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        item["id"],
        _waits(int(item["age_s"])),
        item["level"],
        item["agency"],
        item["operation"] or item["kind"],
        "yes" if item["moves_money"] else "no",
        item["reason_code"],
    )


def _waits(age_s: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if age_s >= 2 * size:
            return f"{age_s // size} {unit}"
    return f"{age_s} s"
