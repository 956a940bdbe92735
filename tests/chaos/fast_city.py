"""The real server as a subprocess of a harness: its clock runs fast, and it can be told where to die.

FAST_SPEED: how many seconds of the city's clock pass in one real second (the waits of a doubt become bearable; the
code is the same). KILL_AT, KILL_NTH: SIGKILL itself at the nth passing of a named waypoint. No handler, no flush.
"""

import asyncio
import json
import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.api.app import DOOR
from aggregator.api.door import listen
from aggregator.cases import quarantine, rate_parts, settle
from aggregator.cases.attempt import JournaledTrail
from aggregator.cases.lifecycle import State
from aggregator.ops import logs
from aggregator.sdk import waypoints
from aggregator.settings import Settings
from aggregator.store import Run, sqlite, sqlite_thread
from aggregator.wiring import running

EPOCH = float(os.environ.get("FAST_EPOCH", "1768450800"))
"""Where the clock begins; a harness whose agencies sign with the real time begins there."""


LATE: list[object] = []
"""Tasks of a control; kept so that nobody collects them."""


class FastClock:
    """Both clocks run `speed` times as fast, and agree over restarts because both begin at the same real second."""

    def __init__(self, speed: float, born: float) -> None:
        self._speed = speed
        self._born = born

    def monotonic(self) -> float:
        return time.monotonic() * self._speed

    def now(self) -> datetime:
        return datetime.fromtimestamp(EPOCH, UTC) + timedelta(seconds=(time.time() - self._born) * self._speed)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)


def die_at(point: str, nth: int, by: signal.Signals = signal.SIGKILL) -> None:
    """Arms the waypoint."""
    left = nth

    def watch(passed: str) -> None:
        nonlocal left
        if passed == point:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), by)

    waypoints.watch = watch


async def main(data: str, registry: str, urls: dict[str, str]) -> None:
    logs.configure(sys.stderr, level="WARNING")
    settings = Settings.from_env(dict(os.environ), data_dir=Path(data), registry_path=Path(registry), sandbox_urls=urls)
    clock = FastClock(speed := float(os.environ["FAST_SPEED"]), float(os.environ["FAST_BORN"]))
    # Looks at the parts of rates cost real commits: they and their patience stay as long as they are.
    for name in ("LOOK_S", "SOON_S", "FRESH_S", "AWAY_S"):
        setattr(rate_parts, name, getattr(rate_parts, name) * speed)
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with running(settings, clock=clock) as city:
        if os.environ.get("WITHOUT") == "patience_at_boot":
            await every_agency_answers(urls)
        server = await listen(city.app, city.app[DOOR], host="127.0.0.1", port=int(os.environ.get("FAST_PORT", "0")))
        sys.stdout.write(json.dumps({"port": server.port, "pid": os.getpid()}) + "\n")
        sys.stdout.flush()
        await told_or_failed(told, city.failed)
        if os.environ.get("WITHOUT") == "draining":
            os._exit(0)
        await server.close()


async def told_or_failed(told: asyncio.Event, failed: asyncio.Event) -> None:
    """As `aggregator serve`: a city a part of which has ended by a fault ends, and does not look alive."""
    both = [asyncio.create_task(one.wait()) for one in (told, failed)]
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    for one in both:
        one.cancel()
    if failed.is_set():
        raise SystemExit("a part of the city failed")


async def every_agency_answers(urls: dict[str, str]) -> None:
    """The control of static stability: asks all of them, three times, before it serves."""
    for url in urls.values():
        host, _, port = url.removeprefix("http://").partition(":")
        for wait_s in (0.5, 1.0, 1.5):
            try:
                _, writer = await asyncio.open_connection(host, int(port))
            except OSError:
                await asyncio.sleep(wait_s)
            else:
                writer.close()
                break


def believed_unsent(_op: object, _declared: object, now_ms: int) -> settle.Step:
    """What silence means to a server without doubt."""
    return settle.Step(State.READY, "agency_away", "state.ready", now_ms)


def believe_silence() -> None:
    settle.doubt = believed_unsent


def each_for_itself() -> None:
    """The rates of a server that knows of no other."""

    async def join(parts: rate_parts.RateParts) -> None:
        parts._share.begin(rate_parts.ALL, float("inf"))

    rate_parts.RateParts.join = join
    rate_parts.RateParts.run = lambda _parts: asyncio.sleep(1e9)


def without(rule: str) -> None:
    """The server without one of its rules: the control of a proof, and nothing else."""
    whole = {"doubt": believe_silence, "shared_rate": each_for_itself}
    if rule in whole:
        whole[rule]()
        return
    if rule == "quarantine":

        async def blind(run: Run, _lineage: str, _remembered: object, _at: object, cluster: str) -> object:
            return await quarantine._found(run, cluster)

        quarantine._examine = blind
    elif rule == "synced_log":
        connected = sqlite_thread.connect

        def hasty(*args: object, **named: object) -> object:
            connection = connected(*args, **named)
            connection.execute("pragma synchronous = off")
            return connection

        sqlite.connect = hasty
    elif rule == "sender_lock":

        async def believed_dead(_store: object, _worker: str) -> bool:
            return True

        sqlite.SqliteStore.worker_is_dead = believed_dead
        JournaledTrail.recheck = lambda _trail: waypoints.passing("before_the_write")
    elif rule == "journal_first":
        journal = JournaledTrail.journal

        async def afterwards(trail: JournaledTrail, method: str, url: str, headers: object, body: bytes) -> None:
            trail._lease_until = trail._desk.clock.monotonic() + 60.0
            trail.request_sha256 = ""
            asyncio.get_running_loop().call_later(
                0.02, lambda: LATE.append(asyncio.ensure_future(journal(trail, method, url, headers, body)))
            )

        JournaledTrail.journal = afterwards


if __name__ == "__main__":
    without(os.environ.get("WITHOUT", ""))
    if "STOP_AT" in os.environ:
        die_at(os.environ["STOP_AT"], 1, signal.SIGSTOP)
    if "KILL_AT" in os.environ:
        die_at(os.environ["KILL_AT"], int(os.environ.get("KILL_NTH", "1")))
    asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
