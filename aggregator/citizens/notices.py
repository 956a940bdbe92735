"""What a citizen must be told is written down with what it tells of, and sent until a provider has it.

A code may be lost with the process, because its citizen asks again; that somebody was granted their rights may not. The
text is made when it is sent, in the citizen's language, and goes to the number and to the e-mail address, where known.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from aggregator.citizens.messages import Channel, Delivery, Message, Told
from aggregator.citizens.register import Register
from aggregator.sdk.clock import Chance, Clock, epoch_ms, new_id
from aggregator.store import Row, Run, Store, StoreUnavailable

EVERY_S = 60.0
AGAIN_MS = 10 * 60_000
GIVEN_UP_MS = int(timedelta(days=7).total_seconds() * 1000)
_AT_ONCE = 50
_DUE = "select 1 from citizen_notice where done_ms is null and taken_ms < $1 and at_ms > $2 limit 1"
_TAKE = (
    "update citizen_notice set taken_ms = $1 where id in (select id from citizen_notice where done_ms is null"
    " and taken_ms < $2 and at_ms > $3 order by taken_ms, id limit $4) and done_ms is null and taken_ms < $2"
    " returning id, citizen_id, what, about"
)


class Sends(Protocol):
    """What sends: `aggregator.citizens.messages.Messages`."""

    def send(self, message: Message, told: Told) -> None: ...


class Says(Protocol):
    def __call__(self, key: str, language: str, /, **args: str) -> str: ...


Words = Callable[[str], Awaitable[Mapping[str, str]]]
"""What a notice about this id says besides its sentence."""


class Notices:
    """What is to be told. `citizen_id` is the internal one."""

    def __init__(  # noqa: PLR0913, PLR0917 - who is told, through what, in which words
        self, store: Store, register: Register, messages: Sends, say: Says, clock: Clock, chance: Chance
    ) -> None:
        self._store = store
        self._register = register
        self._messages = messages
        self._say = say
        self._clock = clock
        self._chance = chance

    async def note(self, run: Run, citizen_id: str, what: str, about: str) -> None:
        """Remembers it; inside the write that it tells of. `what` is a key under `message`."""
        await run(
            "insert into citizen_notice (id, citizen_id, what, about, at_ms, taken_ms) values ($1, $2, $3, $4, $5, 0)",
            new_id("ntc", self._clock, self._chance), citizen_id, what, about, epoch_ms(self._clock.now()),
        )  # fmt: skip

    async def remember(self, citizen_id: str, what: str) -> None:
        """The same on its own."""
        await self._store.write(lambda run: self.note(run, citizen_id, what, ""))

    async def run(self, words: Words) -> None:
        """Until cancelled: sends what is due, again where no provider had it."""
        while True:
            with suppress(StoreUnavailable):
                await self.tell(words)
            await self._clock.sleep(EVERY_S)

    async def tell(self, words: Words) -> int:
        """How many were handed to the messengers now. One process takes each."""
        now = epoch_ms(self._clock.now())
        bounds = now - AGAIN_MS, now - GIVEN_UP_MS
        if not await self._store.read(_DUE, *bounds):  # a city where nothing happened writes nothing
            return 0
        rows = await self._store.write(lambda run: run(_TAKE, now, *bounds, _AT_ONCE))
        for row in sorted(rows, key=lambda one: str(one["id"])):
            await self._send(row, await words(row["about"]))
        return len(rows)

    async def _send(self, row: Row, words: Mapping[str, str]) -> None:
        person = await self._register.person(row["citizen_id"])
        to: list[tuple[Channel, str]] = []
        if person is not None:
            to = [("SMS", person.profile.mobile), ("EMAIL", person.profile.email)]
        reachable = [(channel, address) for channel, address in to if address]
        if person is None or not reachable:
            await self._done(row["id"])
            return
        language = person.profile.language or "en"
        text = self._say(f"message.{row['what']}", language, **words)
        subject = self._say("message.notice_subject", language)
        for channel, address in reachable:
            self._messages.send(Message(channel=channel, to=address, text=text, subject=subject), self._told(row["id"]))

    def _told(self, notice_id: str) -> Told:
        async def told(delivery: Delivery) -> None:
            if delivery in {Delivery.SENT, Delivery.DELIVERED}:
                await self._done(notice_id)

        return told

    async def _done(self, notice_id: str) -> None:
        now = epoch_ms(self._clock.now())
        await self._store.write(
            lambda run: run("update citizen_notice set done_ms = $1 where id = $2 and done_ms is null", now, notice_id)
        )
