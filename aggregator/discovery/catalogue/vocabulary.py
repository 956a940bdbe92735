"""The vocabulary is one TOML file, because people write it by hand; a mistake in it refuses the whole reading.

Entries refer to its words, so half a vocabulary would break entries that have no mistake of their own.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aggregator.discovery.catalogue.model import Organisation, Question, Term, Vocabulary
from aggregator.discovery.catalogue.shapes import VOCABULARY
from aggregator.registry.problems import errors_in
from aggregator.registry.source import Source as File
from aggregator.registry.source import read_toml

_TERMS = (
    "categories", "groups", "life_events", "audiences", "departments", "channels", "documents", "start_events",
    "exclusions",
)  # fmt: skip


def read_vocabulary(path: Path, name: str) -> tuple[Vocabulary, File]:
    """The vocabulary and its source with every mistake; empty when there is one. Raises OSError."""
    file = read_toml(path, name)
    if file.data:
        VOCABULARY.check(file.data, (), file)
        file.problems = [one for one in file.problems if one.severity == "error"]
    if errors_in(file.problems):
        return Vocabulary(), file
    return vocabulary_of(file.data), file


def vocabulary_of(tables: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary of tables that were checked; its sources come from a file of their own."""
    unverified = tuple(tables.get("unverified", ()))
    terms: dict[str, Any] = {name: _terms(tables.get(name, {}), unverified) for name in _TERMS}
    return Vocabulary(
        **terms,
        organisations={
            id_: Organisation(id_, row["title"], unverified, row.get("agency", ""), row.get("website", ""))
            for id_, row in tables.get("organisations", {}).items()
        },
        questions={
            id_: Question(id_, row["title"], row.get("answers", {}), row.get("least", 0), row.get("most", 0))
            for id_, row in tables.get("questions", {}).items()
        },
    )


def _terms(rows: Mapping[str, Mapping[str, str]], unverified: tuple[str, ...]) -> Mapping[str, Term]:
    return {id_: Term(id_, titles, unverified) for id_, titles in rows.items()}
