"""What we tell citizens by SMS and e-mail goes through the city's notifiers, in the order the registry lists them.

The first that can takes it; one that refuses, is away or stays silent gives way to the next: the same code twice harms
nobody, no code at all does. Then the provider is asked what became of it, and a failure is another reason for the next
one. The text lives in memory only: after a crash the citizen asks for another code.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from aggregator.registry.agency import Agency, Registry
from aggregator.resilience.outcome import Confirmed
from aggregator.sdk.clock import Chance, Clock, new_id
from aggregator.sdk.errors import AgencyError, NotAttempted
from aggregator.sdk.model import Order, Reading
from aggregator.sdk.status import Status
from aggregator.sdk.wire import Trail

log = logging.getLogger(__name__)

KIND = "notifier"
Channel = Literal["SMS", "EMAIL"]
FOLLOWED_AFTER_S = (2.0, 5.0, 15.0, 60.0)
"""When the provider is asked what became of a message it took."""
SEND_S = 8.0


class Delivery(StrEnum):
    """How far a message got."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Message:
    """One text to one person. Never logged, never stored."""

    channel: Channel
    to: str = field(repr=False)
    text: str = field(repr=False)
    subject: str = field(default="", repr=False)


Told = Callable[[Delivery], Awaitable[None]]


class Messages:
    """Sends in the background; whoever asked for a code is answered at once, whatever the providers do."""

    def __init__(self, registry: Callable[[], Registry], clock: Clock, chance: Chance) -> None:
        self._registry = registry
        self._clock = clock
        self._chance = chance
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, message: Message, told: Told) -> None:
        """Begins; `told` learns each step."""
        task = asyncio.create_task(self._sent(message, told))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def close(self) -> None:
        """Gives up following; what was handed over arrives without us."""
        for task in list(self._under_way):
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    def providers(self, channel: Channel) -> list[Agency]:
        """The city's notifiers that can speak on this channel, first choice first."""
        return [
            agency
            for agency in self._registry().agencies.values()
            if agency.kind == KIND
            and agency.enabled
            and channel in str(agency.settings.option("channels", "SMS")).split()
        ]

    async def _sent(self, message: Message, told: Told) -> None:
        try:
            for agency in self.providers(message.channel):
                if await self._by(agency, message, told):
                    return
            log.warning("message.undelivered", extra={"channel": message.channel})
            await told(Delivery.FAILED)
        except Exception:  # noqa: BLE001 - the citizen can ask again; nothing of the message may reach a log
            log.error("message.crashed", extra={"channel": message.channel})  # noqa: TRY400 - a traceback has locals
            await told(Delivery.FAILED)

    async def _by(self, agency: Agency, message: Message, told: Told) -> bool:
        """Whether this provider took it and did not report a failure."""
        form = {"to": message.to, "text": message.text, "subject": message.subject, "channel": message.channel}
        order = Order(
            reference=new_id("m", self._clock, self._chance).replace("_", "-"),
            service=message.channel.lower(),
            form={name: value for name, value in form.items() if value},
            at=self._clock.now(),
        )
        outcome = await agency.guarded.attempt("send", order, Trail(), deadline_s=SEND_S)
        if not isinstance(outcome, Confirmed):
            log.warning("message.passed_on", extra={"agency": agency.id, "outcome": type(outcome).__name__})
            return False
        await told(Delivery.SENT)
        return await self._followed(agency, order, outcome.receipt.agency_reference, told)

    async def _followed(self, agency: Agency, order: Order, reference: str, told: Told) -> bool:
        """False only for a failure the provider reports: not knowing is no reason to send it twice."""
        asked = Order(order.reference, order.service, order.form, reference, order.at)
        for pause_s in FOLLOWED_AFTER_S:
            await self._clock.sleep(pause_s)
            try:
                answer = await agency.guarded.read("track", asked, cached=False)
            except (AgencyError, NotAttempted):
                continue
            status = answer.value.status if isinstance(answer.value, Reading) else Status.UNKNOWN
            if status is Status.COMPLETED:
                await told(Delivery.DELIVERED)
                return True
            if status is Status.REJECTED:
                return False
        return True
