"""The modules that are mutated, the tests each of their mutants runs against, and the score each must reach.

Nowhere else: elsewhere a mutant mostly says that a test costs more than the mistake would.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
_EQUIVALENT = Path(__file__).with_name("equivalent.toml")


@dataclass(frozen=True)
class Target:
    """`tests` are files or folders; `seeds` of the simulation are asked about what the tests let live."""

    module: str
    percent: int
    tests: tuple[str, ...]
    seeds: int = 0

    @property
    def path(self) -> Path:
        return ROOT / "aggregator" / f"{self.module}.py"

    @property
    def name(self) -> str:
        return f"aggregator.{self.module.replace('/', '.')}"

    def equivalent(self) -> dict[str, str]:
        """Mutants that change nothing anybody could notice, by id, with the reason."""
        named: dict[str, str] = tomllib.loads(_EQUIVALENT.read_text("utf-8")).get(self.module, {})
        return named


_OF_THE_BREAKER = (
    "breaker_guard", "breaker_library", "breaker_limits", "guarded_by_breaker", "guarded_repeats", "resilience_figures",
    "what_the_guard_tells", "why_a_call_is_kept_back",
)  # fmt: skip
_OF_THE_SETTLER = (
    "cases_doubt",
    "cases_sent_and_answered",
    "cases_tracking",
    "clocks_that_are_set",
    "late_answers",
    "reconciler_rules",
    "repeats_and_withdrawals",
    "settler_left_alone",
    "settler_steps",
    "worklist",
)
TARGETS = (
    Target(
        "cases/lifecycle",
        85,
        (
            "tests/unit/cases/test_lifecycle_table.py",
            "tests/unit/cases/test_settle_decisions.py",
            "tests/unit/texts/test_every_fact_has_words.py",
        ),
        seeds=100,
    ),
    Target(
        "cases/reconcile", 85, tuple(f"tests/integration/cases/test_{name}.py" for name in _OF_THE_SETTLER), seeds=100
    ),
    Target("resilience/breaker", 85, tuple(f"tests/unit/resilience/test_{name}.py" for name in _OF_THE_BREAKER)),
    Target("citizens/vault", 90, ("tests/unit/vault", "tests/security/test_vault_key_exchanged.py")),
)


def by_module(module: str) -> Target:
    return next(target for target in TARGETS if target.module == module)
