"""The page of proofs shows what was not proved as plainly as what was."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from figures import FIGURES, ROOT, rows_of, sized

PROOFS = """
import sys
sys.path.insert(0, {tests!r})
import pytest
from figures import figure, pytest_runtest_makereport


@pytest.mark.figure("R4")
def test_measured(figure):
    figure.control("flagged 3 of 3")
    figure.measured("500 of 500", seeds="7")


@pytest.mark.figure("R5")
@pytest.mark.skip(reason="this needs root")
def test_skipped(figure):
    figure.measured("never")


@pytest.mark.figure("R19")
def test_failed(figure):
    figure.measured("1 lost")
    assert False


@pytest.mark.figure("R20")
def test_silent(figure):
    pass
"""


@pytest.fixture
def page(tmp_path: Path) -> str:
    """The page after a run of four proofs, of which one passes."""
    (tmp_path / "conftest.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT / 'tests')!r})\nfrom figures import pytest_runtest_makereport\n"
    )
    (tmp_path / "test_proofs.py").write_text(PROOFS.format(tests=str(ROOT / "tests")))
    results = tmp_path / "results.jsonl"
    env = {"FIGURES_TO": str(results), "PATH": "/usr/bin:/bin"}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)],
        env=env, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 1, ran.stdout
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    return "\n".join(rows_of(lines, "abc1234"))


def test_a_row_tells_what_was_measured_skipped_failed_and_never_said(page: str) -> None:
    rows = {line.split(" | ")[0].strip("| "): line for line in page.splitlines()}
    assert "| 7 | 500 of 500 |" in rows["R4"]
    assert "flagged 3 of 3" in rows["R4"]
    assert "abc1234" in rows["R4"]
    assert "skipped: this needs root" in rows["R5"]
    assert "**FAILED**: test_failed" in rows["R19"]
    assert "**FAILED**: test_silent" in rows["R20"]
    assert "not measured in this run" in rows["R15"]
    assert set(FIGURES) <= set(rows)


def test_a_tier_changes_sizes_and_nothing_else() -> None:
    assert sized(60, 300) in {60, 300}
