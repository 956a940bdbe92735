"""What the agencies' own ledgers say of a city that was killed: lost, doubled, explained."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from harness import FINAL_OR_TOLD, City, with_people


@dataclass(frozen=True)
class Verdict:
    """What the judge found. `explained` counts open cases that say why, when we look next, and what to do."""

    promised: int
    lost: int
    duplicated: int
    settled: int
    explained: int
    unexplained: int
    with_people: int = 0
    opaque_unseen: int = 0
    """Opaque effects at an agency of which neither the citizen nor a person of ours knows."""


def judge(city: City, cases: list[dict[str, Any]]) -> Verdict:
    rows = [row for simulator in city.agencies.values() for row in simulator.filed()]
    counts = Counter(row["our_ref"] for row in rows)
    everything = Counter(
        (simulator.name, row["operation"], row["our_ref"])
        for simulator in city.agencies.values()
        for row in simulator.acted()
    )
    numbers = {row["agency_ref"] for row in rows}
    lost = settled = explained = unexplained = in_doubt = 0
    for promise, case in zip(city.promises, cases, strict=True):
        leg = case["legs"][0]
        done = leg["effect"] == "done"
        lost += int(case["number"] != promise.number or (done and leg["reference"] not in numbers))
        in_doubt += int(leg["effect"] == "unknown")
        if case["status"] in FINAL_OR_TOLD or with_people(case):
            settled += 1
        elif leg["explanation"] and leg["next_try_at"]:
            explained += 1
        else:
            unexplained += 1
    # What an agency holds is known to a citizen as done, or as being found out: nothing else.
    known = sum(case["legs"][0]["effect"] == "done" for case in cases) + in_doubt
    lost += max(0, len(counts) - known)
    return Verdict(
        promised=len(cases),
        lost=lost,
        duplicated=sum(n > 1 for n in everything.values()),
        settled=settled,
        explained=explained,
        unexplained=unexplained,
        with_people=sum(map(with_people, cases)),
        opaque_unseen=opaque_unseen(city, cases),
    )


def opaque_unseen(city: City, cases: list[dict[str, Any]]) -> int:
    """Every effect at the opaque agency is told as done or lies with a person: count it from the agency's book."""
    if "tpcodl_portal" not in city.agencies:
        return 0
    known: set[str] = set()
    for promise, case in zip(city.promises, cases, strict=True):
        if promise.agency == "tpcodl_portal" and (case["legs"][0]["effect"] == "done" or with_people(case)):
            known |= city.references(promise)
    return len({row["our_ref"] for row in city.agencies["tpcodl_portal"].filed()} - known)
