"""An editor's slip is told with its place and costs the entry, never the search."""

from pathlib import Path

from aggregator.discovery.search.index import Index
from aggregator.discovery.search.item import Item
from aggregator.discovery.search.lexicon import Lexicon, load
from aggregator.discovery.search.rank import Ranking
from aggregator.discovery.search.reading import Reader

ROOT = Path(__file__).parents[4]


def written(folder: Path, text: str, name: str = "words.toml") -> Lexicon:
    (folder / name).write_text(text, encoding="utf-8")
    return load(folder)


def test_the_citys_own_files_have_no_slip() -> None:
    lexicon = load(ROOT / "catalogue" / "lexicon")
    assert [str(slip) for slip in lexicon.slips] == []
    assert len(lexicon.ideas) > 200


def test_a_wrong_role_is_told_with_file_and_line(tmp_path: Path) -> None:
    lexicon = written(tmp_path, '[words.water]\nen = "water"\n\n[words.bill]\nrole = "thingy"\nen = "bill"\n')
    assert [str(slip) for slip in lexicon.slips] == [
        "words.toml:4:8: role is one of action, elsewhere, filler, thing; left out"
    ]
    assert list(lexicon.ideas) == ["water"]


def test_a_file_that_is_no_toml_costs_only_itself(tmp_path: Path) -> None:
    written(tmp_path, '[words.water\nen = "water"\n', "broken.toml")
    lexicon = written(tmp_path, '[words.bill]\nen = "bill"\n')
    assert [slip.file for slip in lexicon.slips] == ["broken.toml"]
    assert lexicon.slips[0].line == 1
    assert list(lexicon.ideas) == ["bill"]


def test_an_idea_is_defined_once(tmp_path: Path) -> None:
    written(tmp_path, '[words.bill]\nen = "bill"\n', "a.toml")
    lexicon = written(tmp_path, '[words.bill]\nen = "invoice"\n', "b.toml")
    assert "already" in str(lexicon.slips[0])
    assert lexicon.ideas["bill"].forms == (("en", ("bill",)),)


def test_unknown_keys_weights_and_sayings_are_refused_one_by_one(tmp_path: Path) -> None:
    lexicon = written(
        tmp_path,
        '[words.a]\nfr = "eau"\n[words.b]\nen = "b"\nweight = 9\n[words.c]\n[say]\n"x.y" = "no list"\n[other]\n',
    )
    found = " ".join(str(slip) for slip in lexicon.slips)
    for part in ("unknown: fr", "weight is a number", "no form", "a list of texts", "unknown table"):
        assert part in found
    assert lexicon.ideas == {}


def test_without_any_lexicon_titles_are_still_found(tmp_path: Path) -> None:
    reader = Reader(load(tmp_path / "nowhere"))
    index = Index([Item(id="water.bill", titles={"en": "Water bill payment"})], reader)
    assert [one.entry.item.id for one in Ranking(index).best(reader.query("water bil"))] == ["water.bill"]


def test_a_name_of_a_service_is_never_read_as_a_thing_that_no_agency_does(tmp_path: Path) -> None:
    lexicon = written(tmp_path, '[words.divorce]\nrole = "elsewhere"\nen = "divorce"\nor = "ଛାଡ଼ପତ୍ର"\n')
    reader = Reader(lexicon)
    index = Index([Item(id="college.leaving", titles={"en": "College leaving", "or": "କଲେଜ ଛାଡ଼ପତ୍ର"})], reader)
    assert Ranking(index).best(reader.query("divorce")) == []
    assert [one.entry.item.id for one in Ranking(index).best(reader.query("କଲେଜ"))] == ["college.leaving"]
