"""The central unit as a process: what it says at its start, and what of it survives a crash."""

import stat
from pathlib import Path

from aggregator.sdk.testing.sandbox import started

MODULE = "adapters.electricity.bbps.simulator"


def test_it_names_the_files_of_the_keys_it_made_and_keeps_them_over_a_crash(tmp_path):
    first = started(MODULE, tmp_path)
    files = {name: Path(file) for name, file in first.secrets.items()}
    assert set(files) == {"signing_key", "central_key"}
    assert stat.S_IMODE(files["signing_key"].stat().st_mode) == 0o600
    before = {name: file.read_bytes() for name, file in files.items()}
    first.kill()
    second = started(MODULE, tmp_path)
    second.stop()
    assert {name: Path(file).read_bytes() for name, file in second.secrets.items()} == before


async def test_a_payment_survives_the_crash_of_the_agency_that_took_it(a_network, paying):
    order = paying()
    async with a_network() as network:
        await network.driver.pay(order)
    async with a_network() as network:
        (found,) = await network.driver.find(order)
        assert found.agency_code == "SUCCESS"
        assert [row["acted"] for row in await network.control.ledger()] == [1]
