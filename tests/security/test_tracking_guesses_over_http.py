"""S3, over HTTP: twenty thousand guesses on real sockets, from one address, a network, a thousand sources, everywhere.

The guesser holds fifty portals' tokens and comes through our proxy, which says whose address it is. What was looked at
is counted at the desk, behind the server. Controls: a server that believes any sender of X-Forwarded-For counts nobody
who lies, and one that is not told of its proxy counts everybody as one.
"""

import asyncio
import json
from dataclasses import replace
from itertools import cycle

import pytest
from api_citizens import later
from api_town import running_town

from aggregator.api.limits import Limits, Quota
from aggregator.api.proxies import Proxies
from aggregator.cases.number import mint
from aggregator.citizens.portals import Portals
from aggregator.citizens.rights import SCOPES
from aggregator.sdk.clock import SystemChance
from aggregator.settings import BadSetting, Settings

PORTALS, SOCKETS = 50, 16
LIMITS = replace(Limits(), not_found_floor_s=0.0)
PROXY = Proxies(["127.0.0.0/8"])
DAY_S, QUARTERS = 86_400, 4


class Counted:
    """The desk, with a count of what it was asked for: 'looked at' is what came this far."""

    def __init__(self, desk):
        self._desk = desk
        self.looked = []

    def __getattr__(self, name):
        return getattr(self._desk, name)

    async def followed(self, asked):
        self.looked.append(asked.number)
        return await self._desk.followed(asked)


class Guesser:
    """Sixteen kept-alive sockets to our proxy's side of the server."""

    def __init__(self, town, desk):
        self._town = town
        self._desk = desk
        self._tokens = []
        self._names = []
        self.sent = 0

    async def arm(self):
        portals = Portals(self._town.store, self._town.clock, SystemChance())
        for n in range(PORTALS):
            name = f"guesser {n}"
            self._town.secrets[name] = await portals.add(
                name, contact="a@b.example", scopes=SCOPES, per_minute=1_000_000
            )
            self._names.append(name)
        await self.renew()

    async def renew(self):
        self._tokens = [(await self._town.token(name)).json["access_token"] for name in self._names]

    async def guess(self, guesses):
        """How many of the guesses (source, number) were looked at, and how each was answered."""
        before, waiting, statuses = len(self._desk.looked), iter(list(guesses)), []
        tokens = cycle(self._tokens)

        async def one_socket():
            reader, writer = await asyncio.open_connection("127.0.0.1", self._town.server.port)
            for source, number in waiting:
                body = json.dumps({"number": number, "mobile": "9000000001"}).encode()
                writer.write(
                    b"POST /v1/track HTTP/1.1\r\nHost: city\r\nContent-Type: application/json\r\n"
                    b"Authorization: Bearer %s\r\nX-Forwarded-For: %s\r\nContent-Length: %d\r\n\r\n%s"
                    % (next(tokens).encode(), source.encode(), len(body), body)
                )
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
                await reader.readexactly(int(length))
                statuses.append(int(head[9:12]))
                if b"connection: close" in head.lower():
                    writer.close()
                    reader, writer = await asyncio.open_connection("127.0.0.1", self._town.server.port)
            writer.close()
            await writer.wait_closed()

        await asyncio.gather(*(one_socket() for _ in range(SOCKETS)))
        self.sent += len(statuses)
        assert set(statuses) <= {404, 429}, sorted(set(statuses))
        return len(self._desk.looked) - before, statuses


async def guessing(store, **changes):
    """A town with a guesser at its proxy."""
    desks = []

    def around(desk):
        desks.append(Counted(desk))
        return desks[0]

    town = running_town(store, **{"limits": LIMITS, "proxies": PROXY, **changes}, around=around)
    return town, desks


def fresh(count):
    return [mint(SystemChance()) for _ in range(count)]


def sources(networks, each=1):
    return [f"10.{n // 250}.{n % 250}.{host + 1}" for host in range(each) for n in range(networks)]


@pytest.mark.figure("S3", "20,000 over HTTP")
async def test_guesses_are_stopped_per_address_network_and_number(sqlite_store, figure):
    town, desks = await guessing(sqlite_store)
    async with town as city:
        real = (await city.open()).json["number"].replace("-", "")
        guesser = Guesser(city, desks[0])
        await guesser.arm()
        limits, told = city.parts.limits, []

        looked, _ = await guesser.guess(("192.0.2.7", number) for number in fresh(3_000))
        assert 0 < looked <= limits.track_address.limit + 2
        told.append(f"3,000 from one address: {looked} looked at")

        neighbours = cycle(f"198.51.100.{n}" for n in range(1, 255))
        looked, _ = await guesser.guess(zip(neighbours, fresh(5_000), strict=False))
        assert limits.track_address.limit < looked <= limits.track_network.limit + 2
        told.append(f"5,000 from one /24: {looked}")

        a_range = [real, *fresh(99)]
        for _ in range(QUARTERS):
            await later(city, DAY_S / QUARTERS)
            await guesser.renew()
            await guesser.guess(zip(sources(1_000) * 2, cycle(a_range), strict=False))
        worst = max(desks[0].looked.count(number) for number in a_range)
        assert 0 < worst <= 5
        told.append(f"8,000 from 1,000 sources at 100 numbers over a day: at most {worst} at one number")

        assert guesser.sent == 16_000
        figure.measured("; ".join(told))


@pytest.mark.figure("S3", "20,000 over HTTP")
async def test_all_sources_together_have_an_end_too(sqlite_store, figure):
    few = replace(LIMITS, all_misses=Quota("all-misses", 1_000, 3600))
    town, desks = await guessing(sqlite_store, limits=few)
    async with town as city:
        guesser = Guesser(city, desks[0])
        await guesser.arm()
        looked, statuses = await guesser.guess(zip(sources(4_000), fresh(4_000), strict=True))
        assert 900 < looked <= 1_000 + 20
        assert statuses.count(429) >= 2_900
        figure.measured(f"4,000 from 4,000 networks with 1,000 an hour for all: {looked}")


@pytest.mark.figure("S3", "20,000 over HTTP")
async def test_the_control_a_server_that_believes_every_forwarded_address_counts_nobody(sqlite_store, figure):
    """The guesser is direct and makes up an address for each guess."""
    lies = list(zip(sources(600), fresh(600), strict=True))
    counts = {}
    for name, proxies in (("everybody", Proxies(["0.0.0.0/0"])), ("nobody", Proxies())):
        town, desks = await guessing(sqlite_store, proxies=proxies)
        async with town as city:
            await later(city, DAY_S * len(counts))
            guesser = Guesser(city, desks[0])
            await guesser.arm()
            counts[name], _ = await guesser.guess(lies)
    assert counts["everybody"] == 600
    assert counts["nobody"] <= Limits().track_address.limit + 2
    figure.control(
        f"every sender of X-Forwarded-For believed: {counts['everybody']} of 600 from one liar looked at; "
        f"no proxy named: {counts['nobody']}"
    )


def test_the_caller_is_the_last_hop_that_is_no_proxy_of_ours():
    ours = Proxies(["10.0.0.0/8", "2001:db8:aa::/48"])
    told = {
        ("203.0.113.9", "198.51.100.1"): "203.0.113.9",  # not from our proxy: not believed
        ("10.0.0.1", "198.51.100.1"): "198.51.100.1",
        ("10.0.0.1", "6.6.6.6, 198.51.100.1"): "198.51.100.1",  # what stands before was written by the caller
        ("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.2.0.1"): "198.51.100.1",
        ("10.0.0.1", "198.51.100.1:4711"): "198.51.100.1",
        ("2001:db8:aa::1", "[2001:db8:bb::7]:4711"): "2001:db8:bb::7",
        ("10.0.0.1", "::ffff:198.51.100.1"): "198.51.100.1",
        ("10.0.0.1", "unknown"): "10.0.0.1",
        ("10.0.0.1", "198.51.100.1, nonsense"): "10.0.0.1",
        ("10.0.0.1", ""): "10.0.0.1",
        ("10.0.0.1", "10.9.9.9"): "10.9.9.9",
        ("10.0.0.1", "9.9.9.9," * 10_000 + "198.51.100.1"): "198.51.100.1",
    }
    assert {key: ours.address(key[0], [key[1]]) for key in told} == told
    assert ours.address("10.0.0.1", ["6.6.6.6", "198.51.100.1"]) == "198.51.100.1"  # the header may come twice
    assert Proxies().address("203.0.113.9", ["198.51.100.1"]) == "203.0.113.9"


def test_a_network_that_is_none_is_told_before_the_server_starts():
    named = Settings.from_env({"AGGREGATOR_TRUSTED_PROXIES": "10.0.0.1, 10.1.0.0/16"})
    assert named.proxies == ("10.0.0.1", "10.1.0.0/16")
    with pytest.raises(BadSetting, match="AGGREGATOR_TRUSTED_PROXIES"):
        Settings.from_env({"AGGREGATOR_TRUSTED_PROXIES": "10.0.0.1/8"})
