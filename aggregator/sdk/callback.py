"""What an agency pushes to us, as a driver sees it: verified first, then matched, and only ever a hint.

The core stores a callback durably before it is answered; the driver says whether it is genuine, what it is about,
and how this agency wants to be answered. A driver whose reads are answered by callback waits for them at a `Mailbox`.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from aggregator.sdk.errors import Refused
from aggregator.sdk.model import Reading, Receipt


@dataclass(frozen=True, slots=True)
class Callback:
    """One request of an agency. `path` is what follows `/callbacks/{agency_id}/`, decoded; header names lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Ack:
    """How this agency wants to be answered."""

    body: bytes = b""
    media_type: str = "application/json"
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a verified callback says.

    `reference` is ours as the agency shows it back, else empty; `awaited` is what a waiting call expects (a message
    id). `event_id` empty: the body's sha256 counts it once. One of `receipt`, `reading` and `refused` at most is set;
    `content` is the parsed message, for the call that waits for it.
    """

    ack: Ack
    event_id: str = ""
    reference: str = ""
    awaited: str = ""
    agency_reference: str = ""
    receipt: Receipt | None = None
    reading: Reading | None = None
    refused: Refused | None = None
    echo: Mapping[str, str] = field(default_factory=dict)
    """Where the agency also repeats what *we* wrote (two-way integrations): the fields of it, as we sent them."""
    content: Any = field(default=None, repr=False)


class Unverified(Exception):
    """Not provably from this agency: kept for people, no effect. `ack` is still what the agency gets."""

    def __init__(self, why: str, ack: Ack) -> None:
        super().__init__(why)
        self.why = why
        self.ack = ack


@runtime_checkable
class Notifies(Protocol):
    """A driver whose agency pushes. Pure: no call is made; the key it verifies with is pinned in its settings."""

    def notified(self, callback: Callback) -> Notice:
        """Raises Unverified; anything else is a fault of the driver."""
        ...


class Expected(Protocol):
    """A place at the mailbox, held from before the request was sent."""

    async def arrived(self, timeout_s: float) -> Notice:
        """The notice with the awaited id, however early it came. Raises TimeoutError."""
        ...


class Mailbox(Protocol):
    """Where a call waits for its answer. A driver that needs it takes `mailbox` as a third constructor argument."""

    def expect(self, awaited: str) -> AbstractContextManager[Expected]: ...
