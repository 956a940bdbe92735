"""The bus agency, simulated: a GTFS archive and three GTFS-realtime feeds on a real socket.

`python -m adapters.municipal.gtfs.simulator --port 0 --control-port 0 --data DIR --seed 1`
Requests carry no identifier, so faults come from `PUT /faults`; operations are archive, trip_updates,
vehicle_positions and alerts. Own faults: 820 feed of six minutes ago, 821 of two hours ago, 822 without a header, 823
with trips that no timetable knows.
"""

from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from typing import Any

from adapters.municipal.gtfs.simulator_feeds import Feeds
from adapters.municipal.gtfs.simulator_network import Line, Place, archive, lines, places
from aggregator.sdk.testing.faults import MENU, Fault, Way
from aggregator.sdk.testing.pages import HTML, JSON
from aggregator.sdk.testing.serve import parser, run
from aggregator.sdk.testing.simulator import Answer, Arrived, Call, Dialect, Done, World

_ZIP, _PROTOBUF = "application/zip", "application/x-protobuf"
_FEEDS = {f"/gtfs-rt/{name}.pb": name for name in ("trip-updates", "vehicle-positions", "alerts")}
_STEP_S = 5
_CHANGED = "Thu, 01 Jan 2026 00:00:00 GMT"
_BINARY = frozenset({"203", "205"})
"""What of the faults that spoil content means anything to bytes that are no text."""


class Bus(Dialect):
    """A document is the body itself."""

    driver = "gtfs"
    content_type = _PROTOBUF
    own_faults: Mapping[str, Fault] = {
        "820": Fault("820", True, False, Way.ANSWER, "value", ""),  # noqa: FBT003 - a row of the table
        "821": Fault("821", True, False, Way.ANSWER, "unavailable", ""),  # noqa: FBT003
        "822": Fault("822", True, False, Way.ANSWER, "broken", ""),  # noqa: FBT003
        "823": Fault("823", True, False, Way.ANSWER, "value", ""),  # noqa: FBT003
    }
    not_applicable: Mapping[str, frozenset[str]] = {
        "*": frozenset({
            code for code, row in MENU.items() if row.way in {Way.ANSWER, Way.REFUSAL} and code not in _BINARY | {"000"}
        }) | {"808", "809"}
    }  # fmt: skip

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._made: dict[tuple[str, int, str], bytes] = {}
        # Made before the first rider waits for it.
        self._whole = archive(*self._network)
        self._etag = f'"{sha256(self._whole).hexdigest()[:16]}"'

    @cached_property
    def _network(self) -> tuple[list[Place], list[Line]]:
        everywhere = places(self.world.chance("places"))
        return everywhere, lines(everywhere, self.world.chance("lines"))

    @cached_property
    def _feeds(self) -> Feeds:
        return Feeds(self._network[1], self.world.seed)

    def read(self, arrived: Arrived) -> Call | Answer:
        if arrived.method != "GET":
            return Answer(b"<html><body>405</body></html>", HTML, 405)
        if arrived.path == "/gtfs.zip":
            known = arrived.headers.get("if-none-match", "")
            return Call("archive", write=False, counted_by="archive", args=known)
        if arrived.path in _FEEDS:
            kind = _FEEDS[arrived.path]
            return Call(kind.replace("-", "_"), write=False, counted_by=kind, args=kind)
        return Answer(b'{"message":"Not Found"}', JSON, 404)

    def act(self, call: Call, fault: str) -> Done:
        return Done(self._whole if call.operation == "archive" else self._feed(call.args, fault))

    def _feed(self, kind: str, fault: str) -> bytes:
        """Made anew every few seconds: real feeds are files that a job rewrites."""
        now = self.world.now()
        key = kind, int(now.timestamp()) // _STEP_S, fault if fault in self.own_faults else ""
        if key not in self._made:
            self._made = {old: body for old, body in self._made.items() if old[1] == key[1]}
            self._made[key] = self._feeds.message(kind, now, fault)
        return self._made[key]

    def dress(self, call: Call, document: Any, fault: str) -> Answer:
        label, headers = _PROTOBUF, {}
        if call.operation == "archive":
            label, headers = _ZIP, {"ETag": self._etag, "Last-Modified": _CHANGED}
            if call.args == self._etag and fault == "000":
                return Answer(b"", "", 304, headers)
        if fault == "203":
            # A feed that ends between two messages is a shorter feed: no reader could know. So it ends within one.
            document = document[: len(document) * 2 // 3] if call.operation == "archive" else document[:-1]
        return Answer(document, HTML if fault == "205" else label, headers=headers)


if __name__ == "__main__":
    run(lambda world, _options: Bus(world), parser("municipal/gtfs"))
