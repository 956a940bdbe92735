"""Callbacks as they leave the central unit: signed when they are sent, and otherwise as broken as 900 to 909 say."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from adapters.electricity.bbps.simulator_keys import Keys, sign
from adapters.electricity.bbps.simulator_state import stamp, tag
from aggregator.sdk.testing.callbacks import Parcel
from aggregator.sdk.testing.faults import Fault, Way
from aggregator.sdk.testing.pages import clothed
from aggregator.sdk.testing.simulator import World

XML = "application/xml; charset=utf-8"
OWN = {str(code): Fault(str(code), True, False, Way.ANSWER, "value", "value") for code in range(900, 910)}  # noqa: FBT003
"""The callback faults; all act, all every time. 909 is what a look says afterwards, not what is sent."""
_LATE_S, _OLD_S = 120.0, 3600.0
_INSTITUTION = "SIMC"


class Post:
    """Makes parcels and puts them into the outbox. `rules`: lines of PUT /faults in the callback's phase."""

    def __init__(self, world: World, keys: Keys, after_s: float) -> None:
        self._world = world
        self._keys = keys
        self._after_s = after_s
        self.rules: list[dict[str, Any]] = []

    def send(  # noqa: PLR0913 - a callback has this many circumstances
        self,
        name: str,
        ref_id: str,
        content: str,
        *,
        fault: str = "",
        operation: str = "",
        match: str = "",
        cms: bool = False,
    ) -> None:
        """Once, unless the fault says otherwise."""
        fault = self._by_rule(operation, match) or fault
        if fault == "902":
            return
        make = self._maker(name, ref_id, content, fault, cms=cms)
        after_s = _LATE_S if fault == "903" else self._after_s
        due = self._world.now() + timedelta(seconds=after_s)
        copies = {"901": 3, "906": 2}.get(fault, 1)
        if fault == "906":
            make = _same_again(make)
        parcels = [Parcel(due, make, first=fault == "900")] * copies
        if fault == "907":
            pending = re.sub(r"<Reason .*?></Reason>", _pending(), content, count=1)
            parcels.append(Parcel(due, self._maker(name, ref_id, pending, "", cms=cms)))
        if fault == "908":
            parcels.append(Parcel(due, self._maker(name, self.stranger(), content, "", cms=cms)))
        for parcel in parcels:
            self._world.outbox.put(parcel)

    def stranger(self) -> str:
        """A reference nobody asked with."""
        return f"NOBODYASKED{self._world.number('stranger'):024d}"

    def _by_rule(self, operation: str, match: str) -> str:
        for rule in self.rules:
            if (
                rule.get("operation", "*") in {"*", operation}
                and rule.get("match", "") in match
                and rule.get("times") != 0
            ):
                if rule.get("times") is not None:
                    rule["times"] -= 1
                return str(rule["fault"])
        return ""

    def _maker(
        self, name: str, ref_id: str, content: str, fault: str, *, cms: bool
    ) -> Callable[[], tuple[str, str, bytes]]:
        path = f"/{name}" if cms else f"/bbps/{name}/1.0/urn:referenceId:{ref_id}"

        def make() -> tuple[str, str, bytes]:
            # Stamped by the machine's clock, however far a test has moved the world's: freshness is about the wire.
            moved_s = self._world.clock.offset_s + (_OLD_S if fault == "905" else 0.0)
            at = self._world.now() - timedelta(seconds=moved_s)
            head = tag("Head", ver="1.0", ts=stamp(at), origInst=_INSTITUTION, refId=ref_id)
            inner = head + content.replace("@TS@", stamp(at))
            document = tag(f"bbps:{name}", inner, **{"xmlns:bbps": "http://bbps.org/schema"})
            key = self._keys.nobody if fault == "904" else self._keys.central
            answer = clothed(sign(document, key), XML, fault, xml=True)
            return path, answer.content_type, answer.body

        return make


def _pending() -> str:
    return tag("Reason", approvalRefNum="NA", responseCode="200", responseReason="Failure", complianceRespCd="BPR903")


def _same_again(make: Callable[[], tuple[str, str, bytes]]) -> Callable[[], tuple[str, str, bytes]]:
    """The same bytes each time: a replay."""
    sent: list[tuple[str, str, bytes]] = []

    def again() -> tuple[str, str, bytes]:
        if not sent:
            sent.append(make())
        return sent[0]

    return again
