"""S3. Tracking without an account: a number and something only the citizen knows, at any portal, and no way to fish.

A wrong number and a wrong factor are the same bytes in the same time. Tries are counted in the store before anything
is looked at, so ten processes allow what one does. Controls: counting after the look, counting in each process, and a
look-up that returns early.
"""

import asyncio
import statistics
from dataclasses import replace

import pytest
from api_town import GENEROUS, PushedClock, running_town
from patience import within
from sealing import sealing

from aggregator.api.limits import Buckets, Limits, Quota
from aggregator.api.shared_limits import allowance, network_of
from aggregator.cases.followed import Followed, Followers
from aggregator.cases.number import mint
from aggregator.cases.orders import seal_form
from aggregator.citizens.allowances import Allowance, Allowances
from aggregator.citizens.seals import VaultSeals
from aggregator.citizens.vault import Vault
from aggregator.sdk.clock import SystemChance

MOBILE, OTHER = "9000000000", "9000000001"
DAY_S = 86_400
HIDDEN = {"request_id", "instance"}
LIMITED = replace(GENEROUS, probes=Limits().probes, not_found_floor_s=0.0)


async def follow(town, number, portal="two", **factor):
    return await town.ask("POST", "/track", portal=portal, json={"number": number, **(factor or {"mobile": MOBILE})})


def faceless(got):
    return got.status, {name: value for name, value in got.json.items() if name not in HIDDEN}


async def test_who_knows_number_and_mobile_follows_the_case_at_any_portal(both_towns):
    case = (await both_towns.open(portal="one")).json
    theirs = case["legs"][0]["reference"]
    assert theirs
    for number in (case["number"], case["number"].replace("-", " "), theirs, f" {theirs.lower()} "):
        padded = number if len(number) >= 4 else f"  {number} "
        got = await follow(both_towns, padded, mobile=f"+91 {MOBILE}")
        assert (got.status, got.json["number"]) == (200, case["number"]), number
    assert got.json.keys() <= {
        "number", "kind", "status", "status_text", "since", "as_of", "stale", "next_check_at", "created_at", "livemode",
    }  # fmt: skip
    assert (await follow(both_towns, f"  {theirs} ", agency="office", mobile=MOBILE)).status == 200
    assert (await follow(both_towns, f"  {theirs} ", agency="elsewhere", mobile=MOBILE)).status == 404


async def test_a_date_of_birth_is_a_second_factor_where_the_form_asked_for_it(town):
    case = (await town.open()).json
    form = {"name": "Test Citizen", "date_of_birth": "1990-02-28"}
    sealed = seal_form(sealing(), "ctz_somebody", case["id"], form)
    await town.store.write(lambda run: run("update cases set form_sealed = $1 where id = $2", sealed, case["id"]))
    assert (await follow(town, case["number"], date_of_birth="1990-02-28")).status == 200
    assert (await follow(town, case["number"], date_of_birth="1990-02-27")).status == 404
    # The form has no mobile number: nothing that is typed agrees with nothing.
    assert (await follow(town, case["number"], mobile="0000000000")).status == 404


async def test_exactly_one_factor_is_needed(town):
    case = (await town.open()).json
    for factor in ({"agency": "office"}, {"mobile": MOBILE, "date_of_birth": "1990-01-01"}):
        got = await follow(town, case["number"], **factor)
        assert (got.status, got.json["errors"][0]["code"]) == (400, "one_factor")


async def test_a_wrong_number_and_a_wrong_factor_are_the_same_bytes(town):
    case = (await town.open()).json
    wrong = [
        await follow(town, mint(SystemChance())),
        await follow(town, case["number"], mobile=OTHER),
        await follow(town, case["number"], date_of_birth="1990-01-01"),
        await follow(town, "NOSUCHNUMBER"),
    ]
    assert [one.status for one in wrong] == [404] * 4
    assert len({str(faceless(one)) for one in wrong}) == 1


async def test_a_number_is_tried_at_five_times_a_day_by_all_processes_together(both_towns):
    number = (await both_towns.open()).json["number"]
    async with (
        running_town(both_towns.store, limits=LIMITED) as one,
        running_town(both_towns.store, limits=LIMITED) as another,
    ):
        looked = 0
        for _ in range(12):
            for town in (one, another):
                looked += (await follow(town, number, mobile=OTHER)).status == 404
                town.clock.push(DAY_S / 12)
                for name in town.secrets:
                    town.tokens[name] = (await town.token(name)).json["access_token"]
        assert looked <= 5


async def test_the_control_a_bucket_in_each_process_allows_as_many_as_there_are_processes():
    clock = PushedClock()
    processes = [Buckets(clock), Buckets(clock)]
    granted = sum(process.take(Limits().probes, "n").wait_s == 0 for process in processes for _ in range(5))
    assert granted == 2 * Limits().probes.limit


@pytest.mark.parametrize("quota", ["track_address", "track_network", "track_portal", "all_misses"])
async def test_each_limit_is_met_and_whoever_is_right_uses_nothing_of_it(sqlite_store, quota):
    few = replace(GENEROUS, not_found_floor_s=0.0, **{quota: Quota(quota.replace("_", "-"), 3, 3600)})
    async with running_town(sqlite_store, limits=few) as town:
        case = (await town.open()).json
        right = [(await follow(town, case["number"])).status for _ in range(5)]
        assert right == [200] * 5
        wrong = [(await follow(town, mint(SystemChance()))).status for _ in range(4)]
        assert wrong == [404, 404, 404, 429]
        refused = await follow(town, case["number"])
        assert (refused.status, refused.json["effect"]) == (429, "none")
        assert int(refused.headers["Retry-After"]) <= 1200


def test_neighbours_count_as_one_network():
    assert network_of("192.0.2.7") == network_of("192.0.2.250") != network_of("192.0.3.7")
    assert network_of("2001:db8:1::1") == network_of("2001:db8:1:ff::2") != network_of("2001:db8:2::1")
    assert network_of("unix") == "unix"


def allowances(store, clock):
    return Allowances(store, VaultSeals(Vault(bytes(32))), clock)


@pytest.mark.slow
@pytest.mark.figure("S3", "with a second factor")
async def test_a_million_guesses_of_a_day_at_one_number_are_five_looks(sqlite_store, figure):
    clock = PushedClock()
    processes = [allowances(sqlite_store, clock) for _ in range(4)]
    looks = guesses = 0
    for _ in range(100):
        for process in processes:
            number = allowance(Limits().probes, "4071993621850345")
            if process.refused(number) is None:
                looks += all(left.wait_s == 0 for left in await process.take(number))
            # Whoever was refused goes on asking, as often as he likes: it costs nobody anything.
            guesses += 1 + sum(process.refused(number) is not None for _ in range(2499))
        clock.push(DAY_S / 100)
    assert guesses >= 990_000
    assert 3 <= looks <= 5
    figure.measured(f"{guesses:,} tries at one number in a day by four processes: {looks} looked at")


@pytest.mark.figure("S3", "with a second factor")
async def test_of_a_hundred_guesses_at_once_two_are_looked_at_and_counting_afterwards_looks_at_all(
    sqlite_store, figure
):
    store = sqlite_store
    room, number = allowances(store, PushedClock()), allowance(Limits().probes, "n")
    got = await asyncio.gather(*(room.take(number) for _ in range(100)))
    assert sum(left.wait_s == 0 for [left] in got) == 2
    other = allowance(Limits().probes, "other")
    looked = []

    async def naive(guess):
        rows = await store.read("select count(*) as n from allowance where name = $1", "naive")
        if rows[0]["n"] < 2:
            looked.append(guess)
            await room.take(other)

    await asyncio.gather(*(naive(guess) for guess in range(100)))
    assert len(looked) > 2
    figure.control(f"counted after the look: {len(looked)} of 100 tries at once are looked at, not 2")


async def test_what_is_given_back_is_there_again_and_what_is_over_is_forgotten(store):
    clock = PushedClock()
    room, one = allowances(store, clock), Allowance("probe", "somebody", 2, 100)
    for _ in range(5):
        assert (await room.take(one))[0].left == 1
        await room.give_back(one)
    first, second, third = [(await room.take(one))[0] for _ in range(3)]
    assert (int(first.left), int(second.left)) == (1, 0)
    assert 0 < third.wait_s <= 50
    assert "somebody" not in str([tuple(row) for row in await store.read("select name, who from allowance")])
    clock.push(101)
    assert (await room.take(one))[0].wait_s == 0
    clock.push(101)
    await room.tidy()
    assert await store.read("select name from allowance") == []


@pytest.mark.slow
@pytest.mark.figure("S3", "with a second factor")
async def test_a_wrong_factor_takes_as_long_as_a_wrong_number_and_an_early_return_would_be_seen(town, figure):
    numbers = [(await town.open(f"k-{at}")).json["number"].replace("-", "") for at in range(8)]
    followers = Followers(town.store, sealing(town.clock), town.clock)

    async def medians(look, samples):
        times = {"no case": [], "wrong factor": []}
        clock = asyncio.get_running_loop().time
        for at in range(samples):
            absent = mint(SystemChance())
            for kind, number in (("no case", absent), ("wrong factor", numbers[at % 8])):
                started = clock()
                assert not await look(Followed(number=number, mobile=OTHER))
                times[kind].append(clock() - started)
        return [statistics.median(taken) for taken in times.values()]

    absent, wrong = await medians(followers.case_id, 2000)
    within(abs(absent - wrong) * 1e6, max(50.0, 0.05e6 * wrong), "wrong number and wrong factor, us apart")

    async def early(asked):
        if not await town.store.read("select id from cases where number = $1", asked.counted_as):
            return
        for _ in range(3):
            await followers.case_id(asked)

    figure.measured(f"wrong number and wrong factor {abs(absent - wrong) * 1e6:.0f} us apart")
    absent, wrong = await medians(early, 300)
    assert wrong > 1.5 * absent, (absent, wrong)
    figure.control(f"a look-up that returns early: {wrong / absent:.1f} times as fast where there is no case")
