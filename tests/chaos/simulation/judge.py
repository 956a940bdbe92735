"""The judge believes the agencies' ledgers, the portals' notes and the log of events, and no row of ours.

What it holds against a seed is a sentence. None is the only good number.
"""

import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from simulation.net import Exchange

if TYPE_CHECKING:
    from simulation.portal import Wish
    from simulation.world import City

DOCUMENT = Path(__file__).parents[3] / "docs" / "outcomes.md"
TERMINAL = {"CONFIRMED", "REJECTED", "EXPIRED", "CANCELLED"}
FINAL = {"COMPLETED", "REJECTED", "WITHDRAWN"}


def _documented() -> set[tuple[str, str]]:
    """The legal steps, read from the table of docs/outcomes.md section 6, not from the code."""
    steps = set()
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip().replace("*", "") for cell in line.split("|")]
        if len(cells) == 6 and cells[4].startswith("operation."):
            steps |= {(before, cells[2]) for before in re.split(r",\s*", cells[1])}
    return steps


STEPS = _documented()


class Judge:
    """What was seen to go wrong in one seed."""

    def __init__(self, city: "City") -> None:
        self.city = city
        self.wrong: list[str] = []
        self.effects = 0

    def fault(self, sentence: str) -> None:
        self.wrong.append(sentence)
        self.city.note("WRONG", sentence)

    def arrived(self, call: Exchange) -> None:
        """At the moment an agency has our bytes: were they journaled first?"""
        digest = hashlib.sha256(call.body).hexdigest()
        ref = orjson.loads(call.body)["extRef"]
        query = self.city.disk.connection.execute
        column = "agency_reference" if call.path.endswith("/cancel") else "reference"
        value = call.path.split("/")[2] if column == "agency_reference" else ref
        rows = query(
            f"select a.n, o.created_ms, o.id from attempt a join operation o on o.id = a.operation_id"  # noqa: S608 - a constant
            f" where a.request_sha256 = ? and o.agency = ? and (o.name = 'cancel' or o.{column} = ?)",
            (digest, call.agency, value),
        ).fetchall()
        if not rows:
            self.fault(f"{call.agency} received bytes of an attempt that was not journaled")
            return
        age_s = self.city.loop.now - self.city.virtual(rows[0]["created_ms"])
        slack = self.city.knobs.timeout_s + self.city.knobs.linger_s + 150.0
        if len(rows) == 1 and age_s > self.city.knobs.stale_after_s + slack:
            self.fault(f"{call.agency} received for the first time an intent {age_s:.0f} s old, unasked")

    def conclude(self) -> None:
        """Everything that can be said once all is quiet."""
        allowed = ("StoreUnavailable",) if self.city.knobs.disk_full else ()
        self.wrong += [fault for fault in self.city.loop.faults if not any(name in fault for name in allowed)]
        self._events()
        rows = self.city.disk.connection.execute(
            "select o.*, c.source_ref as wish, c.number from operation o join cases c on c.id = o.case_id"
        ).fetchall()
        by_wish: dict[str, list[Any]] = {}
        for row in rows:
            by_wish.setdefault(row["wish"], []).append(row)
        for wish in self.city.portal.wishes:
            self._wish(wish, by_wish.get(wish.id, []))
        for name, agency in self.city.agencies.items():
            for count in agency.arrivals.values():
                if name == "opaque" and count > 1:
                    self.fault(f"an opaque request was sent {count} times")
            self.effects += len(agency.ledger)

    def _wish(self, wish: "Wish", rows: list[Any]) -> None:
        cases = {row["case_id"] for row in rows}
        if len(cases) > 1:
            self.fault(f"one key, {len(cases)} cases ({wish.id})")
        if wish.number and wish.number not in {row["number"] for row in rows}:
            self.fault(f"a promised number is not known any more ({wish.id})")
        ledger = self.city.agencies[wish.agency].ledger
        held = [one for one in ledger if one.wish == wish.id and not one.refused]
        if sum(not one.copy for one in held) > 1:
            self.fault(f"doubled at {wish.agency}: {[one.number for one in held]} ({wish.id})")
        for row in rows:
            if row["name"] == "submit":
                self._submitted(row, held)
            elif row["state"] not in TERMINAL | {"NEEDS_HUMAN"}:
                self.fault(f"{row['name']} at {row['agency']} is still {row['state']}")

    def _submitted(self, row: Any, held: list[Any]) -> None:
        state, about = row["state"], f"{row['agency']} ({row['wish']}, {row['reason_code']})"
        numbers = {one.number for one in held}
        if state == "CONFIRMED" and row["agency_reference"] not in numbers:
            self.fault(f"lost: CONFIRMED as {row['agency_reference']!r}, the ledger holds {sorted(numbers)} at {about}")
        elif state in {"REJECTED", "CANCELLED", "EXPIRED"} and any(_ours(row["agency"], one) for one in held):
            self.fault(f"lost: {state}, and the ledger holds {sorted(numbers)} at {about}")
        elif state not in TERMINAL | {"NEEDS_HUMAN"}:
            self.fault(f"still {state} at {about}")
        elif state == "NEEDS_HUMAN" and row["owner"] != f"worklist:{row['agency']}":
            self.fault(f"NEEDS_HUMAN is owned by {row['owner']!r} at {about}")
        agency = self.city.agencies[row["agency"]]
        if state == "CONFIRMED" and row["reference"] in agency.told_twice:
            self.fault(f"a look saw two records and the case shows one at {about}")

    def _events(self) -> None:
        rows = self.city.disk.connection.execute("select seq, type, case_id, body from event order by seq").fetchall()
        if [row["seq"] for row in rows] != list(range(1, len(rows) + 1)):
            self.fault("the log of events has a gap")
        at: dict[tuple[str, str], str] = {}
        legs: dict[str, str] = {}
        for row in rows:
            data = orjson.loads(row["body"])["data"]
            if row["type"].startswith("operation.") and "before" in data:
                self._step(at, (row["case_id"], data["operation"]), data)
            elif row["type"] == "leg.status-changed":
                before = legs.get(row["case_id"], "ACCEPTED")
                if before in FINAL and data["status"] not in FINAL | {"UNCONFIRMED"}:
                    self.fault(f"a leg went back from {before} to {data['status']}")
                legs[row["case_id"]] = data["status"]
            self.city.note("event", row["seq"], row["type"], data.get("state", ""), data.get("reason", ""))

    def _step(self, at: dict[tuple[str, str], str], key: tuple[str, str], data: dict[str, Any]) -> None:
        before, after = data["before"], data["state"]
        if (before, after) not in STEPS:
            self.fault(f"illegal step {before} -> {after}")
        if at.get(key, "READY") != before:
            self.fault(f"the log says {at.get(key, 'READY')}, the next step begins at {before}")
        at[key] = after


def _ours(agency: str, one: Any) -> bool:
    """Whether a live record should have been known of.

    A copy an agency made by itself, told nobody of and lets nobody look up is beyond reach (docs/outcomes.md 1).
    """
    return not one.cancelled and not (one.copy and agency == "opaque")


def summary(wrong: list[str]) -> Counter[str]:
    """Sentences without their particulars."""
    return Counter(re.sub(r"[(\[].*|\d+", "", sentence).strip() for sentence in wrong)
