"""The one outbound port. Its failures say only whether anything may have been sent: that decides everything.

`sent = NO` exactly when no connection was ever handed to this attempt; the name of an exception proves nothing.
An operation makes one effect-bearing send; only that one touches the attempt's `Trail`. Timeouts are set where
the wire is made. Nothing above this port knows aiohttp.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

CAP = 5 * 1_048_576
"""Default cap on a decompressed answer, in bytes."""


class Sent(StrEnum):
    NO = "no"
    MAYBE = "maybe"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came: header names in lower case, body decompressed and within its cap."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class WireError(Exception):
    """No usable answer. `why` is a class of failure for logs (`ClientConnectorError`), never the agency's text.

    `tls`: the two ends do not agree on certificates or versions; no waiting mends that, so a person must look.
    """

    def __init__(self, sent: Sent, why: str, *, too_big: bool = False, tls: bool = False) -> None:
        super().__init__(f"{why}, sent={sent}")
        self.sent = sent
        self.why = why
        self.too_big = too_big
        self.tls = tls


class Trail:
    """What is known of one attempt's effect-bearing send. It outranks whatever the adapter says.

    Subclassed by the deliverer: `journal` makes the attempt durable before the first byte, `recheck` asks one
    last time whether this worker may still write. Both may raise; then nothing was sent.
    """

    def __init__(self) -> None:
        self.sent = Sent.NO
        self.answered = False
        self.opened = False
        self.request_sha256 = ""
        self.reply: Reply | None = None

    async def journal(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Called with the exact bytes before a connection is asked for."""

    def recheck(self) -> None:
        """Called when the connection is in hand, immediately before the write."""


TRAIL: ContextVar[Trail | None] = ContextVar("trail", default=None)
"""The trail of the attempt this task is in; set by the pipeline, read by wires."""


class SecondEffect(RuntimeError):
    """A driver made two effect-bearing sends in one operation: a create-then-commit pair is two operations."""


@contextmanager
def effect_trail(*, effect: bool) -> Iterator[Trail]:
    """The trail a send writes on: the attempt's for its one effect-bearing send, else one nobody reads.

    Raises SecondEffect for the second effect-bearing send of an attempt, before anything is sent.
    """
    trail = TRAIL.get() if effect else None
    if trail is None:
        yield Trail()
        return
    if trail.opened:
        raise SecondEffect("a driver's operation may make one effect-bearing send")
    trail.opened = True
    yield trail


class Wire(Protocol):
    """`send` raises WireError and nothing else of its own; cancellation passes through, with the trail told."""

    async def send(  # noqa: PLR0913 - a request has this many parts
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        effect: bool = True,
        cap: int = CAP,
    ) -> Reply: ...


class NoWire:
    """For looking at drivers without calling anybody: whatever is sent here was provably never sent."""

    async def send(  # noqa: PLR0913 - the port's parts
        self,
        method: str,  # noqa: ARG002
        url: str,  # noqa: ARG002
        *,
        headers: Mapping[str, str],  # noqa: ARG002
        body: bytes | None,  # noqa: ARG002
        effect: bool = True,  # noqa: ARG002
        cap: int = CAP,  # noqa: ARG002
    ) -> Reply:
        raise WireError(Sent.NO, "NoWire")
