"""A mistake is shown where it stands, whatever way its table was written."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.registry import locate
from aggregator.registry.locate import Positions, locate_json, locate_toml, syntax_spot
from aggregator.registry.tree import read_tree

ROOT = Path(__file__).parents[3]

TRICKY = (
    r"""
# a comment with "quotes" and [brackets]
title = "plain # not a comment"
a.b."c d".e = 1
'quoted.key' = 'it''s'.x
""".replace("'it''s'.x", "'literal \\ stays'")
    + r'''
empty = ""
escaped = "say \"hi\" \\"
multi = """
two "quoted" lines
and "a last one"""""
literal = """it is \""" fine"""
raw = \'\'\'
no \ escapes
\'\'\'
list = [
  1, # one
  [2, 3], { x = 4, y.z = [5] },
  "six ] , }",
]
inline = { k = { deep = [ { er = true } ] }, date = 1979-05-27 07:32:00 }
odia = "ଓଡ଼ିଆ" # after combining letters

[table]
key = 1.5
[table.sub."dotted.name"]
hex = 0xDEAD_BEEF
[[many]]
n = 1
[[many.inner]]
m = 1
[[many.inner]]
m = 2
[many.inner.last]
deep = true
[[many]]
n = 2
[ spaced . out ]
k = -inf
'''.replace("\\'\\'\\'", "'''")
)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, item in enumerate(value) for leaf in _leaves(item, (*path, index))]
    return [(path, value)]


def _stretch(text: str, found: Positions, path: tuple[Any, ...]) -> str:
    spot = found.spots.values[path]
    lines = text.split("\n")[spot.line - 1 :]
    if spot.end_line == spot.line:
        return lines[0][spot.column - 1 : spot.column - 1 + spot.width]
    return "\n".join([lines[0][spot.column - 1 :], *lines[1:]])


FILES = [
    ROOT / "registry.toml",
    *sorted((ROOT / "catalogue").glob("*.toml")),
    *sorted(ROOT.glob("adapters/*/*/*.toml")),
]


@pytest.mark.parametrize("text", [TRICKY, *(file.read_text(encoding="utf-8") for file in FILES)])
def test_every_value_of_a_toml_file_is_found_where_it_stands(text: str) -> None:
    data, found = tomllib.loads(text), locate_toml(text)
    for path, value in _leaves(data):
        stretch = _stretch(text, found, path)
        if "\n" not in stretch:
            assert tomllib.loads(f"k = {stretch}")["k"] == value
        else:
            assert stretch.startswith(('"""', "'''"))
        named = [part for part in path if isinstance(part, str)]
        assert named[-1] in _stretch_of_key(text, found, path)


def _stretch_of_key(text: str, found: Positions, path: tuple[Any, ...]) -> str:
    while isinstance(path[-1], int):
        path = path[:-1]
    spot = found.spots.keys[path]
    return text.split("\n")[spot.line - 1][spot.column - 1 : spot.column - 1 + spot.width]


def test_every_value_of_a_json_form_is_found_where_it_stands() -> None:
    for file in ROOT.glob("adapters/*/*/forms/*.json"):
        text = file.read_text(encoding="utf-8")
        found = locate_json(text)
        for path, value in _leaves(json.loads(text)):
            assert json.loads(_stretch(text, found, path)) == value


def test_an_array_of_tables_is_told_apart_by_its_index() -> None:
    found = locate_toml(TRICKY)
    lines = TRICKY.split("\n")
    assert lines[found.spots.values["many", 0, "inner", 1, "m"].line - 1] == "m = 2"
    assert lines[found.spots.values["many", 1, "n"].line - 1] == "n = 2"


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no finding
@given(
    st.recursive(
        st.integers() | st.booleans() | st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc",))),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.\" '", max_size=4), inner, max_size=3),
        max_leaves=8,
    )
)
def test_json_of_any_shape_is_walked_without_losing_the_place(value: Any) -> None:
    text = json.dumps({"k": value}, ensure_ascii=False, indent=1)
    found = locate_json(text)
    for path, leaf in _leaves({"k": value}):
        assert json.loads(_stretch(text, found, path)) == leaf


def test_a_syntax_error_keeps_its_line_and_column() -> None:
    text = "[city]\nname = Toytown\n"
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    spot, reason = syntax_spot(caught.value, text)
    assert (spot.line, spot.column) == (2, 8)
    assert "at line" not in reason


def test_a_file_that_ends_too_early_points_at_its_last_line() -> None:
    text = '[city]\nname = """Toy\ntown\n\n'
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    spot, reason = syntax_spot(caught.value, text)
    assert spot.line == 3
    assert "ends too early" in reason


def test_the_city_s_registry_is_not_walked_when_there_is_nothing_to_say_about_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def walked(*_: object) -> None:
        raise AssertionError("a place was looked for")

    monkeypatch.setattr(locate, "_Scanner", walked)
    assert read_tree(ROOT / "registry.toml").agencies
    with pytest.raises(AssertionError, match="a place was looked for"):
        locate.locate_toml("a = 1").value(("a",))
