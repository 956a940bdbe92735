"""The fault menu is a table: what happens, whether the agency acted, and what a driver must make of it.

One row serves three readers: the simulator that plays the fault, the conformance suite that knows what to expect,
and the person who reads the menu. Codes are the last three digits of a simulator's magic identifiers, and the
names used in `PUT /faults`. Source: the protocols' common part, section 11.
"""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aggregator.sdk.clock import SeededChance


class Way(StrEnum):
    """How the fault reaches the client, once it is settled whether the agency acts."""

    ANSWER = "answer"  # the agency's own document, bent as the code says
    REFUSAL = "refusal"  # the agency's own no
    PAGE = "page"  # somebody else's document: gateway, login, framework
    RESET = "reset"  # RST before the status line
    TORN = "torn"  # RST in mid-body
    SHORT = "short"  # Content-Length larger than the body, then FIN
    ENDLESS = "endless"  # chunked, the last chunk never comes
    DRIP = "drip"  # one byte a second
    SLOW = "slow"  # the right answer after 8 s
    SILENT = "silent"  # accepts, never answers
    CLOSE = "close"  # FIN as the request arrives
    FLOOD = "flood"  # 64 MiB
    BOMB = "bomb"  # 1 MiB that unpacks to 1 GiB
    LATE = "late"  # RST now, acts later


@dataclass(frozen=True, slots=True)
class Fault:
    """`acts`: the ledger shows the effect. `once`: only the first matching request is hit.

    `read` and `write` are what the operation must end as: one or several words of `EXPECTED`, `|` between them;
    empty where the table has no expectation at the level of one call.
    """

    code: str
    acts: bool
    once: bool
    way: Way
    read: str
    write: str


EXPECTED = {
    "value": "an answer of the operation's own type",
    "absent": "Absent or an empty list: a success",
    "refused": "Refused",
    "unavailable": "Unavailable (for a read OutcomeUnknown means the same: ask again)",
    "unknown": "OutcomeUnknown",
    "broken": "ContractBroken",
    "misconfigured": "Misconfigured",
}

_ALWAYS, _ONCE = False, True
_YES, _NO = True, False
_A, _R, _P = Way.ANSWER, Way.REFUSAL, Way.PAGE
_ROWS: tuple[tuple[str, bool, bool, Way, str, str], ...] = (
    ("000", _YES, _ALWAYS, _A, "value", "value"),
    ("100", _YES, _ALWAYS, _A, "absent|value", "value|refused"),
    ("101", _NO, _ALWAYS, _R, "absent", "refused"),
    ("102", _NO, _ALWAYS, _R, "refused", "refused"),
    ("103", _NO, _ALWAYS, _R, "broken", "broken"),
    ("104", _NO, _ALWAYS, _R, "refused|absent", "refused"),
    ("105", _NO, _ALWAYS, _R, "", "refused"),
    ("106", _NO, _ALWAYS, _R, "refused", "refused"),
    ("107", _YES, _ONCE, _A, "value", "value|refused"),
    ("108", _NO, _ALWAYS, _R, "", "refused"),
    ("109", _YES, _ALWAYS, _A, "value", "value"),
    ("200", _NO, _ONCE, _P, "broken", "broken"),
    ("201", _NO, _ALWAYS, _P, "broken", "broken"),
    ("202", _YES, _ONCE, _P, "broken", "broken"),
    ("203", _YES, _ONCE, _A, "broken", "broken"),
    ("204", _YES, _ONCE, _P, "broken", "broken"),
    ("205", _YES, _ONCE, _A, "broken", "broken"),
    ("206", _YES, _ALWAYS, _A, "broken", "broken"),
    ("207", _YES, _ALWAYS, _A, "value", "value"),
    ("208", _YES, _ALWAYS, _A, "broken", "broken"),
    ("209", _YES, _ALWAYS, _A, "value|broken", "value|broken"),
    ("210", _NO, _ONCE, _P, "unavailable", "unknown"),
    ("211", _YES, _ALWAYS, _A, "broken", "broken"),
    ("302", _NO, _ONCE, _P, "unavailable", "unknown"),
    ("308", _NO, _ONCE, _P, "unavailable", "unknown"),
    ("400", _NO, _ONCE, _P, "broken", "broken"),
    ("401", _NO, _ONCE, _P, "value|misconfigured", "value|misconfigured"),
    ("403", _NO, _ALWAYS, _P, "misconfigured", "misconfigured"),
    ("404", _NO, _ALWAYS, _P, "misconfigured|broken", "misconfigured|broken"),
    ("408", _YES, _ONCE, Way.SILENT, "unavailable", "unknown"),
    ("412", _NO, _ALWAYS, _P, "misconfigured", "misconfigured"),
    ("429", _NO, _ONCE, _P, "unavailable", "unavailable|unknown"),
    ("430", _NO, _ONCE, _P, "unavailable", "unavailable|unknown"),
    ("500", _NO, _ONCE, _P, "unavailable", "unknown"),
    ("501", _YES, _ONCE, _P, "unavailable", "unknown"),
    ("502", _NO, _ONCE, _P, "unavailable", "unknown"),
    ("503", _NO, _ONCE, _P, "unavailable", "unavailable|unknown"),
    ("504", _YES, _ONCE, _P, "unavailable", "unknown"),
    ("505", _NO, _ONCE, _P, "unavailable", "unavailable|unknown"),
    ("506", _YES, _ONCE, _P, "unavailable", "unknown"),
    ("600", _NO, _ONCE, Way.RESET, "unavailable", "unknown"),
    ("601", _YES, _ONCE, Way.RESET, "unavailable", "unknown"),
    ("602", _YES, _ONCE, Way.TORN, "unavailable", "unknown"),
    ("603", _YES, _ONCE, Way.SHORT, "unavailable", "unknown"),
    ("604", _YES, _ONCE, Way.ENDLESS, "unavailable", "unknown"),
    ("605", _YES, _ONCE, Way.DRIP, "unavailable", "unknown"),
    ("606", _YES, _ALWAYS, Way.SLOW, "value|unavailable", "value|unknown"),
    ("607", _NO, _ONCE, Way.SILENT, "unavailable", "unknown"),
    ("608", _NO, _ONCE, Way.CLOSE, "unavailable", "unknown"),
    ("609", _YES, _ALWAYS, Way.FLOOD, "broken", "broken"),
    ("610", _YES, _ALWAYS, Way.BOMB, "broken", "broken"),
    ("611", _YES, _ALWAYS, _A, "broken", "broken"),
    ("700", _YES, _ALWAYS, _A, "value", "value"),
    ("701", _YES, _ALWAYS, _A, "value", "value"),
    ("702", _YES, _ALWAYS, _A, "value", "value"),
    ("703", _YES, _ALWAYS, _A, "broken", "broken"),
    ("704", _YES, _ALWAYS, _A, "value", "value"),
    ("705", _YES, _ALWAYS, _A, "value", "value"),
    ("706", _YES, _ALWAYS, _A, "value", "value"),
    ("800", _YES, _ALWAYS, _A, "value", ""),
    ("801", _YES, _ALWAYS, _A, "value", ""),
    ("802", _YES, _ALWAYS, _A, "value", ""),
    ("803", _YES, _ALWAYS, _A, "value", ""),
    ("804", _YES, _ALWAYS, _A, "value", ""),
    ("805", _YES, _ALWAYS, _A, "value", ""),
    ("806", _NO, _ONCE, Way.LATE, "", "unknown"),
    ("807", _NO, _ONCE, Way.LATE, "", "unknown"),
    ("808", _YES, _ALWAYS, Way.RESET, "absent", "unknown"),
    ("809", _YES, _ALWAYS, Way.RESET, "absent", "unknown"),
    ("810", _YES, _ALWAYS, _A, "", "value"),
    ("811", _YES, _ALWAYS, _A, "broken", "broken|value"),
    ("812", _YES, _ALWAYS, _A, "value", ""),
    ("813", _YES, _ALWAYS, _A, "value", ""),
    ("814", _YES, _ALWAYS, _A, "", ""),
)
MENU: dict[str, Fault] = {row[0]: Fault(*row) for row in _ROWS}
NORMAL = MENU["000"]
WRITES_ONLY = frozenset({"806", "807", "810"})
"""For a read these are as 000."""


@dataclass(slots=True)
class Rule:
    """One line of `PUT /faults`. `left` counts down; None means every matching request."""

    operation: str
    match: str
    fault: str
    left: int | None
    probability: float


def rules_from(lines: Sequence[Mapping[str, Any]], menu: Mapping[str, Fault] = MENU) -> list[Rule]:
    """Raises KeyError for a fault that is not on the menu."""
    return [
        Rule(
            str(line.get("operation", "*")),
            str(line.get("match", "")),
            menu[str(line["fault"])].code,
            None if line.get("times") is None else int(line["times"]),
            float(line.get("probability", 1)),
        )
        for line in lines
    ]


class Chooser:
    """Which fault a request meets: the first matching rule, else its magic identifier, counted by `once`."""

    def __init__(
        self,
        seed: int,
        seen: MutableMapping[str, Any],
        inapplicable: Callable[[str, str], bool],
        menu: Mapping[str, Fault] = MENU,
    ) -> None:
        self._seed = seed
        self._seen = seen
        self._inapplicable = inapplicable
        self._menu = menu
        self.replace([])

    def replace(self, rules: list[Rule]) -> None:
        self._rules = rules
        self._chance = SeededChance(self._seed)

    def choose(self, operation: str, *, write: bool, magic: str, counted_by: str) -> Fault:
        """`magic`: four digits, `0FFF` as the menu says, `1FFF` every time; empty for an ordinary identifier."""
        code = self._by_rule(operation, counted_by) or self._by_magic(operation, magic, counted_by)
        fault = self._menu.get(code, NORMAL)
        if self._inapplicable(operation, fault.code) or (not write and fault.code in WRITES_ONLY):
            return NORMAL
        return fault

    def _by_rule(self, operation: str, counted_by: str) -> str:
        for rule in self._rules:
            if rule.operation not in {"*", operation} or rule.match not in counted_by or rule.left == 0:
                continue
            if self._chance.random() >= rule.probability:
                continue
            if rule.left is not None:
                rule.left -= 1
            return rule.fault
        return ""

    def _by_magic(self, operation: str, magic: str, counted_by: str) -> str:
        fault = self._menu.get(magic[1:]) if len(magic) == 4 else None
        if fault is None:
            return ""
        if not fault.once or magic[0] == "1":
            return fault.code
        key = f"{operation} {counted_by} {fault.code}"
        if key in self._seen:
            return ""
        self._seen[key] = {}
        return fault.code
