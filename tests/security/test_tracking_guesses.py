"""S3. A tracking number cannot be guessed: fifteen random digits, and who guesses is stopped long before chance helps.

The control is numbers in a row: ten thousand guesses beside a known one hit.
"""

import asyncio
import secrets
from array import array
from bisect import bisect_left
from dataclasses import replace

import pytest
from api_town import GENEROUS, running_town

from aggregator.api.limits import Limits, Quota
from aggregator.cases.number import LENGTH, mint, read
from aggregator.sdk.clock import SystemChance
from aggregator.sdk.form import check_digit

SPACE = 10 ** (LENGTH - 1)


def stored_numbers(count):
    """What the store would hold, sorted; without the check digit, which adds nothing to guess."""
    raw = secrets.token_bytes(count * 8)
    return array("Q", sorted(int.from_bytes(raw[at : at + 8]) % SPACE for at in range(0, count * 8, 8)))


def hits(stored, guesses):
    found = 0
    for guess in guesses:
        at = bisect_left(stored, guess)
        found += at < len(stored) and stored[at] == guess
    return found


def guessing(stored, count):
    """Half at random, half beside a number the guesser holds."""
    own = stored[len(stored) // 2]
    for n in range(count // 2):
        yield secrets.randbelow(SPACE)
        yield own + 1 + n


@pytest.mark.figure("S3")
def test_a_hundred_thousand_guesses_hit_nothing_and_numbers_in_a_row_are_hit(figure):
    stored = stored_numbers(200_000)
    assert hits(stored, guessing(stored, 100_000)) == 0
    in_a_row = array("Q", range(500_000, 700_000))
    found = hits(in_a_row, guessing(in_a_row, 10_000))
    assert found > 0
    figure.control(f"numbers in a row: {found} of 10,000 guesses hit")


@pytest.mark.slow
@pytest.mark.figure("S3")
def test_a_million_guesses_at_ten_million_numbers_hit_nothing(figure):
    stored = stored_numbers(10_000_000)
    assert hits(stored, guessing(stored, 1_000_000)) == 0
    figure.measured("1,000,000 guesses at 10,000,000 numbers: 0 hits")


def test_what_we_mint_is_what_was_stored_here():
    number = mint(SystemChance())
    assert len(number) == LENGTH
    assert number == number[:-1] + check_digit(number[:-1])
    assert read(number) == number


@pytest.mark.figure("S3")
async def test_guesses_over_http_are_stopped_per_portal_long_before_they_hit(sqlite_store, figure):
    limits = replace(GENEROUS, misses=Limits().misses, not_found_floor_s=0.0)
    async with running_town(sqlite_store, limits=limits) as town:
        numbers = [mint(SystemChance()) for _ in range(300)]
        got = await asyncio.gather(*(town.ask("GET", f"/track/{number}") for number in numbers))
        let_through = sum(one.status == 404 for one in got)
        assert let_through <= Limits().misses.limit + 1
        assert {one.status for one in got} == {404, 429}
        figure.measured(f"over HTTP {let_through} of {len(numbers)} guesses of a portal let through")


@pytest.mark.figure("S3")
async def test_one_number_is_probed_five_times_a_day_by_all_portals_together(sqlite_store, figure):
    limits = replace(GENEROUS, probes=Limits().probes, not_found_floor_s=0.0)
    async with running_town(sqlite_store, limits=limits) as town:
        case = (await town.open(portal="one")).json
        number = case["number"].replace("-", "")
        let_through = 0
        for _ in range(24):
            for portal in ("two", "two"):
                let_through += (await town.ask("GET", f"/track/{number}", portal=portal)).status == 404
            assert (await town.ask("GET", f"/track/{number}", portal="one")).status == 200
            town.clock.push(3600)
            for name in town.secrets:
                town.tokens[name] = (await town.token(name)).json["access_token"]
        assert let_through <= 5
        figure.measured(f"{let_through} of 48 probes of one number in a day let through")


async def test_the_whole_city_s_misses_have_an_end_too(sqlite_store):
    limits = replace(GENEROUS, all_misses=Quota("all-misses", 4, 3600), not_found_floor_s=0.0)
    async with running_town(sqlite_store, limits=limits) as town:
        mine = (await town.open()).json["number"]
        got = [
            (await town.ask("GET", f"/track/{mint(SystemChance())}", portal=portal)).status
            for portal in ("one", "two", "one", "two", "one")
        ]
        assert got == [404] * 4 + [429]
        assert (await town.ask("GET", f"/track/{mine}")).status == 200
