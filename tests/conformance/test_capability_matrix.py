"""docs/capabilities.md is what the drivers can do: every row of it is true, and every committed driver has one."""

import subprocess
from pathlib import Path

from aggregator.cli.adapter_matrix import main, matrix
from aggregator.sdk.testing.conformance import candidates

PAGE = Path(__file__).parents[2] / "docs" / "capabilities.md"


def _rows(text):
    return {line for line in text.splitlines() if line.startswith("| ") and "/" in line.split("|")[1]}


def _committed(candidate):
    """Whether the driver is in the repository already: one that is being written need not be in the page."""
    asked = ["git", "ls-files", "--error-unmatch", f"adapters/{candidate.kind}/{candidate.name}/adapter.toml"]
    return subprocess.run(asked, cwd=PAGE.parents[1], capture_output=True, check=False).returncode == 0


def test_the_page_is_generated_and_true():
    drivers = [candidate for candidate in candidates() if _committed(candidate)] or candidates()
    assert _rows(matrix(drivers)) == _rows(PAGE.read_text("utf-8"))


def test_the_page_is_written_and_checked_by_one_command(tmp_path):
    page = tmp_path / "capabilities.md"
    assert main(["--check", str(page)]) == 1
    assert main([str(page)]) == 0
    assert main(["--check", str(page)]) == 0
