"""What the guides show is run as it stands: every console and python block, against a running city."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDES = ("README.md", "docs/portals.md", "docs/operations-centre.md", "docs/adapter-authors.md", "docs/operators.md")
DOORS = {"make run": "test_every_step_of_the_demo_comes_true", "make test": "this run itself"}
"""Commands that open a terminal of their own, and what proves them instead."""
FENCE = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TEST = re.compile(r"`(test_[a-z0-9_]+)`")
LINK = re.compile(r"\]\(([^)#:]+)\)")


def blocks(guide, kind):
    return [text for found, text in FENCE.findall((ROOT / guide).read_text(encoding="utf-8")) if found == kind]


def steps(block):
    """(command, lines that must come) in order."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip():
            found[-1][1].append(line.strip())
    return [(command, wanted) for command, wanted in found if command not in DOORS]


def said(wanted, output):
    """Whether a shown line came: `...` stands for anything, and how wide a column is does not matter."""
    pattern = r"\s+".join(re.escape(word).replace(r"\.\.\.", ".*") for word in wanted.split())
    return re.search(pattern, output) is not None


@pytest.fixture(scope="session")
def desk(city, tmp_path_factory):
    """A folder like the project's, with `aggregator` on the PATH and the environment of a second terminal."""
    folder = tmp_path_factory.mktemp("desk")
    shim = folder / "bin" / "aggregator"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m aggregator.cli "$@"\n')
    shim.chmod(0o755)
    for name in ("docs", "demo.toml", "catalogue", "adapters"):
        (folder / name).symlink_to(ROOT / name)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}
    return folder, {
        **kept,
        "PATH": f"{shim.parent}:{kept['PATH']}",
        "PYTHONPATH": str(ROOT),
        "NO_COLOR": "1",
        "AGGREGATOR_DATA": str(city.data),
        "AGGREGATOR_URL": city.url,
        "AGGREGATOR_REGISTRY": "demo.toml",
    }


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_s_commands_do_what_it_shows(guide, desk, city):
    folder, env = desk
    todo = [step for block in blocks(guide, "console") for step in steps(block)]
    script = "set -o pipefail\n" + "".join(
        f"echo '<<{n}'\n{command}\necho \">>$?\"\n" for n, (command, _) in enumerate(todo)
    ).replace("http://127.0.0.1:8080", city.url)
    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    for n, (command, wanted) in enumerate(todo):
        output, code = re.search(rf"<<{n}\n(.*?)>>(\d+)\n", ran.stdout, re.DOTALL).groups()
        assert code == "0", f"{command}\n{output}"
        for line in wanted:
            assert said(line, output), f"{command}\nshould say: {line}\nbut said: {output}"


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_s_python_runs(guide, city, monkeypatch):
    monkeypatch.chdir(ROOT)
    for block in blocks(guide, "python"):
        code = block.replace("http://127.0.0.1:8080", city.url)
        exec(compile(code, guide, "exec"), {"__name__": "guide"})  # noqa: S102 - that is the point


def test_every_proof_the_readme_names_exists():
    named = set(TEST.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    files = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    assert named
    assert {name for name in named if not any(f"def {name}(" in text for text in files)} == set()


@pytest.mark.parametrize("guide", GUIDES)
def test_every_link_of_a_guide_leads_somewhere(guide):
    text = (ROOT / guide).read_text(encoding="utf-8")
    assert [link for link in LINK.findall(text) if not (ROOT / guide).parent.joinpath(link).exists()] == []
