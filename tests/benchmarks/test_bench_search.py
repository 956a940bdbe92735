"""P13: a citizen's words are answered within two milliseconds of processor time over 20,000 entries."""

import dataclasses
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from bench_pairs import Spread
from bench_report import Goal, Report, Row

from aggregator.discovery.catalogue.compose import Offers, compose
from aggregator.discovery.catalogue.load import read
from aggregator.discovery.search.answer import Search
from aggregator.discovery.search.index import Index
from aggregator.discovery.search.item import Item
from aggregator.discovery.search.items import items_of
from aggregator.discovery.search.lexicon import load
from aggregator.discovery.search.meaning import Meaning, Meanings, installed
from aggregator.discovery.search.reading import Reader

pytestmark = pytest.mark.bench
ROOT = Path(__file__).parents[2]
ENTRIES, ROUNDS = 20_000, 3
WORDS_MS, MEANING_MS = 2.0, 60.0
# Three scripts, romanised spellings and slips; what they find is `make discovery`'s business.
QUERIES = (
    "electricity bill payment", "new water conection", "driving licence renewal", "birth certificate for my son",
    "street light not working since a week", "ଜନ୍ମ ପ୍ରମାଣପତ୍ର", "ମୋ ଗାଡ଼ିର ମାଲିକାନା ବଦଳ", "ରାସ୍ତାରେ ଗାତ", "ବିଜୁଳି ବିଲ୍ ଅଧିକ",
    "मूल निवास प्रमाण पत्र", "नाली जाम है", "गाड़ी का चालान भरना है", "پاسپورٹ کی تجدید", "گلی میں کچرا",
    "mo gadi ra nama badaliba", "bijuli bill besi", "ghar ka naksha pass karwana", "awara kutte", "pani asu nahi",
    "incom certifcate", "elecricity metar burnt", "pasport adress chnge", "trade licence", "certificate",
    "my father died what papers do i need for the bank", "neighbour building without permission next to us",
    "train ticket to puri", "want to open a shop", "dead cow on the road", "loud music at night",
)  # fmt: skip


def city_of(size: int) -> list[Item]:
    """The city's catalogue, then again with the localities' names, until it is large enough."""
    facts = read(ROOT / "catalogue" / "facts").facts
    own = items_of(compose(facts, Offers({}, {})), load(ROOT / "catalogue" / "lexicon"))
    found = list(own)
    for round_ in range(size // len(own) + 1):
        place = facts.localities[round_ % len(facts.localities)].name
        found += [
            dataclasses.replace(
                item, id=f"{item.id}_{round_}", titles={**item.titles, "en": f"{item.titles['en']}, {place}"}
            )
            for item in own
        ]
    return found[:size]


@pytest.fixture(scope="module")
def large() -> Index:
    return Index(city_of(ENTRIES), Reader(load(ROOT / "catalogue" / "lexicon")))


def at(share: float, ask: Callable[[str], object]) -> list[float]:
    """Milliseconds of processor time that this share of the queries stays under, per round."""
    rounds = []
    for _ in range(ROUNDS + 1):
        took = []
        for query in QUERIES * 5:
            began = time.process_time_ns()
            ask(query)
            took.append((time.process_time_ns() - began) / 1e6)
        rounds.append(sorted(took)[int(len(took) * share)])
    return rounds[1:]


def spread(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    return Spread.of([one / other for one, other in zip(ours, theirs, strict=True)])


def test_p13_words_over_twenty_thousand_entries(large: Index, report: Report):
    ours = at(0.99, Search(large).ask)
    report.add(
        Row(
            "P13", f"search by words, p99 over {ENTRIES} entries", "two milliseconds of processor time",
            spread(ours, [WORDS_MS] * ROUNDS), f"{ours[0]:.2f} ms", f"{WORDS_MS} ms",
            Goal("p99 <= 2 ms", at_most=1.0), "the entries looked at closely (NARROWED) are what is left to lower.",
        )
    )  # fmt: skip


def test_p13_beside_the_databases_own_text_search(large: Index, report: Report):
    database = sqlite3.connect(":memory:")
    database.execute("create virtual table names using fts5(text, tokenize='trigram')")
    texts = ((" ".join([*entry.item.titles.values(), *entry.item.sayings]),) for entry in large.entries)
    database.executemany("insert into names (text) values (?)", texts)
    sql = "select rowid from names where names match ? order by bm25(names) limit 20"

    def trigrams(words: str) -> list[Any]:
        asked = " OR ".join(f'"{word}"' for word in words.split() if len(word) > 2)
        return database.execute(sql, (asked,)).fetchall()

    ours, theirs = at(0.99, Search(large).ask), at(0.99, trigrams)
    report.add(
        Row(
            "P13", "search by words, p99, sounds and slips forgiven", "SQLite FTS5 trigrams of the same names",
            spread(theirs, ours), f"{ours[0]:.2f} ms", f"{theirs[0]:.2f} ms",
            Goal("FTS5's time >= 1x ours", at_least=1.0), "FTS5 reads a word in C; what it finds is another matter.",
        )
    )  # fmt: skip


def test_p13_with_the_model(large: Index, report: Report):
    if not installed():
        report.skip("P13", "the extra [semantic] is not installed, so only words were measured.")
        pytest.skip("the extra [semantic] is not installed")
    model = Meaning()
    random = model.numpy.random.default_rng(1)

    class Quick(Meaning):
        """Vectors of entries are drawn, because computing 20,000 takes a quarter of an hour; queries are real."""

        def __init__(self) -> None:
            self.numpy = model.numpy

        def passage(self, text: str) -> Any:
            vector = random.standard_normal(384)
            return vector / model.numpy.linalg.norm(vector)

        def query(self, text: str) -> Any:
            return model.query(text)

    search = Search(large, Meanings(Quick(), [entry.item for entry in large.entries]))
    ours = at(0.95, search.ask)
    report.add(
        Row(
            "P13", f"search by words and meaning, p95 over {ENTRIES} entries", "sixty milliseconds of processor time",
            spread(ours, [MEANING_MS] * ROUNDS), f"{ours[0]:.1f} ms", f"{MEANING_MS} ms",
            Goal("p95 <= 60 ms", at_most=1.0), "nearly all of it is the model's own time for the query.",
        )
    )  # fmt: skip
