"""How far the database had come, remembered outside it: a restored backup cannot know what it has forgotten.

`(cluster, epoch, send_seq, event_seq)` lies in one or several small files. Each is written in place and flushed after a
group's commit and before anybody in that group hears of it, so before the first byte of a send and before a 202. So a
database that is behind its file has been rolled back, and a crash between the two leaves the file behind, never the
database. Two slots take turns: a torn write spoils one of them. Several processes of one host share a file under its
lock and only ever raise it. Source: docs/outcomes.md section 13.
"""

import asyncio
import fcntl
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

SLOT = 512
PLACES = (0, 4096)
SIZE = PLACES[1] + SLOT


@dataclass(frozen=True, slots=True)
class Mark:
    """`send_seq` counts journaled sends (T2), `event_seq` is the last event's number, `epoch` the last boot's."""

    cluster: str
    epoch: int = 0
    send_seq: int = 0
    event_seq: int = 0

    def behind(self, other: "Mark") -> bool:
        """Whether this one lacks anything the other remembers."""
        if self.cluster != other.cluster:
            return True
        return self.epoch < other.epoch or self.send_seq < other.send_seq or self.event_seq < other.event_seq

    def joined(self, other: "Mark") -> "Mark":
        """The furthest of both; another database's counts for nothing here."""
        if self.cluster != other.cluster:
            return self
        return Mark(
            self.cluster,
            max(self.epoch, other.epoch),
            max(self.send_seq, other.send_seq),
            max(self.event_seq, other.event_seq),
        )


class Unreadable(OSError):
    """A file is there and neither of its slots can be read: nobody knows what it remembered."""


class Watermark:
    """The files of one city. Every one of them is written each time: one that cannot be stops the sending."""

    def __init__(self, places: Sequence[Path]) -> None:
        self.places = tuple(places)

    def remembered(self) -> Mark | None:
        """The furthest mark of all files; None when there is no file at all.

        Raises Unreadable; also when the files belong to different databases.
        """
        found = [mark for place in self.places if (mark := _read(place)) is not None]
        if not found:
            return None
        if len({mark.cluster for mark in found}) > 1:
            raise Unreadable("the watermark's files belong to different databases")
        furthest = found[0]
        for mark in found[1:]:
            furthest = furthest.joined(mark)
        return furthest

    def keep(self, mark: Mark) -> None:
        """On disk when this returns. Raises OSError."""
        for place in self.places:
            _write(place, mark)


class Keeper:
    """Called by the store's writer after each commit, with the counters as that commit left them."""

    def __init__(self, watermark: Watermark, mark: Mark) -> None:
        self.watermark = watermark
        self.mark = mark
        self.epoch = mark.epoch

    async def __call__(self, counters: Mapping[str, int]) -> None:
        """Raises OSError; nobody who waits for the commit may then go on."""
        mark = replace(self.mark, epoch=self.epoch, send_seq=counters["send"], event_seq=counters["event"])
        if mark != self.mark:
            await asyncio.to_thread(self.watermark.keep, mark)
            self.mark = mark


def _read(place: Path) -> Mark | None:
    try:
        content = place.read_bytes()
    except FileNotFoundError:
        return None
    slots = _slots(content)
    if not slots:
        raise Unreadable(f"{place} cannot be read as a watermark")
    return slots[-1][1]


def _slots(content: bytes) -> list[tuple[int, Mark]]:
    """The turns and marks of the slots that are whole."""
    found = []
    for start in PLACES:
        digest, _, text = content[start : start + SLOT].rstrip(b"\0").partition(b" ")
        if text and hashlib.sha256(text).hexdigest().encode() == digest:
            turn, mark = json.loads(text)
            found.append((int(turn), Mark(**mark)))
    return sorted(found, key=lambda slot: slot[0])


def _write(place: Path, mark: Mark) -> None:
    descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        content = os.pread(descriptor, SIZE, 0)
        slots = _slots(content)
        turn, before = slots[-1] if slots else (0, mark)
        text = json.dumps([turn + 1, asdict(mark.joined(before))]).encode()
        line = hashlib.sha256(text).hexdigest().encode() + b" " + text
        if len(content) < SIZE:  # the room is taken once: a full disk later cannot refuse a write in place
            os.pwrite(descriptor, bytes(SIZE), 0)
        os.pwrite(descriptor, line.ljust(SLOT, b"\0"), PLACES[(turn + 1) % 2])
        if len(content) < SIZE:
            os.fsync(descriptor)
            _flush_folder(place.parent)
        else:
            os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
