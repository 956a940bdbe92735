"""Other people's words and ours: `import.toml`, kept beside the facts because editors keep it.

A word that is not listed is reported and nothing is written: a guess would look like a fact.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAPPING = "import.toml"
_PLAIN_LIMIT = re.compile(r"^0*([1-9][0-9]*) *days?$", re.IGNORECASE)


@dataclass(slots=True)
class Wording:
    """The tables of import.toml. `unknown` gathers every word that is in none of them."""

    tables: Mapping[str, Any]
    unknown: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, folder: Path) -> "Wording":
        """Raises OSError and tomllib.TOMLDecodeError."""
        return cls(tomllib.loads((folder / MAPPING).read_text(encoding="utf-8")))

    def word(self, table: str, word: str) -> Any:
        """Our word for theirs; None, and remembered, when there is none."""
        found = self.tables[table].get(word)
        if found is None:
            self.unknown.add(f'[{table}] has no "{word}"')
        return found

    def words(self, table: str, words: Iterable[str]) -> list[str]:
        """Ours for all of theirs, each once and in their order."""
        return list(dict.fromkeys(one for word in words if (one := self.word(table, word)) is not None))

    def corrected(self, text: str) -> str:
        """The text without the slips of the scan that are known."""
        for wrong, right in self.tables["corrections"].items():
            text = text.replace(wrong, right)
        return re.sub(r"\s+", " ", text).strip()

    def limit(self, text: str) -> dict[str, Any] | None:
        """The structure of a limit's wording; None, and remembered, when it is neither plain nor listed."""
        plain = _PLAIN_LIMIT.match(text)
        if plain:
            return {"amount": int(plain[1]), "unit": "DAY", "start_event": "received"}
        for row in self.tables["limits"]:
            if row["text"] == text:
                return dict(row["limit"])
        self.unknown.add(f'[[limits]] has no text = "{text}"')
        return None

    def newer(self, id_: str) -> Mapping[str, Any] | None:
        """A later notification's limit for this service."""
        return next((row for row in self.tables.get("newer", ()) if row["id"] == id_), None)

    def standing(self, id_: str) -> dict[str, Any]:
        """What the rows of `[[rows]]` say of an id; the first that says something of a key counts."""
        found: dict[str, Any] = {}
        for row in self.tables["rows"]:
            if re.search(row["match"], id_):
                found = {**row, **found}
        found.pop("match", None)
        return found
