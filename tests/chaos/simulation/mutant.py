"""One rule of the design taken out of a copy of the tree. When the code has moved on, the mutant says so."""

import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
Edit = tuple[str, str, str]
"""File in `aggregator`, what stands there, what stands there instead."""


class Moved(AssertionError):
    """The text a mutant replaces is not there exactly once any more: bring the mutant up to date."""


@dataclass(frozen=True)
class Mutant:
    """One rule removed. Killed by seeds of `profile` ("" is any), or by a test of its own where seeds cannot see it."""

    number: int
    name: str
    edits: tuple[Edit, ...]
    profile: str = ""
    seeds: int = 1000
    test: tuple[str, ...] = ()
    """Arguments of pytest."""


def plant(mutant: Mutant, folder: Path) -> Path:
    """A copy of the tree with the mutant in it. Raises Moved."""
    shutil.copytree(ROOT / "aggregator", folder / "aggregator", ignore=shutil.ignore_patterns("__pycache__"))
    if mutant.test:
        for name in ("adapters", "tests"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        for name in ("catalogue", "docs", "registry.toml", "sandbox"):
            (folder / name).symlink_to(ROOT / name)
    for file, before, after in mutant.edits:
        path = folder / "aggregator" / file
        text = path.read_text("utf-8")
        if text.count(before) != 1:
            raise Moved(f"mutant {mutant.number} ({mutant.name}): found {text.count(before)} times in {file}: {before}")
        path.write_text(text.replace(before, after), "utf-8")
    return folder
