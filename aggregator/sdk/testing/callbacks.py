"""Both ends of a push, for drivers whose agency calls back: the simulator's outgoing post, and an honest letterbox.

The post leaves by the simulator's clock and each parcel is made when it leaves, so its stamps are those of its
delivery. The letterbox is the `Mailbox` port in memory, with a door on a real socket in front of it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from aggregator.sdk.callback import Ack, Callback, Notice, Unverified
from aggregator.sdk.clock import SystemClock

_TURN_S = 0.02
_PATIENCE_S = 5.0
_ANSWERED = timedelta(seconds=1)
_HOPELESS = frozenset({400, 401, 404})
"""Answers that do not get better by repeating."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One push. `make` gives the path below the callback URL, the content type and the body, when it is sent.

    `first`: before the answer to the request that caused it. `sign` gives more headers for the bytes as they leave.
    """

    due: datetime
    make: Callable[[], tuple[str, str, bytes]]
    first: bool = False
    sign: Callable[[bytes], Mapping[str, str]] | None = None
    tries: int = 0


class Outbox:
    """What a simulated agency has still to push. `url` empty: nobody listens, and it is dropped as it would be.

    `pauses_s`: how long it waits before each repeat of what was not taken; an agency that tells once only has none.
    """

    def __init__(self) -> None:
        self.url = ""
        self.pauses_s: Sequence[float] = ()
        self.sent = 0
        self.statuses: list[int] = []
        self._waiting: list[Parcel] = []

    def put(self, parcel: Parcel) -> None:
        self._waiting.append(parcel)

    def clear(self) -> None:
        self._waiting.clear()

    async def before_the_answer(self, session: ClientSession) -> None:
        parcels = [parcel for parcel in self._waiting if parcel.first]
        self._repeat([replace(parcel, first=False) for parcel in await self._send(parcels, session)])

    async def due(self, now: datetime, session: ClientSession) -> None:
        # What goes before an answer waits for that answer; where none follows it goes all the same.
        parcels = [parcel for parcel in self._waiting if parcel.due <= (now - _ANSWERED if parcel.first else now)]
        self._repeat([replace(parcel, due=now) for parcel in await self._send(parcels, session)])

    async def run(self, now: Callable[[], datetime], session: ClientSession) -> None:
        """Ends by cancellation."""
        while True:
            await asyncio.sleep(_TURN_S)
            await self.due(now(), session)

    def _repeat(self, parcels: list[Parcel]) -> None:
        for parcel in parcels:
            if parcel.tries < len(self.pauses_s):
                due = parcel.due + timedelta(seconds=self.pauses_s[parcel.tries])
                self._waiting.append(replace(parcel, due=due, tries=parcel.tries + 1))

    async def _send(self, parcels: list[Parcel], session: ClientSession) -> list[Parcel]:
        """Those that were not taken and may be later."""
        for parcel in parcels:
            self._waiting.remove(parcel)
        # One after the other: what goes out together must arrive in the order it was put in.
        return [parcel for parcel in parcels if not await self._one(parcel, session)]

    async def _one(self, parcel: Parcel, session: ClientSession) -> bool:
        path, kind, body = parcel.make()
        if not self.url:
            return True
        self.sent += 1
        headers = {"Content-Type": kind, **(parcel.sign(body) if parcel.sign is not None else {})}
        try:
            async with session.post(self.url + path, data=body, headers=headers) as got:
                await got.read()
                self.statuses.append(got.status)
        except (ClientError, TimeoutError):
            self.statuses.append(0)
        status = self.statuses[-1]
        return status // 100 == 2 or status in _HOPELESS


@asynccontextmanager
async def posting(outbox: Outbox, now: Callable[[], datetime]) -> AsyncIterator[ClientSession]:
    """The outbox at work, and the session it posts with."""
    async with ClientSession(timeout=ClientTimeout(total=_PATIENCE_S)) as session:
        running = asyncio.create_task(outbox.run(now, session))
        try:
            yield session
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@dataclass
class Place:
    """One awaited id; see `aggregator.sdk.callback.Expected`."""

    _come: asyncio.Event = field(default_factory=asyncio.Event)
    _notice: Notice | None = None

    async def arrived(self, timeout_s: float) -> Notice:
        async with asyncio.timeout(timeout_s):
            await self._come.wait()
        assert self._notice is not None  # noqa: S101 - set before the event is
        return self._notice

    def put(self, notice: Notice) -> None:
        self._notice = self._notice or notice
        self._come.set()


class Letterbox:
    """The `Mailbox` port in memory. `notices` keeps what was verified, `refused` why the rest was not."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self.notices: list[Notice] = []
        self.refused: list[str] = []
        self._news = asyncio.Event()

    async def until(self, enough: Callable[[], bool], *, at_most_s: float = _PATIENCE_S) -> None:
        """Returns when what has come is enough. Raises TimeoutError."""
        async with asyncio.timeout(at_most_s):
            while not enough():
                self._news.clear()
                await self._news.wait()

    @contextmanager
    def expect(self, awaited: str) -> Iterator[Place]:
        place = self._places[awaited] = Place()
        try:
            yield place
        finally:
            del self._places[awaited]

    def take(self, notified: Callable[[Callback], Notice], callback: Callback) -> Ack:
        """As the core does: verified, kept, and handed to whoever waits; never raises for what was pushed."""
        try:
            notice = notified(callback)
        except Unverified as no:
            self.refused.append(no.why)
            self._news.set()
            return no.ack
        self.notices.append(notice)
        self._news.set()
        if notice.awaited in self._places:
            self._places[notice.awaited].put(notice)
        return notice.ack


@asynccontextmanager
async def listening(letterbox: Letterbox, notified: Callable[[Callback], Notice]) -> AsyncIterator[str]:
    """A door for callbacks on a free loopback port; gives the URL to tell the agency."""
    clock = SystemClock()

    async def take(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        callback = Callback(request.match_info["path"], headers, await request.read(), clock.now())
        ack = letterbox.take(notified, callback)
        return web.Response(status=ack.status, body=ack.body, headers={"Content-Type": ack.media_type})

    app = web.Application()
    app.router.add_post("/callbacks/agency/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/callbacks/agency"
    finally:
        await runner.cleanup()
