"""Whatever stands in the files, the check answers with problems, never with a traceback."""

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.registry.problems import render

MANY = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
SCALARS = (
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats() | TEXT | st.sampled_from(["#/", "*.toml", "en"])
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


def toml(value: Any) -> str:
    """One line of TOML: TOML has no null, and writes infinities its own way."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if value is None:
        return "false"
    return str(value).lower() if isinstance(value, (float, bool)) else json.dumps(value)


def document(data: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in data.items())


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    if isinstance(value, list):
        inside = list(enumerate(value))
    return [path, *(found for key, one in inside for found in places(one, (*path, key)))]


def replaced(data: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(data)
    at: Any = made
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return made


def _answers_with_problems(toytown, file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    problems = toytown.check()
    render(problems, colour=True)
    for problem in problems:
        lines = (toytown.folder / problem.file).read_text(encoding="utf-8").split("\n")
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1


@pytest.mark.parametrize("which", ["registry.toml", "adapter.toml", "transfer.json"])
def test_no_value_anywhere_makes_the_check_fail(toytown, which: str) -> None:
    files = {
        "registry.toml": toytown.path,
        "adapter.toml": toytown.driver / "adapter.toml",
        "transfer.json": toytown.driver / "forms" / "transfer.json",
    }
    file = files[which]
    text = file.read_text(encoding="utf-8")
    read, write = (json.loads, json.dumps) if file.suffix == ".json" else (tomllib.loads, document)
    data = read(text)

    @MANY
    @given(st.sampled_from(places(data)[1:]), VALUES)
    def any_value(path: tuple[Any, ...], value: Any) -> None:
        _answers_with_problems(toytown, file, write(replaced(data, path, value)))

    any_value()


def test_no_cut_of_a_file_makes_the_check_fail(toytown) -> None:
    text = toytown.path.read_text(encoding="utf-8")
    for length in range(0, len(text), 7):
        _answers_with_problems(toytown, toytown.path, text[:length])
