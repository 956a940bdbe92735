"""What can go wrong at an agency, named by what the aggregator must do about it.

* AgencyError
  - Refused          the agency understood and said no        -> tell the citizen
  - Misconfigured    our credentials or settings are wrong    -> call the operator
  - Unavailable      it certainly did not act on our request  -> send again later
  - OutcomeUnknown   it may or may not have acted             -> repeat reads, settle writes
  - ContractBroken   it answered in a way we cannot read      -> call the adapter's owner
* NotAttempted       we did not call; raised by the pipeline, never by an adapter
  - CircuitOpen, Saturated, DeadlinePassed

Messages name the operation and the field, never the citizen and never the agency's text: they may be logged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


class AgencyError(Exception):
    """Anything an adapter may raise."""


@dataclass(eq=False)
class Refused(AgencyError):
    """The agency said no and holds nothing.

    `code` is the agency's, verbatim. `reason` is ours (`not_found`, `fields_invalid`, `duplicate` ...) and names
    the citizen's sentence in texts. `reference` is the record it points to, where it says "already exists".
    `fields` maps our form's field to the agency's complaint about it.
    """

    code: str
    reason: str = "refused"
    reference: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"refused with code {self.code!r} ({self.reason})"


@dataclass(eq=False)
class Misconfigured(AgencyError):
    """It rejects us, not the citizen. `why` names the setting to look at."""

    why: str
    agency_code: str = ""

    def __str__(self) -> str:
        return self.why


@dataclass(eq=False)
class Unavailable(AgencyError):
    """It certainly did not act. `throttled` (429) says it is healthy and we are too fast.

    `alarm` asks for the operator's eyes: a certificate or TLS version that no waiting will mend.
    """

    why: str
    retry_after_s: float | None = None
    throttled: bool = False
    alarm: bool = False

    def __str__(self) -> str:
        return self.why


@dataclass(eq=False)
class OutcomeUnknown(AgencyError):
    """It may have acted. `alarm` asks for the driver owner's eyes as well (a redirect, an unsigned answer)."""

    why: str
    retry_after_s: float | None = None
    alarm: bool = False

    def __str__(self) -> str:
        return self.why


@dataclass(eq=False)
class ContractBroken(AgencyError):
    """The answer cannot be read. `garbled` (HTML, cut off, wrong encoding) counts as an outage, other shapes do not.

    `too_big` answers are not asked for again.
    """

    why: str
    garbled: bool = False
    too_big: bool = False

    def __str__(self) -> str:
        return self.why


class NotAttempted(Exception):
    """We did not call. `retry_after_s` is when calling makes sense again, if that is known."""

    def __init__(self, why: str, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class CircuitOpen(NotAttempted):
    """The breaker is open."""


class ConsentMissing(NotAttempted):
    """The citizen has not allowed this call, or allows it no longer."""


class Saturated(NotAttempted):
    """All places at this agency are taken, or its rate is used up."""


class DeadlinePassed(NotAttempted):
    """The caller's patience ended before the first byte."""
