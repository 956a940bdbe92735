"""Forty ways in which a call goes wrong, and the one honest outcome of each: a table, because these are facts.

`write` and `read` are the outcomes a write and a read may end as. Writes end as the names of
`aggregator.resilience.outcome`, `!` after Unknown where somebody must be alarmed; reads end in the words of
`faults.EXPECTED`. A driver's deviation in sandbox.toml replaces them for its simulator's faults, with its reason.
Source: docs/figures.md, "The 40 faults".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class From(StrEnum):
    """Where a fault is made."""

    SIMULATOR = "simulator"  # a code of the fault menu
    LINE = "line"  # a play of the proxy
    DOOR = "door"  # a connection that does not come about
    LOCAL = "local"  # our own state
    ELSEWHERE = "elsewhere"  # more than one call: the test that proves it is named


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to meet a fault. `how`: a menu code, a play, a door, a condition, or the name of the proof."""

    how: str
    made: From
    write: frozenset[str]
    read: frozenset[str]
    hangs: bool = False


@dataclass(frozen=True, slots=True)
class FaultOf40:
    id: str
    title: str
    variants: tuple[Variant, ...]


_NOT_SENT = ("NotSent", "unavailable")
_NO_TLS = ("NotSent!", "unavailable")
# The kit's end of the line hangs up without TLS's own alert, as many gateways do: then nobody can tell it from a reset.
_MAYBE_TLS = ("NotSent|NotSent!", "unavailable")
_UNKNOWN = ("Unknown|Unknown!", "unavailable")
_BROKEN = ("Unknown!", "broken")
_FINE = ("Confirmed", "value")
_REJECTED = ("Rejected", "refused")
_SHED = ("NotSent|Unknown", "unavailable")
_OURS = ("NotSent", "misconfigured")
_ALARM = ("Unknown!", "unavailable")


def _variants(made: From, how: Iterable[str], expected: tuple[str, str], *, hangs: bool = False) -> list[Variant]:
    write, read = (frozenset(words.split("|")) for words in expected)
    return [Variant(name, made, write, read, hangs) for name in how]


def _sim(codes: str, expected: tuple[str, str]) -> list[Variant]:
    return _variants(From.SIMULATOR, codes.split(), expected)


def _line(plays: str, expected: tuple[str, str], *, hangs: bool = False) -> list[Variant]:
    return _variants(From.LINE, plays.split(), expected, hangs=hangs)


def _door(doors: str, expected: tuple[str, str], *, hangs: bool = False) -> list[Variant]:
    return _variants(From.DOOR, doors.split(), expected, hangs=hangs)


def _local(conditions: str, expected: tuple[str, str]) -> list[Variant]:
    return _variants(From.LOCAL, conditions.split(), expected, hangs=True)


def _elsewhere(*proofs: str) -> list[Variant]:
    return _variants(From.ELSEWHERE, proofs, ("", ""))


_AWAY = ("NotSent", "not_attempted")
_ROWS: tuple[tuple[str, str, list[Variant]], ...] = (
    ("F01", "connection refused", _door("refused", _NOT_SENT)),
    ("F02", "name does not resolve", _door("unresolvable", _NOT_SENT)),
    ("F03", "connect times out", _door("full_backlog", _NOT_SENT, hangs=True)),
    ("F04", "server certificate expired; wrong host; self-signed", _door("expired wrong_host self_signed", _NO_TLS)),
    ("F05", "only TLS 1.0 offered", _door("only_tls_1_0", _NO_TLS)),
    (
        "F06",
        "our client certificate rejected",
        _door("client_rejected_1_2", _MAYBE_TLS) + _door("client_rejected_1_3", _UNKNOWN),
    ),
    ("F07", "breaker open", _local("breaker_open", _AWAY)),
    ("F08", "bulkhead full", _local("bulkhead_full", _AWAY)),
    ("F09", "total time over while waiting for a connection", _local("no_free_connection", _NOT_SENT)),
    ("F10", "deadline gone before sending", _local("deadline_gone", _AWAY)),
    ("F11", "reset before the status line", _sim("600 601", _UNKNOWN) + _line("reset", _UNKNOWN)),
    ("F12", "reset in headers; in the body", _sim("602", _UNKNOWN) + _line("reset_in_headers reset_in_body", _UNKNOWN)),
    ("F13", "shorter than Content-Length", _sim("603", _UNKNOWN) + _line("short", _UNKNOWN)),
    ("F14", "chunked, never ends", _sim("604", _UNKNOWN) + _line("endless_chunks", _UNKNOWN, hangs=True)),
    ("F15", "one byte per second", _sim("605", _UNKNOWN) + _line("drip", _UNKNOWN, hangs=True)),
    ("F16", "acts, then never answers", _sim("408", _UNKNOWN) + _line("lose_the_answer", _UNKNOWN, hangs=True)),
    ("F17", "accepts, never answers, did not act", _sim("607", _UNKNOWN) + _line("swallow", _UNKNOWN, hangs=True)),
    ("F18", "100-continue, then silence", _line("continue_then_silence", _UNKNOWN, hangs=True)),
    ("F19", "kept-alive connection closed under the request", _sim("608", _UNKNOWN) + _line("close", _UNKNOWN)),
    (
        "F20",
        "caller cancelled; deadline over after the first byte",
        _local("cancelled", ("cancelled", "cancelled")) + _local("deadline_after_the_first_byte", _UNKNOWN),
    ),
    ("F21", "200 with an HTML page", _sim("200 201", _BROKEN)),
    (
        "F22",
        "error object in 200: unlisted; listed",
        _sim("103", _BROKEN) + _sim("210", _UNKNOWN) + _sim("102", _REJECTED),
    ),
    ("F23", "200 empty; 202 empty", _sim("204 202", _BROKEN)),
    ("F24", "truncated document in 200", _sim("203", _BROKEN)),
    (
        "F25",
        "bytes do not fit the declared charset",
        _sim("703", _BROKEN) + _line("utf16_without_a_mark iscii_as_utf8 charset_nobody_reads", _BROKEN),
    ),
    ("F26", "harmless oddities", _sim("700 702 704 207", _FINE)),
    ("F27", "right body, wrong Content-Type", _sim("205", _BROKEN)),
    ("F28", "another citizen's record", _sim("206", _BROKEN)),
    (
        "F29",
        "1 GB body; gzip bomb; nesting 100,000 deep",
        _sim("609 610 611", _BROKEN) + _line("a_gigabyte_announced a_gigabyte_in_chunks", _BROKEN),
    ),
    ("F30", "302 to a login page; 308 to another host", _sim("302 308", _ALARM)),
    ("F31", "the agency's own no with a listed code", _sim("102", _REJECTED)),
    ("F32", "the framework's error", _sim("500 501", _UNKNOWN)),
    ("F33", "unsigned answer where a signature is required", _line("unsigned", ("Unknown!", "broken|unavailable"))),
    ("F34", "429 with Retry-After; without", _sim("429 430", _SHED)),
    (
        "F35",
        "503 before acting; after acting; gateway 504 after acting",
        _sim("503 505", _SHED) + _sim("504", _UNKNOWN),
    ),
    (
        "F36",
        "401 once; 403; 412",
        _sim("401", ("Confirmed|NotSent", "value|misconfigured")) + _sim("403 412", _OURS),
    ),
    (
        "F37",
        "agency clock +-15 min; old callback; nonce replayed",
        _line("clock_ahead clock_behind", _FINE)
        + _elsewhere(
            "test_904_905_a_forged_or_stale_callback_has_no_effect_and_a_look_settles",
            "test_a_header_sent_twice_is_a_replay_and_acts_once",
        ),
    ),
    (
        "F38",
        "callbacks early, five times, out of order, late, never, unsigned, contradicting",
        _elsewhere(
            "test_900_the_notice_may_overtake_the_answer",
            "test_901_three_notices_of_one_event_are_one_event",
            "test_902_a_callback_that_never_comes_is_settled_by_a_look",
            "test_903_a_callback_two_minutes_late_finds_a_look_before_it",
            "test_904_905_a_strangers_and_an_old_notice_have_no_effect",
            "test_907_notices_out_of_order_show_it",
            "test_908_a_callback_for_nobody_is_acknowledged_and_reaches_nobody",
            "test_909_where_callback_and_look_disagree_the_look_says_so",
            "test_a_callback_alone_never_moves_a_status",
        ),
    ),
    (
        "F39",
        "status goes backwards; unlisted word; blank; sentinel dates",
        _sim("800 801 802 812", ("", "value")),
    ),
    (
        "F40",
        "acts late; later than declared; found only after the lag; search finds nothing; another citizen's reference",
        _sim("806 807", ("Unknown|Unknown!", "")) + _sim("808 809", ("Unknown|Unknown!", "absent|unavailable")),
    ),
)
FAULTS: dict[str, FaultOf40] = {row[0]: FaultOf40(row[0], row[1], tuple(row[2])) for row in _ROWS}


def outcomes_for(words: Iterable[str]) -> frozenset[str]:
    """The outcomes of a write that ended in these words of `faults.EXPECTED`."""
    return frozenset(outcome for word in words for outcome in _OUTCOME_OF_WORD[word].split("|"))


_OUTCOME_OF_WORD = {
    "value": "Confirmed",
    "absent": "Confirmed",
    "refused": "Rejected",
    "unavailable": "NotSent",
    "unknown": "Unknown|Unknown!",
    "broken": "Unknown!",
    "misconfigured": "NotSent",
}
