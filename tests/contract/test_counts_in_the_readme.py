"""What the README counts is what the registries hold."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
BESIDE = {"gateway", "locker", "notifier"}
"""Kinds that serve the city and no citizen's request."""
WORDS = {7: "seven", 10: "ten"}


def kinds_of(registry: str) -> list[str]:
    return [one["kind"] for one in tomllib.loads((ROOT / registry).read_text("utf-8"))["agencies"].values()]


def test_the_readme_counts_the_agencies_as_the_registries_do() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    whole = [kind for kind in kinds_of("registry.toml") if kind not in BESIDE]
    story = [kind for kind in kinds_of("demo.toml") if kind not in BESIDE]
    assert f"Here with {WORDS[len(whole)]} agencies to try it on" in readme
    assert f"with {WORDS[len(story)]} agencies" in readme
    assert f"has all {WORDS[len(whole)]}." in readme
    assert "two\nproviders of short messages, a payment gateway and a locker of papers" in readme
    beside = sorted(kind for kind in kinds_of("registry.toml") if kind in BESIDE)
    assert beside == ["gateway", "locker", "notifier", "notifier"]
