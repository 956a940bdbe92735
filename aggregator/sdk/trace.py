"""A transcript for a person who asks why: what was said, masked, and how long each phase took.

The only place where bodies are looked at outside a dialect. It is switched on by hand (`adapter call --trace`),
never by a log level, and what it keeps has passed `redact.py`.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field

from aggregator.sdk.clock import Clock
from aggregator.sdk.redact import mask_body, mask_headers, mask_url
from aggregator.sdk.wire import CAP, Reply, Wire, WireError

MARK: ContextVar[Callable[[str], None] | None] = ContextVar("mark", default=None)
"""Told by the wire when a phase ends: `connection`, `head`, `body`."""


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One send, masked. `phases_s` are seconds from the call to the end of each phase; `end` is always there."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    status: int | None
    reply_headers: Mapping[str, str]
    reply_body: str
    error: str
    phases_s: Mapping[str, float]

    def __str__(self) -> str:
        lines = [f"> {self.method} {self.url}", *(f"> {name}: {value}" for name, value in self.headers.items())]
        lines += [f"> {line}" for line in self.body.splitlines()]
        if self.status is None:
            lines.append(f"! {self.error}")
        else:
            lines.append(f"< {self.status}")
            lines += [f"< {name}: {value}" for name, value in self.reply_headers.items()]
            lines += [f"< {line}" for line in self.reply_body.splitlines()]
        lines.append("  " + "  ".join(f"{name} {seconds * 1000:.1f} ms" for name, seconds in self.phases_s.items()))
        return "\n".join(lines)


@dataclass(slots=True)
class _Stopwatch:
    clock: Clock
    start: float
    phases_s: dict[str, float] = field(default_factory=dict)

    def __call__(self, phase: str) -> None:
        self.phases_s[phase] = self.clock.monotonic() - self.start


class TraceWire:
    """A wire that remembers, masked, every exchange of the wire inside. `sensitive_urls` hides whole queries."""

    def __init__(self, inner: Wire, clock: Clock, *, sensitive_urls: bool = True) -> None:
        self._inner = inner
        self._clock = clock
        self._sensitive_urls = sensitive_urls
        self.transcript: list[Exchanged] = []

    async def send(  # noqa: PLR0913 - the port's parts
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        effect: bool = True,
        cap: int = CAP,
    ) -> Reply:
        """See `aggregator.sdk.wire.Wire`."""
        watch = _Stopwatch(self._clock, self._clock.monotonic())
        token = MARK.set(watch)
        reply: Reply | None = None
        error = "cancelled"
        try:
            reply = await self._inner.send(method, url, headers=headers, body=body, effect=effect, cap=cap)
        except WireError as exc:
            error = str(exc)
            raise
        finally:
            MARK.reset(token)
            watch("end")
            self._keep(method, url, headers, body, reply, error, watch.phases_s)
        return reply

    def _keep(  # noqa: PLR0913, PLR0917 - the fields of an exchange
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        reply: Reply | None,
        error: str,
        phases_s: Mapping[str, float],
    ) -> None:
        self.transcript.append(
            Exchanged(
                method,
                mask_url(url, whole_query=self._sensitive_urls),
                mask_headers(headers),
                mask_body(body or b""),
                reply.status if reply else None,
                mask_headers(reply.headers) if reply else {},
                mask_body(reply.body) if reply else "",
                "" if reply else error,
                phases_s,
            )
        )
