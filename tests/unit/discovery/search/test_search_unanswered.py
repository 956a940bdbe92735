"""The editors read what was asked in vain, and never who asked."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.discovery.search.index import Index
from aggregator.discovery.search.item import Item
from aggregator.discovery.search.lexicon import load
from aggregator.discovery.search.reading import Reader
from aggregator.discovery.search.unanswered import FILE, Queue, without_persons

ROOT = Path(__file__).parents[4]
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def reader() -> Reader:
    reader = Reader(load(ROOT / "catalogue" / "lexicon"))
    Index([Item(id="water.bill", titles={"en": "Water bill payment"})], reader)
    return reader


@pytest.mark.parametrize(
    "asked",
    [
        "pension of Sanjukta Mohapatra",
        "pension 9437012345",
        "pension ୯୪୩୭୦୧୨୩୪୫",
        "pension +91 94370-12345",
        "pension 1234 5678 9012 aadhaar",
        "pension sanju.m@example.in",
        "ପେନସନ ସଂଯୁକ୍ତା ମହାପାତ୍ର",
        "vehicle OD02AB1234 of Bikash",
        "http://example.in/?id=77 pension",
    ],
)
def test_nothing_that_names_a_person_is_kept(asked: str, reader: Reader, tmp_path: Path) -> None:
    Queue(tmp_path).note(asked, reader, language="en", now=NOW)
    kept = (tmp_path / FILE).read_text("utf-8")
    for part in ("anjukta", "ohapatra", "9437", "ସଂଯୁକ୍ତା", "୯୪୩୭", "5678", "sanju", "od02", "ikash", "example", "77"):
        assert part not in kept.casefold()
    assert "09:30" not in kept


def test_a_query_of_nothing_but_names_is_not_kept_at_all(reader: Reader, tmp_path: Path) -> None:
    assert not Queue(tmp_path).note("Sanjukta Mohapatra 9437012345", reader, language="en", now=NOW)
    assert not (tmp_path / FILE).exists()


def test_words_of_the_citys_world_are_kept(reader: Reader) -> None:
    assert without_persons("widow pension for Kuni in Patia", reader) == "widow pension for * in *"


def test_the_queue_is_counted_and_read_most_often_first(reader: Reader, tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    for asked in ("cooking gas cylinder", "train ticket", "cooking gas cylinder"):
        assert queue.note(asked, reader, language="or", now=NOW)
    rows = queue.listing()
    assert [(row.words, row.times, row.languages) for row in rows] == [
        ("cooking gas cylinder", 2, ("or",)),
        ("train ticket", 1, ("or",)),
    ]


def test_a_torn_line_and_a_missing_folder_cost_nothing(reader: Reader, tmp_path: Path) -> None:
    assert not Queue(tmp_path / "nowhere").note("train ticket", reader, language="en", now=NOW)
    queue = Queue(tmp_path)
    queue.note("train ticket", reader, language="en", now=NOW)
    with (tmp_path / FILE).open("a") as file:
        file.write('{"day": "2026-')
    assert len(queue.listing()) == 1
