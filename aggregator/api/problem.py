"""A refusal says what it did, whether to send it again, and what a person should do.

`effect` is not written by anyone: it is read from the request's `Progress`, which only the accepting commit moves.
The table is docs/api.md section 4; a code that is not in it cannot be raised.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Protocol, TypeVar

from msgspec import UNSET

from aggregator.api.shapes import ErrorLine, Trouble
from aggregator.api.words import Effect

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table: HTTP status, and whether the identical request may be sent again."""

    status: int
    safe_to_retry: bool = False
    earlier: Effect | None = None
    """What it says of something earlier, instead of what this request did."""


KINDS: Mapping[str, Kind] = {
    "malformed-request": Kind(400),
    "validation-failed": Kind(400),
    "cursor-stale": Kind(400),
    "idempotency-key-missing": Kind(400),
    "not-authenticated": Kind(401),
    "insufficient-scope": Kind(403),
    "consent-required": Kind(403),
    "not-found": Kind(404),
    "method-not-allowed": Kind(405),
    "not-supported": Kind(415),
    "too-large": Kind(413),
    "request-in-progress": Kind(409, safe_to_retry=True),
    "action-not-possible": Kind(409),
    "link-not-verified": Kind(409),
    "wrong-token": Kind(403),
    "code-not-accepted": Kind(409),
    "confirmation-needed": Kind(409),
    "precondition-failed": Kind(412),
    "precondition-required": Kind(428),
    "payment-in-doubt": Kind(409, earlier="unknown"),
    "idempotency-key-reused": Kind(422),
    "rate-limited": Kind(429, safe_to_retry=True),
    "agency-budget-spent": Kind(429, safe_to_retry=True),
    "overloaded": Kind(503, safe_to_retry=True),
    "store-unavailable": Kind(503, safe_to_retry=True),
    "agency-unavailable": Kind(503, safe_to_retry=True),
    "internal": Kind(500),
}


class Problem(Exception):
    """Ends the request with a problem document.

    `variant` picks a more exact detail (`problem.<code>.detail_<variant>`) and advice; `about` fills their gaps and
    holds no personal data. Raises KeyError for a code outside the table.
    """

    def __init__(  # noqa: PLR0913 - a problem document has this many members
        self,
        code: str,
        *,
        variant: str = "",
        errors: Sequence[ErrorLine] = (),
        retry_after_s: float | None = None,
        headers: Mapping[str, str] | None = None,
        agency: str = "",
        agency_code: str = "",
        case_id: str = "",
        number: str = "",
        did_you_mean: str = "",
        about: Mapping[str, str] | None = None,
        close: bool = False,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.kind = KINDS[code]
        self.variant = variant
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s
        self.headers = dict(headers or {})
        self.members = {
            "agency": agency, "agency_code": agency_code, "case_id": case_id, "number": number,
            "did_you_mean": did_you_mean,
        }  # fmt: skip
        self.about = dict(about or {})
        self.close = close


class Progress:
    """How far this request got: none until the accepting commit starts, unknown during it, done afterwards."""

    __slots__ = ("_effect",)

    def __init__(self) -> None:
        self._effect: Effect = "none"

    @property
    def effect(self) -> Effect:
        return self._effect

    async def commit(self, work: Awaitable[T], *, unmoved: Callable[[Exception], bool]) -> T:
        """The accepting commit. `unmoved` says of an exception that it proves nothing was stored."""
        self._effect = "unknown"
        try:
            got = await work
        except Exception as exc:
            if unmoved(exc):
                self._effect = "none"
            raise
        self._effect = "done"
        return got


class Says(Protocol):
    """`texts.say`."""

    def __call__(self, key: str, language: str, /, **args: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Setting:
    """What a problem document needs to know of the request it ends."""

    origin: str
    language: str
    request_id: str
    effect: Effect
    repeatable: bool
    """A key was sent, or the method is safe."""
    now: datetime


_CROCKFORD = {char: value for value, char in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}


def instance_of(request_id: str) -> str:
    """The request id's 128 bits in the shape of a UUID."""
    value = 0
    for char in request_id.partition("_")[2]:
        value = value << 5 | _CROCKFORD[char]
    digits = f"{value & (1 << 128) - 1:032x}"
    return f"urn:uuid:{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def retry_after(problem: Problem) -> int | None:
    """Whole seconds for `Retry-After`, rounded up so that nobody comes too early."""
    return None if problem.retry_after_s is None else max(1, ceil(problem.retry_after_s))


def document(problem: Problem, setting: Setting, say: Says) -> Trouble:
    """The problem document for this request."""
    key = f"problem.{problem.code}"
    tail = f"_{problem.variant}" if problem.variant else ""
    effect = problem.kind.earlier or setting.effect
    done = "" if problem.kind.earlier else " " + say(f"problem.effect.{effect}", setting.language)
    seconds = retry_after(problem)
    internal = problem.code == "internal"
    return Trouble(
        type=f"{setting.origin}/problems/{problem.code}",
        title=say(f"{key}.title", setting.language),
        status=problem.kind.status,
        detail=say(f"{key}.detail{tail}", setting.language, **problem.about) + done,
        instance=instance_of(setting.request_id),
        code=problem.code,
        request_id=setting.request_id,
        effect=effect,
        safe_to_retry=setting.repeatable if internal else problem.kind.safe_to_retry,
        what_you_should_do=say(f"{key}.do{tail}", setting.language, **problem.about),
        next_check_at=UNSET if seconds is None else setting.now.replace(microsecond=0) + timedelta(seconds=seconds),
        errors=problem.errors or UNSET,
        **{name: value for name, value in problem.members.items() if value},
    )
