"""Columns and colours for a terminal, and plain text for everything else: a pipe, a log, NO_COLOR, a dumb terminal."""

import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TextIO

_TONES = {"bold": "1", "faint": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
_OF_WORD = {
    "green": ("COMPLETED", "APPROVED", "DISPATCHED", "up", "ok", "RESOLVED_BY_AGENCY"),
    "blue": ("ACCEPTED", "SUBMITTED", "ACKNOWLEDGED", "ASSIGNED", "IN_PROGRESS", "SCHEDULED", "TRANSFERRED"),
    "yellow": ("HELD", "UNCONFIRMED", "AWAITING_CITIZEN", "AWAITING_PAYMENT", "degraded", "warning"),
    "red": ("REJECTED", "WITHDRAWN", "down", "stopped", "failed", "CONFLICT"),
}
_BY_WORD = {word: tone for tone, words in _OF_WORD.items() for word in words}


def coloured(stream: TextIO) -> bool:
    """Whether this stream is a terminal whose owner has not asked for plain text. Source: no-color.org."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, tone: str = "", *, stream: TextIO | None = None) -> str:
    """The text in a tone; without one, in the tone that goes with the word (a status, a state), if any does."""
    code = _TONES.get(tone or _BY_WORD.get(text.strip(), ""))
    return f"\x1b[{code}m{text}\x1b[0m" if code and coloured(stream or sys.stdout) else text


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, indent: str = "  ") -> str:
    """Left-aligned columns as wide as their widest cell; words with a tone of their own are painted."""
    body = [[clean(cell) for cell in row] for row in rows]
    widths = [max(cells(line[at]) for line in [list(headings), *body]) for at in range(len(headings))]
    lines = [
        indent + "  ".join(paint(_padded(head, width), "faint") for head, width in zip(headings, widths, strict=True))
    ]
    lines += [indent + "  ".join(paint(_padded(cell, w)) for cell, w in zip(row, widths, strict=True)) for row in body]
    return "\n".join(line.rstrip() for line in lines)


def clean(text: str) -> str:
    """What came over a wire must not move the reader's cursor."""
    return "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)


def cells(text: str) -> int:
    """How wide a terminal shows it: marks above letters take no room, ideographs two cells."""
    return sum(_wide(letter) for letter in text)


def _wide(letter: str) -> int:
    if unicodedata.category(letter) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))
