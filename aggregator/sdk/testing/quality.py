"""A driver's quality is what was checked, not what was claimed: rules in three tiers, each with the reason it exists.

Bronze is what every driver must keep; a finding there is a failure. Silver and gold say what is still missing.
A rule may be exempt for one driver, with a reason in its adapter.toml (`[quality] exempt_<rule> = "why"`), and the
ledger prints that reason. There is no list of drivers that may do as they please.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

MIN_REASON = 15
"""Characters. Shorter is not a reason."""


class Tier(StrEnum):
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, where (`file:line`, or `driver.operation`), and what to do about it."""

    where: str
    says: str
    do: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.says}" + (f". {self.do}" if self.do else "")


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    tier: Tier
    title: str


@dataclass(frozen=True, slots=True)
class Result:
    """One rule against one driver: how many cases kept it, and what did not."""

    rule: str
    passed: int
    findings: tuple[Finding, ...] = ()


_B, _S, _G = Tier.BRONZE, Tier.SILVER, Tier.GOLD
_RULES = (
    Rule("manifest", _B, "adapter.toml is valid, and filed under its own name"),
    Rule("languages", _B, "every title and form text in English, Odia and Hindi"),
    Rule("orders", _B, "every public coroutine is a declared operation with an order in sandbox.toml"),
    Rule("imports", _B, "imports the sdk and nothing else of the project"),
    Rule("size", _B, "the driver module has at most 150 lines"),
    Rule("samples", _B, "recorded answers read as their file names say"),
    Rule("clean_samples", _B, "no value of an order's form stands in a sample"),
    Rule("hostile", _B, "a hostile answer is neither a yes nor a no"),
    Rule("leaks", _B, "nothing of the form is in errors, logs or transcripts"),
    Rule("simulator", _B, "the simulator answers every operation"),
    Rule("loop", _B, "no call holds the event loop"),
    Rule("rows", _B, "no answer has more rows than a person can read"),
    Rule("faults", _B, "forty faults end as the table says, in time, as the ledger shows"),
    Rule("memory", _B, "memory stays flat through giant answers"),
    Rule("class", _B, "the declared class is true on a line that duplicates, drops and delays"),
    Rule("unknown_word", _B, "a status word nobody listed is UNKNOWN, and kept"),
    Rule("duplicates", _S, "what was done twice is found twice"),
    Rule("bounds", _S, "every write declares a class and the bound it settles by"),
    Rule("sample_per_operation", _S, "a sample for every operation"),
    Rule("readme", _S, "README.md says what is verified and what is our choice"),
    Rule("sample_per_word", _G, "a sample for every status word"),
    Rule("find", _G, "what was submitted can be found by our reference"),
    Rule("contract", _G, "the contract was verified against the agency"),
    Rule("troubleshooting", _G, "README.md says what to do when it does not work"),
)
RULES: Mapping[str, Rule] = {rule.id: rule for rule in _RULES}


@dataclass(frozen=True, slots=True)
class Ledger:
    """What all rules said of one driver. `exempt` maps a rule to its reason; `skipped` says what was not looked at."""

    driver: str
    results: tuple[Result, ...]
    exempt: Mapping[str, str]
    skipped: tuple[str, ...] = ()

    @property
    def passed(self) -> int:
        return sum(result.passed for result in self.results)

    @property
    def failures(self) -> list[Finding]:
        """What bronze does not allow."""
        return [one for result in self._counted(Tier.BRONZE) for one in result.findings]

    @property
    def tier(self) -> str:
        """The highest tier whose rules, and all below, are kept; empty when not even bronze is."""
        reached = ""
        for tier in Tier:
            if self.needs(tier):
                break
            reached = str(tier)
        return reached

    def needs(self, tier: Tier) -> list[Result]:
        return [result for result in self._counted(tier) if result.findings]

    def _counted(self, tier: Tier) -> list[Result]:
        return [result for result in self.results if RULES[result.rule].tier is tier and result.rule not in self.exempt]


def exemptions(quality: Mapping[str, str]) -> tuple[dict[str, str], list[Finding]]:
    """The rules a driver is exempt from, with its reasons; and what is wrong with those."""
    exempt: dict[str, str] = {}
    wrong: list[Finding] = []
    for key, reason in quality.items():
        if not key.startswith("exempt_"):
            continue
        rule = key.removeprefix("exempt_")
        if rule not in RULES:
            wrong.append(Finding("adapter.toml", f"no rule is called {rule!r}", "Rules: " + ", ".join(sorted(RULES))))
        elif len(reason.strip()) < MIN_REASON:
            wrong.append(Finding("adapter.toml", f"{key} gives no reason", "Say why the rule cannot hold here"))
        else:
            exempt[rule] = reason
    return exempt, wrong


def ledger(driver: str, results: Iterable[Result], quality: Mapping[str, str], skipped: Sequence[str] = ()) -> Ledger:
    """The ledger of one driver, with its exemptions applied."""
    exempt, wrong = exemptions(quality)
    kept = list(results)
    if wrong:
        kept.append(Result("manifest", 0, tuple(wrong)))
    return Ledger(driver, tuple(kept), exempt, tuple(skipped))
