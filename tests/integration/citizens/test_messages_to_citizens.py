"""A code reaches the citizen while one provider of the city works, and the city knows how far it got."""

import argparse
import asyncio
from contextlib import AsyncExitStack

import pytest

from adapters.notifier.courier import Driver
from adapters.notifier.courier.simulator import Courier
from aggregator.citizens.messages import Delivery, Message, Messages
from aggregator.registry.agency import Agency, City, Manifest, Poll, Registry
from aggregator.resilience.pipeline import Guarded, NullMeter
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Settings, operations_of
from aggregator.sdk.clock import SystemChance, SystemClock
from aggregator.sdk.testing.sandbox import Control
from aggregator.sdk.testing.serve import serving
from aggregator.sdk.wire_aiohttp import AiohttpWire

TOKEN = "sim-courier-token"


class QuickClock(SystemClock):
    """Before each question to a provider the providers' time goes by instead of ours."""

    def __init__(self):
        self.controls = []

    async def sleep(self, seconds):
        for control in self.controls:
            await control.advance_clock(seconds)


class Providers:
    """The city's two notifiers, and what their telephones show."""

    def __init__(self, urls, controls, wires):
        self.controls = controls
        self.agencies, self.clock = {}, QuickClock()
        self.clock.controls = controls
        for name, one in zip(("first", "second"), urls, strict=True):
            channels = "SMS" if name == "first" else "SMS EMAIL"
            settings = Settings(one, {"channels": channels, "sender": "CTYBBS"}, {"token": TOKEN})
            operations, policy = operations_of(Driver), Policy(deadline_s=8.0)
            guarded = Guarded(
                name, Driver(wires(), settings), operations, policy, clock=SystemClock(), chance=SystemChance(),
                meter=NullMeter(),
            )  # fmt: skip
            manifest = Manifest(name="courier", kind="notifier", version="1", protocol="json", title={}, summary="")
            self.agencies[name] = Agency(
                id=name, kind="notifier", driver="courier", title={"en": name}, enabled=True, livemode=False,
                settings=settings, policy=policy, operations=operations, manifest=manifest, guarded=guarded,
                capabilities=("tracks", "finds"), poll=Poll(every_s=60.0),
            )  # fmt: skip
        self.registry = Registry(City("Testpur", "Asia/Kolkata"), self.agencies, {}, "digest")
        self.messages = Messages(lambda: self.registry, self.clock, SystemChance())

    async def faults(self, at, rules):
        await self.controls[at].faults(rules)

    async def send(self, to, *, channel="SMS", until):
        """Sends a code; every step that was told, until `until` came."""
        told, done = [], asyncio.Event()

        async def tell(delivery):
            told.append(delivery)
            if delivery in until:
                done.set()

        self.messages.send(Message(channel=channel, to=to, text="047193 is your code"), tell)
        await asyncio.wait_for(done.wait(), 20)
        return told

    async def acted(self, at):
        return sum(row["acted"] for row in await self.controls[at].ledger())


@pytest.fixture
async def city(tmp_path):
    wires = []

    def wire():
        wires.append(AiohttpWire(connect_timeout_s=1, total_timeout_s=4, read_timeout_s=4, max_connections=8))
        return wires[-1]

    async with AsyncExitStack() as stack:
        ports = []
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            options = argparse.Namespace(port=0, control_port=0, data=str(tmp_path / name), seed=7)
            ports.append(await stack.enter_async_context(serving(lambda world, _: Courier(world), options)))
        urls = [f"http://127.0.0.1:{one.port}" for one in ports]
        controls = [await stack.enter_async_context(Control(f"http://127.0.0.1:{one.control_port}")) for one in ports]
        made = Providers(urls, controls, wire)
        yield made
        await made.messages.close()
        for one in wires:
            await one.close()


async def test_the_first_provider_delivers_and_the_second_is_not_troubled(city):
    assert await city.send("+919000000042", until={Delivery.DELIVERED}) == [Delivery.SENT, Delivery.DELIVERED]
    assert [await city.acted(at) for at in (0, 1)] == [1, 0]


@pytest.mark.parametrize("fault", ["503", "102", "500", "200"])
async def test_a_provider_that_is_away_refuses_or_talks_nonsense_gives_way_to_the_next(city, fault):
    await city.faults(0, [{"operation": "send", "match": "", "fault": fault}])
    assert (await city.send("+919000000042", until={Delivery.DELIVERED}))[-1] is Delivery.DELIVERED
    assert [await city.acted(at) for at in (0, 1)] == [0, 1]


async def test_a_message_the_first_provider_could_not_deliver_goes_by_the_second(city):
    real, first = city.clock.sleep, city.controls[0]

    async def lost_on_the_way(seconds):
        rows = [row for row in await first.ledger() if row["acted"]]
        await first.advance(rows[0]["agency_ref"], "UNDELIVERED")
        await real(seconds)

    city.clock.sleep = lost_on_the_way
    assert (await city.send("+919000000042", until={Delivery.DELIVERED}))[-1] is Delivery.DELIVERED
    assert [await city.acted(at) for at in (0, 1)] == [1, 1]


async def test_nobody_left_to_carry_it_is_a_failure_the_citizen_is_told_of(city):
    for at in (0, 1):
        await city.faults(at, [{"operation": "send", "match": "", "fault": "503"}])
    assert await city.send("+919000000042", until={Delivery.FAILED}) == [Delivery.FAILED]


async def test_e_mail_goes_by_the_provider_that_carries_it(city):
    told = await city.send("asha@mail.example", channel="EMAIL", until={Delivery.DELIVERED})
    assert told[-1] is Delivery.DELIVERED
    assert [await city.acted(at) for at in (0, 1)] == [0, 1]


async def test_no_code_and_no_number_is_in_any_log(city, caplog):
    await city.faults(0, [{"operation": "send", "match": "", "fault": "503"}])
    with caplog.at_level("DEBUG"):
        await city.send("+919000000042", until={Delivery.DELIVERED})
    told = "".join(str(record.__dict__) for record in caplog.records)
    assert "message.passed_on" in told
    assert "047193" not in told
    assert "9000000042" not in told
