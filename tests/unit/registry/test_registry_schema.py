"""What editors show, what the guide says and what the checker accepts are one thing."""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import jsonschema_rs
import pytest

from aggregator.registry.load import check
from aggregator.registry.locate import locate_toml
from aggregator.registry.problems import render
from aggregator.registry.schema import documents, keys
from aggregator.registry.source import Source
from aggregator.registry.tables import AGENCY, INCLUDED, OPERATION, POLICY_NUMBERS, SERVICE
from aggregator.resilience.policy import Policy

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
T = {"en": "x", "or": "x", "hi": "x"}
WHOLE = {"kind": "rto", "driver": "vahan", "title": T, "url": "https://rto.example"}


@pytest.mark.parametrize("name", documents())
def test_the_published_schema_is_the_one_the_checker_uses(name: str) -> None:
    """If this fails: python -m aggregator.registry.schema docs."""
    assert (DOCS / name).read_text(encoding="utf-8") == documents()[name]


def _valid(schema: str, file: Path) -> list[str]:
    validator = jsonschema_rs.Draft202012Validator(json.loads(documents()[schema]), offline=True)
    return [f"{file.name}: {error.message}" for error in validator.iter_errors(tomllib.loads(file.read_text("utf-8")))]


def test_the_sandbox_citys_own_files_pass_their_schema() -> None:
    for file in (ROOT / "registry.toml", *(ROOT / "catalogue").glob("*.toml")):
        assert _valid("registry.schema.json", file) == []
        assert "docs/registry.schema.json" in file.read_text(encoding="utf-8").splitlines()[0]
    for file in ROOT.glob("adapters/*/*/adapter.toml"):
        assert _valid("adapter.schema.json", file) == []


def test_the_schema_refuses_what_the_checker_refuses(toytown) -> None:
    for old, new in (("deadline_s = 20", "deadline_s = 600"), ("deadline_s = 600", "dedline_s = 20")):
        toytown.edit(old, new)
        assert _valid("registry.schema.json", toytown.path)
        assert toytown.check()


def test_every_number_of_a_policy_is_described() -> None:
    assert {field.name for field in fields(Policy)} == set(POLICY_NUMBERS)


def test_the_sandbox_city_is_sound() -> None:
    problems = check(ROOT / "registry.toml", {})
    assert problems == [], render(problems, colour=False)


GUIDE = (DOCS / "registry.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "table"), [("agency", AGENCY), ("operation", OPERATION), ("service", SERVICE)])
def test_the_operators_guide_mentions_every_key(name: str, table) -> None:
    missing = [key for key in keys(table) if f"`{key.rpartition('.')[2]}`" not in GUIDE]
    assert missing == []


def test_the_guide_mentions_every_default_of_a_policy() -> None:
    rows = {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", GUIDE, re.MULTILINE)}
    for field in fields(Policy):
        assert float(rows[field.name].strip()) == field.default


def _snippets(words: str) -> list[str]:
    return re.findall(rf"^```toml{words}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)


def test_the_guides_whole_registry_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "registry.toml"
    (whole,) = _snippets(" whole")
    file.write_text(whole, encoding="utf-8")
    assert render(check(file, {"RTO_SHARED_SECRET": "x" * 16}), colour=False) == ""


@pytest.mark.parametrize("snippet", _snippets(""))
def test_every_part_shown_in_the_guide_has_the_right_shape(snippet: str) -> None:
    source = Source("guide", DOCS / "registry.md", snippet, tomllib.loads(snippet), locate_toml(snippet))
    for section, entries in source.data.items():
        assert section in INCLUDED.keys
        missing = WHOLE if section == "agencies" else {}
        INCLUDED.check({section: {name: {**missing, **entry} for name, entry in entries.items()}}, (), source)
    assert render(source.problems, colour=False) == ""
