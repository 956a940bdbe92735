"""R23: a clock that is set, stands still or runs double only lengthens a wait, and nobody is served twice for it.

The agency acts 55 seconds after it fell silent, as its driver declares it may (60). Whoever sends again before that has
filed twice; a wait that trusts the wall clock does.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from figures import Figure

from adapters.gateway.cashfree.inbound import notice_of, signature
from aggregator.cases.consolidate import Read, fold
from aggregator.sdk.adapter import Class
from aggregator.sdk.callback import Callback, Unverified
from aggregator.sdk.clock import ManualClock, epoch_ms
from aggregator.sdk.status import Status

DAY_S, QUARTER_S, LATE_S, UNTIL_S = 86_400, 900, 55, 600
Disturb = Callable[[ManualClock, float, float], None]
"""What happens to the wall clock as true time goes from one moment to the next, in seconds since the silence."""


def set_by(jump_s: float) -> Disturb:
    """Set twice, and back at the end."""

    def disturb(clock: ManualClock, before: float, after: float) -> None:
        for moment, share in ((10, 1), (20, 1), (UNTIL_S, -2)):
            if before < moment <= after:
                clock.jump_wall(share * jump_s)

    return disturb


def running(speed: float) -> Disturb:
    """Passes so much faster than time for ten minutes; 0: it stands."""

    def disturb(clock: ManualClock, before: float, after: float) -> None:
        if after <= UNTIL_S:
            clock.jump_wall((speed - 1.0) * (after - before))

    return disturb


DISTURBED: dict[str, Disturb] = {
    **{f"set by {jump} s": set_by(jump) for jump in (DAY_S, -DAY_S, 3_600, -3_600, QUARTER_S, -QUARTER_S, 6, -6)},
    "frozen": running(0.0),
    "double speed": running(2.0),
}


async def settled_after_s(town: Any, disturb: Disturb, *, late: bool) -> float:
    """True seconds until the lost application is settled; `late`: the agency acted on it all the same."""
    await town.apply("The control record")
    town.clock.advance(120)
    town.office.script = ["lost"]
    case = await town.apply()
    reference, passed, settled = json.loads(town.office.bodies[-1])["ref"], 0.0, 0.0
    while not settled or passed < LATE_S + 5:
        assert passed < 4 * DAY_S, "never settled"
        step = 5.0 if passed < 60 else 30.0 if passed < UNTIL_S else 305.0
        disturb(town.clock, passed, passed + step)
        passed += step
        if late and passed == LATE_S:
            town.office.act(reference)
        await town.pass_time(step)
        if not settled and await town.state(case) == "CONFIRMED":
            settled = passed
    return settled


def doubled(town: Any) -> int:
    return sum(n > 1 for n in Counter(town.office.acted).values())


@pytest.mark.slow
@pytest.mark.figure("R23")
async def test_r23_a_settle_wait_on_the_wall_clock_files_twice(town_of: Any, figure: Figure) -> None:
    town = await town_of(Class.QUERYABLE)

    async def blind() -> bool:
        return False

    town.reconciliation._clock.was_set = blind
    await settled_after_s(town, set_by(3_600), late=True)
    assert doubled(town) == 1
    figure.control("waits that trust the wall clock, set forward an hour twice: filed twice")


@pytest.mark.slow
@pytest.mark.figure("R23")
async def test_r23_no_clock_makes_a_wait_shorter_or_files_twice(town_of: Any, figure: Figure) -> None:
    town = await town_of(Class.QUERYABLE)
    straight = await settled_after_s(town, lambda *_: None, late=False)
    waits = {}
    for name, disturb in DISTURBED.items():
        for late in (True, False):
            before = town.office.arrivals
            waits[name] = await settled_after_s(town, disturb, late=late)
            sent = town.office.arrivals - before
            assert (doubled(town), sent) == (0, 2 if late else 3), name
        assert waits[name] >= straight, name
    jumps = [DAY_S, -DAY_S, QUARTER_S, -QUARTER_S]
    assert [await lease_holds(town, jump_s) for jump_s in jumps] == [True] * len(jumps)
    skews = [QUARTER_S, -QUARTER_S]
    assert [same_order(skew_s) for skew_s in skews] == [True, True]
    assert [believed(skew_s) for skew_s in (QUARTER_S, 301, 299, 0, -QUARTER_S, -DAY_S - 1)] == [
        False, False, True, True, True, False,
    ]  # fmt: skip
    figure.measured(
        f"{len(waits)} disturbances, each with a lost and with a late effect: 0 filed twice; sent again after"
        f" {straight:.0f} s undisturbed, {min(waits.values()):.0f} to {max(waits.values()):.0f} s disturbed;"
        f" {len(jumps)} jumps between journal and first byte cost no lease; agencies 15 min off keep their order,"
        " signatures count within tolerance only"
    )


async def lease_holds(town: Any, jump_s: float) -> bool:
    """The clock is set between the journal and the first byte: the send goes out all the same, once."""
    before = town.office.arrivals

    async def jump() -> None:
        town.clock.jump_wall(jump_s)

    town.office.before_write = jump
    case = await town.apply()
    town.office.before_write = None
    return (await town.state(case), town.office.arrivals - before) == ("CONFIRMED", 1)


def same_order(skew_s: float) -> bool:
    """An agency whose clock is off tells its story in the same order."""
    words = (Status.SUBMITTED, Status.ACKNOWLEDGED, Status.IN_PROGRESS, Status.COMPLETED)
    story = [Read(word, "", word.value, place * 60_000, 0, str(place)) for place, word in enumerate(words)]
    skewed = [replace(read, stamp_ms=read.stamp_ms + round(skew_s * 1000)) for read in reversed(story)]
    before, after = fold(story), fold(skewed)
    return before.current is not None and after.current is not None and (
        (before.current.status, before.out_of_order) == (after.current.status, after.out_of_order)
    )  # fmt: skip


def believed(ahead_s: float) -> bool:
    """Whether a webhook signed by a clock that is so far ahead of ours is taken."""
    now = ManualClock().now()
    body = json.dumps(
        {
            "type": "PAYMENT_SUCCESS_WEBHOOK",
            "data": {
                "order": {"order_id": "PAY1"},
                "payment": {"payment_status": "SUCCESS", "payment_amount": 664, "cf_payment_id": "5000001"},
            },
        }
    ).encode()
    stamp = str(epoch_ms(now) + round(ahead_s * 1000))
    headers = {"x-webhook-timestamp": stamp, "x-webhook-signature": signature("secret", stamp, body)}
    try:
        return notice_of(Callback("", headers, body, now), "secret").reference == "PAY1"
    except Unverified:
        return False
