"""Many lines grouped by a key without holding them all: they lie in buckets on disk, read one by one.

A hash of the key says which bucket, so every line of a key is in the same one and buckets are about equal. The files
are beside what is being written, hold nothing that is not in it, and go when the groups were read.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

BUCKETS = 256
HELD_BYTES = 32_768
"""Kept per bucket before it is written: 8 MB in all."""


class Spill:
    """Lines by key. Keys have no tab and no line end, lines no line end."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder / f".{name}.parts"
        self._held = [bytearray() for _ in range(BUCKETS)]

    def __enter__(self) -> Self:
        self._folder.mkdir()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _exc: BaseException | None, _at: TracebackType | None
    ) -> None:
        for part in self._folder.iterdir():
            part.unlink()
        self._folder.rmdir()

    def add(self, key: str, line: bytes) -> None:
        bucket = hashlib.blake2b(key.encode(), digest_size=1).digest()[0]
        self._held[bucket] += b"%b\t%b\n" % (key.encode(), line)
        if len(self._held[bucket]) >= HELD_BYTES:
            self._write(bucket)

    def groups(self) -> Iterator[tuple[str, list[bytes]]]:
        """Each key with its lines in the order they came, keys of one bucket sorted."""
        for bucket in range(BUCKETS):
            self._write(bucket)
            part = self._part(bucket)
            if not part.exists():
                continue
            found: dict[bytes, list[bytes]] = {}
            with part.open("rb") as lines:
                for line in lines:
                    key, _, rest = line.rstrip(b"\n").partition(b"\t")
                    found.setdefault(key, []).append(rest)
            for key in sorted(found):
                yield key.decode(), found[key]

    def _write(self, bucket: int) -> None:
        if self._held[bucket]:
            with self._part(bucket).open("ab") as part:
                part.write(self._held[bucket])
            self._held[bucket] = bytearray()

    def _part(self, bucket: int) -> Path:
        return self._folder / f"{bucket:03d}"
