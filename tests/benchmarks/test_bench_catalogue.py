"""The catalogue's own size and 20,000 entries: reading it, listing it, counting facets; in turns with the plain ways.

Controls: the same rows as TOML, which only has to be parsed and not even checked; and a second reading of the same
files, which must give the same catalogue in the same order. Ratios are printed, not asserted, as everywhere here.
"""

import json
import tomllib
from functools import partial
from pathlib import Path

import pytest
from bench_pairs import Spread

from aggregator.discovery.browse import FACETS, Now, counted, fitting
from aggregator.discovery.catalogue import load
from aggregator.discovery.catalogue.rows import rows_of
from aggregator.sdk.clock import SystemClock

pytestmark = pytest.mark.bench
FOLDER = Path(__file__).parents[2] / "catalogue" / "facts"
LARGE = 20_000
ROUNDS = 5
"""Of each, in turns."""


def taken_s(work) -> float:
    clock = SystemClock()
    before = clock.monotonic()
    work()
    return clock.monotonic() - before


def enlarged(folder: Path, into: Path) -> Path:
    """The folder with its services told again under other ids until there are 20,000 entries."""
    into.mkdir()
    for name in load.FILES:
        (into / name).write_bytes((folder / name).read_bytes())
    rows = list(rows_of(folder / load.SERVICES).values())
    made = [{**rows[n % len(rows)], "id": f"{rows[n % len(rows)]['id']}_{n}"} for n in range(LARGE - 303)]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made)
    (into / load.SUPERSEDED).write_text("", encoding="utf-8")
    (into / load.SERVICES).write_text(text, encoding="utf-8")
    return into


def as_toml(value) -> str:
    """The value as an inline TOML value; JSON's texts and numbers are TOML's."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {as_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def toml_of(folder: Path) -> str:
    names = (load.SERVICES, load.COMPLAINTS, load.SUPERSEDED)
    rows = [row for name in names for row in rows_of(folder / name).values()]
    pairs = ("".join(f"{json.dumps(key)} = {as_toml(value)}\n" for key, value in row.items()) for row in rows)
    return "".join(f"[[entries]]\n{one}" for one in pairs)


def told(what: str, ratio: Spread, first_s: float, second_s: float) -> None:
    spread = f"{ratio.middle:.2f} ({ratio.least:.2f} to {ratio.most:.2f})"
    print(f"\n{what}: ratio {spread}; {1000 * first_s:.1f} ms and {1000 * second_s:.1f} ms")  # noqa: T201 - to be read


def test_reading_and_checking_lines_beside_only_parsing_the_same_rows_as_toml():
    text = toml_of(FOLDER)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(taken_s(lambda: load.read(FOLDER)))
        theirs.append(taken_s(lambda: tomllib.loads(text)))
    ratio = Spread.of([b / a for a, b in zip(ours, theirs, strict=True)])
    told("TOML parsed / lines read, checked and composed, 796 rows", ratio, min(theirs), min(ours))
    assert len(tomllib.loads(text)["entries"]) == 407 + 303 + 86


def test_twenty_thousand_entries_come_out_the_same_twice(tmp_path):
    large = enlarged(FOLDER, tmp_path / "large")
    small_s, large_s, found = [], [], []
    for _ in range(3):
        small_s.append(taken_s(lambda: load.read(FOLDER)))
        large_s.append(taken_s(lambda: found.append(load.read(large))))
    assert [one.broken for one in found] == [0, 0, 0]
    assert all(list(one.facts.entries) == list(found[0].facts.entries) for one in found)
    assert found[0].facts == found[1].facts
    per_entry = (min(large_s) / LARGE) / (min(small_s) / 796)
    told("an entry of 20,000 / an entry of 796", Spread.of([per_entry]), min(large_s), min(small_s))


@pytest.mark.parametrize("asked", [{}, {"category": "vehicle", "audience": "vehicle_owner"}], ids=["all", "two facets"])
def test_listing_and_counting_all_facets(tmp_path, asked):
    small = list(load.read(FOLDER).facts.entries.values())
    large = list(load.read(enlarged(FOLDER, tmp_path / "large")).facts.entries.values())
    small_s, large_s = (
        min(taken_s(partial(listed, entries, asked)) for _ in range(ROUNDS)) for entries in (small, large)
    )
    per_entry = (large_s / len(large)) / (small_s / len(small))
    told("list and all facets, an entry of 20,000 / of 710", Spread.of([per_entry]), large_s, small_s)
    assert sum(listed(large, {})["kind"].values()) == LARGE


def listed(entries, asked):
    now = Now({})
    return counted(fitting(entries, asked, now), FACETS, now)
