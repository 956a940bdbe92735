"""S4, for an agency's own codes: whoever guesses at once or all day long is looked at a counted number of times.

The agency of this town judges any number of codes, as a careless one would: our limits alone stand between. The control
counts after asking: of a thousand guesses at once the agency is asked about nearly all.
"""

import asyncio

import pytest
from api_citizens import later, logged_in

METER = {"service_id": "office.meter", "form": {"consumer_code": "A1"}}


async def begun(town, who="asha"):
    return await town.ask("POST", "/citizens/me/links", portal=who, json=METER)


async def given(town, link, code, who="asha"):
    path = f"/citizens/me/links/{link['id']}/verifications"
    return await town.ask("POST", path, portal=who, json={"code": code})


def guesses(town, count):
    right = town.office.texts[-1][1]
    return [f"{(int(right) + n) % 10**6:06d}" for n in range(1, count + 1)]


@pytest.fixture
async def asha(both_towns):
    await logged_in(both_towns, "9000000000", name="asha")
    return both_towns


@pytest.mark.figure("S4", "an agency's own codes")
async def test_of_three_hundred_guesses_at_once_the_agency_sees_three(asha, figure):
    link = (await begun(asha)).json
    tried = guesses(asha, 300)
    got = await asyncio.gather(*(given(asha, link, guess) for guess in tried))
    assert {one.status for one in got} <= {409, 429, 503}
    assert len(asha.office.checked) <= 3
    assert (await given(asha, link, asha.office.texts[-1][1])).status != 200
    figure.measured(f"{len(asha.office.checked)} of {len(tried)} guesses at once passed on")


@pytest.mark.figure("S4", "an agency's own codes")
async def test_the_control_counting_after_the_agency_was_asked_passes_on_far_more(asha, figure):
    """The same try as a hurried hand would write it: look how many there were, ask, then count."""
    link = (await begun(asha)).json
    room, office = asha.parts.citizens, asha.office
    number = office.texts[-1][0]
    asked = 0

    async def naive(guess):
        nonlocal asked
        [row] = await asha.store.read("select tries, most_tries from link_code")
        if row["tries"] >= row["most_tries"]:
            return
        asked += 1
        await room.agency_codes.check("office", "permit", METER["form"], number, guess)
        await asha.store.write(lambda run: run("update link_code set tries = tries + 1"))

    assert link["state"] == "PENDING"
    await asyncio.gather(*(naive(guess) for guess in guesses(asha, 200)))
    assert asked > 3
    figure.control(f"counted after asking: {asked} of 200 passed on")


@pytest.mark.figure("S4", "an agency's own codes")
async def test_a_day_of_guessing_at_one_record_is_thirty_guesses_in_a_million(asha, figure):
    """Counted, not computed: many citizens take turns at one record for a day."""
    looked = 0
    for hour in range(24):
        for n in range(3):
            who = f"c{hour}-{n}"
            await logged_in(asha, f"9{hour:02d}000{n:04d}", name=who)
            got = await begun(asha, who)
            if got.status != 202:
                continue
            before = len(asha.office.checked)
            for guess in guesses(asha, 5):
                await given(asha, got.json, guess, who)
            looked += len(asha.office.checked) - before
        await later(asha, 3600)
    assert 0 < looked <= 30
    assert len(asha.office.texts) <= 10
    figure.measured(f"a day at one record: {len(asha.office.texts)} codes, {looked} guesses in a million")
