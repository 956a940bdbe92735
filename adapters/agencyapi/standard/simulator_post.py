"""What the reference agency pushes: one signed notice per change, and the ten ways in which pushes go wrong.

Signed here a second time and on purpose not with the driver's code.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from adapters.agencyapi.standard.simulator_life import phases, shown
from aggregator.sdk.testing.callbacks import Parcel
from aggregator.sdk.testing.faults import Fault, Way
from aggregator.sdk.testing.simulator import World

CALLBACK_FAULTS = tuple(str(code) for code in range(900, 910))
OWN_FAULTS = {
    code: Fault(code, acts=True, once=False, way=Way.ANSWER, read="value", write="value") for code in CALLBACK_FAULTS
}
PATH = "/requests"
PAUSES_S = tuple(min(2.0**n, 3600.0) for n in range(1, 35))
"""Not taken: again, with growing pauses, for a day, as docs/agency-api.md asks of an agency."""
_SILENT = frozenset({"806", "807", "808", "809", "902"})


class Post:
    """The agency's outgoing post, signed with `secret` (`whsec_...`)."""

    def __init__(self, world: World, secret: str) -> None:
        self._world = world
        world.outbox.pauses_s = PAUSES_S
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self.always = ""
        """The fault every push meets, from PUT /faults in the callback's phase."""

    def about_life(self, number: str, held: Mapping[str, Any], fault: str) -> None:
        """After a submission: the first state now, the others as they come."""
        code = self.always or fault
        if code in _SILENT or self._world.clock.pinned is not None:
            return
        born = datetime.fromisoformat(held["at"])
        first = shown(number, held, born)
        self._first(first, born, code)
        if code in {"903", "907", "909"}:
            return
        for phase in phases(held["service"])[1:]:
            at = born + timedelta(hours=phase.after_h)
            self._put(shown(number, held, at), at)

    def about_change(self, row: dict[str, Any]) -> None:
        """After a cancellation or a change made by hand."""
        if self.always not in _SILENT:
            self._first(row, self._world.now(), self.always)

    def _first(self, row: dict[str, Any], at: datetime, code: str) -> None:
        match code:
            case "901":
                event = self._new_id()
                for _ in range(3):
                    self._put(row, at, event=event)
            case "903":
                self._put(row, at + timedelta(seconds=120))
            case "906":
                event = self._new_id()
                self._put(row, at, event=event)
                self._put(row | {"status": "REJECTED"}, at, event=event)
            case "907":
                later = row | {"status": "IN_PROGRESS", "sequence": 3, "message": "Told out of order"}
                self._put(later, at)
                self._put(row, at)
            case "908":
                self._put(row | {"id": "AG-9999999", "reference": "SIM-UNKNOWN"}, at)
            case "909":
                self._put(row | {"status": "REJECTED", "message": "Not what the status says"}, at)
            case _:
                self._put(row, at, first=code == "900", fault=code)

    def _put(
        self, row: Mapping[str, Any], at: datetime, *, event: str = "", first: bool = False, fault: str = ""
    ) -> None:
        event = event or self._new_id()
        body = json.dumps({"type": "request.updated", "request": dict(row)}, ensure_ascii=False).encode()
        self._world.outbox.put(
            Parcel(
                at,
                lambda: (PATH, "application/json", body),
                first=first,
                sign=lambda sent: self._signed(event, sent, fault),
            )
        )

    def _signed(self, event: str, body: bytes, fault: str) -> dict[str, str]:
        """As the specification says; stamped by the machine's clock, because the receiver's window is by his."""
        now = self._world.now().timestamp() - self._world.clock.offset_s
        sent_at = int(now) - (3600 if fault == "905" else 0)
        key = b"somebody else's key" if fault == "904" else self._key
        mac = hmac.new(key, f"{event}.{sent_at}.".encode() + body, hashlib.sha256)
        return {
            "webhook-id": event,
            "webhook-timestamp": str(sent_at),
            "webhook-signature": "v1," + base64.b64encode(mac.digest()).decode(),
        }

    def _new_id(self) -> str:
        return f"evt_{self._world.number('event'):08d}"
