"""`aggregator search`: what a citizen's words find, what was asked in vain, and slips in the editors' files."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from aggregator.cli.places import add_places, checked, data_dir_of, registry_of
from aggregator.cli.table import clean, table
from aggregator.discovery.catalogue.compose import Offers, compose
from aggregator.discovery.catalogue.load import read
from aggregator.discovery.search.answer import Search
from aggregator.discovery.search.lexicon import load
from aggregator.discovery.search.live import build, lexicon_beside
from aggregator.discovery.search.unanswered import Queue
from aggregator.texts import languages, say

FIRST = 10


def add(groups: Any) -> None:
    group = groups.add_parser("search", help="what citizens' words find; the editors' lexicon")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    asking = commands.add_parser("ask", help="what these words find, and why; nothing is kept")
    asking.add_argument("words", nargs="+", help="as a citizen would say it, in any script")
    asking.add_argument("--language", choices=languages, default="en")
    asking.set_defaults(run=ask)
    listing = commands.add_parser("unanswered", help="what was asked in vain, without persons, most often first")
    listing.add_argument("--limit", type=int, default=50)
    listing.set_defaults(run=unanswered)
    checking = commands.add_parser("check", help="slips in the editors' lexicon, with file and line")
    checking.set_defaults(run=check)
    for command in (asking, listing, checking):
        add_places(command)


def ask(arguments: Namespace) -> int:
    found = _search(registry_of(arguments)).ask(" ".join(arguments.words), FIRST)
    if found.none:
        print(f"  {say('search.none', arguments.language)}")
        return 1
    rows = (
        (hit.intent, hit.item.id, hit.item.titles.get(arguments.language) or hit.item.titles["en"], f"{hit.score:.2f}",
         f"{hit.reason.said} ({hit.reason.how.lower()}) in {hit.reason.name}")
        for hit in found.hits
    )  # fmt: skip
    print(table(("DO", "SERVICE", "TITLE", "SCORE", "BECAUSE"), rows))
    if found.between:
        first, second = (hit.item.titles["en"] for hit in found.between)
        print(f"\n  {say('search.which', arguments.language, first=first, second=second)}")
    return 0


def unanswered(arguments: Namespace) -> int:
    rows = Queue(data_dir_of(arguments)).listing()[: arguments.limit]
    if not rows:
        print("  nothing was asked in vain")
        return 0
    lines = ((str(row.times), row.last_day, ",".join(row.languages), clean(row.words)) for row in rows)
    print(table(("TIMES", "LAST", "READERS", "WORDS (* was a name or number)"), lines))
    return 0


def check(arguments: Namespace) -> int:
    lexicon = load(lexicon_beside(_facts(registry_of(arguments))))
    for slip in lexicon.slips:
        print(f"{slip}")
    said = sum(map(len, lexicon.sayings.values()))
    print(f"  {len(lexicon.ideas)} ideas, {said} sayings of {len(lexicon.sayings)} entries, {len(lexicon.slips)} slips")
    return 1 if lexicon.slips else 0


def _facts(registry: Path) -> Path:
    place = checked(registry).catalogue
    return place.folder if place is not None else registry.parent / "catalogue" / "facts"


def _search(registry: Path) -> Search:
    draft, facts = checked(registry), _facts(registry)
    return build(compose(read(facts).facts, Offers(draft.services, {}), draft.digest), lexicon_beside(facts))
