"""The editors' commands: nothing is written before it is asked for, and what editors added survives an import."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from aggregator.cli import main
from aggregator.discovery.catalogue.bring import bring, merged
from aggregator.discovery.catalogue.rows import rows_of
from aggregator.discovery.catalogue.wording import Wording

ROOT = Path(__file__).parents[3]


@pytest.fixture
def city(tmp_path):
    """A registry of one simulated agency and a copy of the city's facts."""
    assert main(["registry", "init", str(tmp_path)]) == 0
    shutil.copytree(ROOT / "catalogue" / "facts", tmp_path / "facts")
    registry = tmp_path / "registry.toml"
    text = registry.read_text(encoding="utf-8")
    registry.write_text(text.replace('folder = "catalogue/facts"', 'folder = "facts"', 1), encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(city, capsys):
    def command(name, *words):
        capsys.readouterr()
        code = main(["catalogue", name, "--registry", str(city / "registry.toml"), *map(str, words)])
        return code, capsys.readouterr()

    return command


def data(folder: Path, **services) -> Path:
    """Gathered data of one service, as other people write it."""
    folder.mkdir()
    row = {
        "id": "rto.noc", "kind": "service", "agency": "rto", "department": "RTO", "category": "vehicle",
        "name_en": "No  Objection Certficate", "name_or": None, "name_hi": None, "life_events": ["wedding"],
        "time_limit": {"text": "07 days", "source": "ORTPSA", "designated_officer": "ln Office"}, "fee": None,
        "documents": ["Form 28"], "channels": ["RTO"], "statutory_refs": [], "sources": ["ORTPSA"],
        "name_basis": "ours", "canonical": True, **services,
    }  # fmt: skip
    source = {"kind": "page", "ref": "the table", "verified": True}
    given = {
        "services.json": {"generated": "2026-11-21", "sources": {"ORTPSA": source}, "services": [row]},
        "complaint_types.json": {"source": "x", "sla_note": "y", "complaint_types": []},
        "localities.json": {"bhubaneswar": {"localities": []}, "bda_localities": []},
        "ortps_rules.json": {"rules": []},
    }
    for name, value in given.items():
        (folder / name).write_text(json.dumps(value), encoding="utf-8")
    return folder


def test_check_counts_what_is_there_and_warns_without_refusing(run) -> None:
    code, told = run("check")
    assert code == 0
    assert "407 services, 303 complaint types, 86 superseded rows" in told.out
    assert "warning:" in told.out


def test_check_names_the_line_of_a_mistake_and_what_a_city_would_do(run, city) -> None:
    file = city / "facts" / "services.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[2] = lines[2].replace('"category": "police"', '"category": "polise"')
    file.write_text("\n".join(lines), encoding="utf-8")
    code, told = run("check", "--quiet")
    assert code == 2
    assert "services.jsonl:3:" in told.out
    assert 'Did you mean "police"?' in told.out
    assert "A city would leave out 1 entry." in told.out


def test_an_import_is_only_told_until_it_is_asked_for(run, city) -> None:
    before = (city / "facts" / "services.jsonl").read_bytes()
    code, told = run("import", data(city / "data"))
    assert code == 0
    assert "rto.noc  changed title" in told.out
    assert "add --write" in told.out
    assert (city / "facts" / "services.jsonl").read_bytes() == before


def test_an_import_speaks_our_words_and_keeps_what_editors_added(city) -> None:
    wording = Wording.read(city / "facts")
    [new] = bring(data(city / "data"), wording).files["services.jsonl"]
    assert (new["organisation"], new["department"]) == ("rto", "commerce_transport")
    assert new["title"]["en"] == "No Objection Certificate"
    assert new["life_events"] == ["marriage"]
    assert (new["channels"], new["documents"]) == (["rto_office"], ["form_28"])
    assert (new["time_limit"]["amount"], new["time_limit"]["unit"]) == (7, "DAY")
    assert new["officers"] == {"designated": "In Office"}
    edited = {
        "id": "rto.noc", "title": {"en": "old", "or": "ଅନାପତ୍ତି"}, "eligibility": [{"question": "age_years"}],
        "sources": {"title": ["MDMS"], "eligibility": ["RECALLED"]},
    }  # fmt: skip
    [row] = merged([new], {"rto.noc": edited})
    assert row["title"] == {"en": "No Objection Certificate", "or": "ଅନାପତ୍ତି"}
    assert row["eligibility"] == edited["eligibility"]
    assert row["sources"] == {**new["sources"], "eligibility": ["RECALLED"]}


def test_words_we_do_not_know_are_all_told_and_nothing_is_taken_over(run, city) -> None:
    strange = data(
        city / "data", channels=["pigeon"], documents=["Form 99"], time_limit={"text": "soon", "source": "X"}
    )
    code, told = run("import", strange, "--write")
    assert code == 2
    for word in ('[channels] has no "pigeon"', '[documents] has no "Form 99"', '[[limits]] has no text = "soon"'):
        assert word in told.err
    assert len(rows_of(city / "facts" / "services.jsonl")) == 407


def sheet_of(run, city):
    path = city / "sheet.csv"
    assert run("export", path)[0] == 0
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    return path, rows


def written(path, rows) -> None:
    text = io.StringIO()
    sheet = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    sheet.writeheader()
    sheet.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def test_a_sheet_that_was_not_edited_changes_nothing(run, city) -> None:
    path, rows = sheet_of(run, city)
    assert len(rows) == 710
    code, told = run("import", path, "--write")
    assert (code, told.out) == (0, "nothing differs\n")


def test_an_edited_cell_is_taken_over_and_the_rest_stays_byte_for_byte(run, city) -> None:
    before = (city / "facts" / "services.jsonl").read_text(encoding="utf-8").splitlines()
    path, rows = sheet_of(run, city)
    row = next(one for one in rows if one["id"] == "rto.fitness")
    row["title_hi"], row["keywords_en"] = "फिटनेस प्रमाणपत्र, वाहन", "FC; roadworthy"
    written(path, rows)
    code, _ = run("import", path, "--write")
    after = (city / "facts" / "services.jsonl").read_text(encoding="utf-8").splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert code == 0
    assert [json.loads(line)["id"] for line in changed] == ["rto.fitness"]
    assert json.loads(changed[0])["keywords"]["en"] == ["FC", "roadworthy"]
    assert run("check", "--quiet")[0] == 0


def test_mistakes_of_a_sheet_are_told_at_once_with_their_lines(run, city) -> None:
    path, rows = sheet_of(run, city)
    rows[3]["id"] = "rto.nok"
    rows[5]["id"] = rows[4]["id"]
    written(path, rows)
    code, told = run("import", path, "--write")
    assert code == 2
    assert 'sheet.csv:5:1: error: there is no entry "rto.nok"' in told.err
    assert f'sheet.csv:7:1: error: "{rows[4]["id"]}" stands twice' in told.err


def test_diff_tells_every_changed_fact(run, city, tmp_path) -> None:
    old = tmp_path / "old"
    shutil.copytree(city / "facts", old)
    path, rows = sheet_of(run, city)
    rows[0]["title_hi"] = "नया"
    written(path, rows)
    run("import", path, "--write")
    code, told = run("diff", old)
    assert code == 0
    assert f"{rows[0]['id']}  changed title" in told.out
    assert "1 difference" in told.out


def test_coverage_counts_languages_facts_and_rungs(run) -> None:
    code, told = run("coverage")
    assert code == 0
    for word in ("time limit", "Odia, from a native source", "INFO", "checked at the source"):
        assert word in told.out


def test_a_registry_without_a_catalogue_is_told_what_to_add(run, city) -> None:
    registry = city / "registry.toml"
    text = registry.read_text(encoding="utf-8")
    registry.write_text(text[: text.index("[catalogue]")], encoding="utf-8")
    code, told = run("check")
    assert code == 2
    assert "[catalogue]" in told.err
