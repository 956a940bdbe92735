"""What nobody could be given is the editors' best reading, so it is kept; who asked it is nobody's, so it is not.

Before a query is kept every number, address of the net, name after "my name is" and word that neither lexicon nor
catalogue knows and that might be a name becomes a placeholder. What is left are words of the catalogue's world. One
line a query in a file of the data folder, appended whole, so that any number of workers may write.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aggregator.discovery.search.reading import Reader
from aggregator.discovery.search.script import words

FILE = "unanswered.jsonl"
LARGEST = 2_000_000
"""Bytes the file may have; then it is put aside once and begun anew."""
LONGEST_WORDS = 12
_NET = re.compile(r"\S*(?:@|://|www\.)\S*")
_MARK = "*"


@dataclass(frozen=True, slots=True)
class Unanswered:
    """What was asked, without persons; how often; when last (a day: the moment would say who)."""

    words: str
    times: int
    last_day: str
    languages: tuple[str, ...]


def without_persons(text: str, reader: Reader) -> str:
    """The query with everything that may name somebody replaced by `*`; empty when nothing else is left."""
    kept = [
        word if not any(char.isdigit() for char in word) and reader.knows(word) else _MARK
        for word in words(_NET.sub(" 0 ", text))[:LONGEST_WORDS]
    ]
    folded = [word for at, word in enumerate(kept) if word != _MARK or at == 0 or kept[at - 1] != _MARK]
    return " ".join(folded) if set(folded) - {_MARK} else ""


class Queue:
    """The editors' queue in a data folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE

    def note(self, text: str, reader: Reader, *, language: str, now: datetime) -> bool:
        """Keeps a query; whether anything of it was worth keeping. A full disk costs the line, never the answer."""
        said = without_persons(text, reader)
        if not said:
            return False
        line = json.dumps({"day": now.date().isoformat(), "language": language, "words": said}, ensure_ascii=False)
        try:
            self._put_aside()
            # One write of one line: O_APPEND keeps workers' lines apart.
            handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, f"{line}\n".encode())
            finally:
                os.close(handle)
        except OSError:
            return False
        return True

    def listing(self) -> list[Unanswered]:
        """What was asked in vain, most often first."""
        times: Counter[str] = Counter()
        last: dict[str, str] = {}
        languages: dict[str, set[str]] = {}
        for row in self._rows():
            said = row["words"]
            times[said] += 1
            last[said] = max(last.get(said, ""), row["day"])
            languages.setdefault(said, set()).add(row["language"])
        rows = [Unanswered(said, count, last[said], tuple(sorted(languages[said]))) for said, count in times.items()]
        return sorted(rows, key=lambda row: (-row.times, row.words))

    def _rows(self) -> Iterator[dict[str, str]]:
        for file in (self._file.with_suffix(".old.jsonl"), self._file):
            if file.is_file():
                for line in file.read_text("utf-8", errors="replace").splitlines():
                    try:
                        row = json.loads(line)
                    except ValueError:
                        continue  # the last line of a machine that lost power
                    if isinstance(row, dict) and {"day", "language", "words"} <= row.keys():
                        yield row

    def _put_aside(self) -> None:
        if self._file.is_file() and self._file.stat().st_size > LARGEST:
            self._file.replace(self._file.with_suffix(".old.jsonl"))
