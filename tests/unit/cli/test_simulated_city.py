"""An outage in the sandbox is a real one, and no simulator outlives the sandbox."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from aggregator.cli.failure import Failure
from aggregator.cli.sandbox import ask
from aggregator.cli.simulated import KEY_FILE, Simulator, recorded, simulated_city


def refused(url):
    with socket.socket() as caller:
        caller.settimeout(2)
        return caller.connect_ex(("127.0.0.1", urlsplit(url).port)) != 0


async def gone(pid):
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        await asyncio.sleep(0.05)
    return False


@pytest.fixture
def agencies(quick_agency):
    return [Simulator("rto", quick_agency, "http://127.0.0.1:0"), Simulator("bmc", quick_agency, "http://127.0.0.1:0")]


async def test_a_stopped_agency_refuses_connections_and_comes_back_where_it_was(agencies, tmp_path):
    async with simulated_city(agencies, tmp_path / "data") as city:
        before = city.places["rto"]
        assert not refused(before.url)

        await city.stop("rto")
        assert refused(before.url)
        assert city.status()["rto"].state == "stopped"
        assert not refused(city.places["bmc"].url)

        after = await city.start("rto")
        assert (after.url, after.control_url) == (before.url, before.control_url)
        assert after.pid != before.pid
        assert not refused(after.url)


async def test_two_sandboxes_never_share_a_folder_and_its_ledgers(agencies, tmp_path):
    async with simulated_city(agencies, tmp_path / "data") as city:
        with pytest.raises(Failure, match="already running"):
            async with simulated_city(agencies, tmp_path / "data"):
                pass
        assert not refused(city.places["rto"].url)
        assert (tmp_path / "data" / KEY_FILE).exists()
    async with simulated_city(agencies, tmp_path / "data"):
        pass  # the lock ends with its holder


async def test_an_agency_that_is_up_is_not_started_twice(agencies, tmp_path):
    async with simulated_city(agencies, tmp_path / "data") as city:
        assert await city.start("rto") == await city.start("rto")


async def test_no_simulator_outlives_the_sandbox(agencies, tmp_path):
    async with simulated_city(agencies, tmp_path / "data") as city:
        pids = [place.pid for place in city.places.values()]
    assert all([await gone(pid) for pid in pids])
    assert recorded(tmp_path / "data") == {}


async def test_a_simulator_that_died_by_itself_is_shown_as_stopped(agencies, tmp_path):
    async with simulated_city(agencies, tmp_path / "data") as city:
        os.kill(city.places["rto"].pid, signal.SIGKILL)
        for _ in range(100):
            if city.status()["rto"].state == "stopped":
                break
            await asyncio.sleep(0.05)
        assert city.status()["rto"].state == "stopped"
        assert recorded(tmp_path / "data")["rto"].pid == 0


async def test_another_terminal_reaches_the_sandbox_through_a_file_only_its_owner_reads(agencies, tmp_path):
    async with simulated_city(agencies, tmp_path / "data"):
        key = tmp_path / "data" / KEY_FILE
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        told = await asyncio.to_thread(ask, tmp_path / "data", "stop", "rto")
        assert told["rto"].state == "stopped"
        assert told["bmc"].state == "up"


async def test_a_stranger_without_the_word_cannot_stop_an_agency(agencies, tmp_path):
    async with simulated_city(agencies, tmp_path / "data") as city:
        key = tmp_path / "data" / KEY_FILE
        key.write_text(key.read_text().replace('"word": "', '"word": "not-'))
        with pytest.raises(Failure, match="not the sandbox's word"):
            await asyncio.to_thread(ask, tmp_path / "data", "stop", "rto")
        assert city.status()["rto"].state == "up"


async def test_an_agency_nobody_knows_is_named_with_those_there_are(agencies, tmp_path):
    async with simulated_city(agencies, tmp_path / "data"):
        with pytest.raises(Failure, match=r"'trafic'\. There are: bmc, rto"):
            await asyncio.to_thread(ask, tmp_path / "data", "stop", "trafic")


def test_without_a_sandbox_the_sentence_says_how_to_start_one(tmp_path):
    with pytest.raises(Failure, match="aggregator sandbox start"):
        ask(tmp_path, "status")


async def test_a_simulator_that_does_not_start_names_its_log(tmp_path):
    broken = [Simulator("rto", "no.such.module", "http://127.0.0.1:0")]
    with pytest.raises(Failure, match=r"rto did not start.*simulator\.log"):
        async with simulated_city(broken, tmp_path / "data"):
            pass


async def test_a_taken_port_is_no_obstacle(quick_agency, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        async with simulated_city([Simulator("rto", quick_agency, f"http://127.0.0.1:{taken}")], tmp_path) as city:
            assert urlsplit(city.places["rto"].url).port != taken


def test_a_simulator_ends_when_its_sandbox_is_killed_outright(quick_agency):
    """The control is the same process without the leash: it lives on."""
    options = ["--port", "0", "--control-port", "0", "--data", ".", "--seed", "1"]
    free, leashed = [
        subprocess.Popen([sys.executable, "-m", *module, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for module in ((quick_agency,), ("aggregator.cli.leash", quick_agency))
    ]
    with free, leashed:
        try:
            for each in (free, leashed):
                each.stdout.readline()
                each.stdin.close()  # what the kernel does for a parent that was killed
            assert leashed.wait(10) == 0
            assert free.poll() is None
        finally:
            for each in (free, leashed):
                each.kill()
