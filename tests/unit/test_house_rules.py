"""The rules of the house that a linter does not know, read off the syntax trees."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLOCK = ROOT / "aggregator" / "sdk" / "clock.py"
FORBIDDEN_CALLS = {
    "time.time", "time.monotonic", "time.perf_counter", "time.sleep", "datetime.now", "datetime.utcnow",
    "datetime.today", "date.today", "random.random", "random.choice", "random.randint", "secrets.token_bytes",
    "secrets.token_hex", "secrets.token_urlsafe", "secrets.randbelow", "uuid.uuid4", "uuid.uuid1", "os.urandom",
}  # fmt: skip
FORBIDDEN_NAMES = ("Manager", "Helper", "Utils", "Processor", "Handler")


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            yield node.lineno, f"{name}.{node.func.attr}"


def clock_breaches(text: str) -> list[int]:
    return [line for line, name in calls(ast.parse(text)) if name in FORBIDDEN_CALLS]


def test_time_and_chance_enter_by_one_door() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in sources("aggregator")
        if path != CLOCK and "testing" not in path.parts and (lines := clock_breaches(path.read_text()))
    }
    assert found == {}


def test_the_rule_about_the_clock_sees_a_breach() -> None:
    assert clock_breaches("import time\ntime.time()\n") == [2]
    assert clock_breaches("import datetime\ndatetime.datetime.now()\n") == [2]


@pytest.mark.parametrize("limit", [300])
def test_no_file_outgrows_its_room(limit: int) -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources("aggregator", "adapters", "tests")
        if (lines := len(path.read_text().splitlines())) > limit
    }
    assert long == {}


def test_a_driver_reads_on_one_page() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources("adapters")
        if path.name == "__init__.py" and (lines := len(path.read_text().splitlines())) > 150
    }
    assert long == {}


def test_no_class_is_named_after_nothing() -> None:
    named = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in sources("aggregator", "adapters")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and (node.name.endswith(FORBIDDEN_NAMES) or node.name.startswith("Base"))
    ]
    assert named == []


def test_every_module_opens_with_the_decision_it_embodies() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources("aggregator", "adapters")
        if path.read_text().strip() and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert silent == []


def test_nothing_committed_names_this_machine_or_a_registry_host() -> None:
    try:
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout: nothing is committed here")
    words = ("/" + "work/", "pypi" + ".org", "npmjs" + ".org", "/opt/" + "pypi", "registry." + "npmjs")
    found = [
        name
        for name in listed.splitlines()
        if (path := ROOT / name).is_file() and any(word in path.read_text(errors="ignore") for word in words)
    ]
    assert found == []
