"""`aggregator nominee`: nominees who ask to act for a citizen, what it is decided by, and the decision, from a server.

Each officer has a client and a key of their own (`aggregator portal add --kind OPERATOR --scopes nominees.write`): the
second name with the first one's key is refused.
"""

import os
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from aggregator.cli.cases import at
from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.over_http import add_options, server_of, told
from aggregator.cli.table import clean, table

HEADINGS = ("REQUEST", "ASKED", "WHY", "PAPER")


def add(groups: Any) -> None:
    group = groups.add_parser("nominee", help="nominees who ask to act for a citizen, and what officers decide")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    listing = commands.add_parser("list", help="what waits, the oldest first; nobody's name")
    listing.set_defaults(run=show_list)
    showing = commands.add_parser("show", help="one request with whom its paper must speak of; the look is on record")
    showing.add_argument("claim", help="ncl_..., from the list")
    showing.set_defaults(run=show_one)
    deciding = commands.add_parser("decide", help="grant (two officers) or refuse (one)")
    deciding.add_argument("claim", help="ncl_..., from the list")
    deciding.add_argument("decision", choices=("grant", "refuse"))
    deciding.add_argument("--by", default=os.environ.get("AGGREGATOR_OFFICER", ""), help="who decides")
    deciding.add_argument("--note", required=True, help="where the paper was looked up, or why not")
    deciding.set_defaults(run=decide)
    for command in (listing, showing, deciding):
        add_options(command)


def show_list(arguments: Namespace) -> int:
    found = server_of(arguments).read("/v1/nominee-claims")["items"]
    print(table(HEADINGS, map(_line, found)) if found else "  no nominee waits for a decision")
    return 0


def show_one(arguments: Namespace) -> int:
    found = server_of(arguments).read(f"/v1/nominee-claims/{arguments.claim}")
    print(table(HEADINGS, [_line(found)]))
    print(f"\n  the paper must speak of: {clean(found['citizen_name'])}, born {found.get('citizen_born', 'unknown')}")
    print(f"  its number:              {clean(found['certificate_number'])}")
    own = clean(found.get("nominee_name", "no name in their record"))
    print(f"  the nominee:             {clean(found['nominee_named'])} by the citizen, {own} by themselves")
    if "proposal" in found:
        waiting = found["proposal"]
        print(f"  proposed: grant, by {clean(waiting['by'])} at {at(waiting['at'])}; another officer must repeat it")
    return 0


def decide(arguments: Namespace) -> int:
    if not arguments.by.strip():
        raise Failure("say who decides: --by NAME, or AGGREGATOR_OFFICER once for a session", BAD_USAGE)
    body = {"decision": arguments.decision.upper(), "by": arguments.by, "note": arguments.note}
    answer = server_of(arguments).post(f"/v1/nominee-claims/{arguments.claim}/decisions", body)
    if answer.status >= 400:
        raise Failure(told(answer))
    print(f"  {clean(answer.json()['explanation'])}")
    return 0


def _line(item: Mapping[str, Any]) -> tuple[str, ...]:
    return item["claim_id"], at(item["asked_at"]), item["why"], item["certificate"]
