"""The guide for whoever adds an agency: its links lead somewhere, its rules exist, its commands do what it shows."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from aggregator.sdk.testing.quality import RULES, exemptions

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "adding-an-agency.md").read_text("utf-8")


def _blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_the_exemption_it_shows_is_one():
    (block,) = _blocks("toml")
    exempt, wrong = exemptions(tomllib.loads(block)["quality"])
    assert wrong == []
    assert set(exempt) <= set(RULES)


@pytest.mark.slow
def test_its_commands_do_what_it_shows():
    for block in _blocks("console"):
        command, *wanted = block.splitlines()
        words = [sys.executable, "-m", "aggregator.cli", *command.removeprefix("$ aggregator ").split()]
        env = {**os.environ, "NO_COLOR": "1"}
        ran = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stdout
        for line in wanted:
            pattern = r"\s+".join(re.escape(word).replace(r"\.\.\.", ".*") for word in line.split())
            assert re.search(pattern, ran.stdout), ran.stdout
