"""The parts and turns of an agency's rate on both databases: the statements themselves (docs/decisions/101)."""

from math import inf

from aggregator.cases.rate_parts import RateParts, free_part
from aggregator.cases.rate_turns import RateTurns
from aggregator.resilience.share import ALL, NOTHING, WHOLE, Part, Share
from aggregator.sdk.clock import ManualClock, SystemClock
from aggregator.store import Store


async def member(store: Store, name: str, clock: ManualClock) -> tuple[RateParts, Share]:
    await store.claim_worker(name)
    share = Share(clock, NOTHING, until=-inf)
    parts = RateParts(store, name, share, clock, lambda _: None)
    await parts.join()
    return parts, share


async def test_the_second_waits_for_the_first_and_takes_all_of_it_when_the_first_has_left(store: Store) -> None:
    clock = ManualClock()
    first, one = await member(store, "wrk_1", clock)
    assert one.held(1.0, clock.monotonic())[0] == ALL
    second, two = await member(store, "wrk_2", clock)
    assert two.part == NOTHING
    await first.look()
    await second.look()
    assert (one.part, two.part) == (Part(0, WHOLE // 2), Part(WHOLE // 2, WHOLE))
    assert two.held(1.0, clock.monotonic())[0] == NOTHING, "the first's last second is not over"
    await first.leave()
    await second.look()
    assert two.part == ALL


async def test_a_turn_is_taken_once_and_the_next_is_a_span_later(store: Store) -> None:
    turns, others = RateTurns(store, SystemClock()), RateTurns(store, SystemClock())
    assert await turns.take("rto", 0, 30.0, 0.0) == 0.0
    assert 25.0 < await others.take("rto", 0, 30.0, 5.0) <= 31.0, "too late for him, so not taken"
    assert 25.0 < await others.take("rto", 0, 30.0, 40.0) <= 31.0
    assert 55.0 < await turns.take("rto", 0, 30.0, 0.0) <= 62.0
    assert await turns.take("rto", 1, 30.0, 0.0) == 0.0, "another call of the same second"


async def test_a_turn_from_before_a_clock_was_set_back_is_nobodys(store: Store) -> None:
    turns = RateTurns(store, SystemClock())
    await turns.take("rto", 0, 1.0, 0.0)
    await store.write(lambda run: run("update rate_turn set next_us = next_us + 3600000000"))
    assert await turns.take("rto", 0, 1.0, 0.0) == 0.0


def test_what_is_free_is_one_piece_and_the_one_that_is_held_if_any() -> None:
    assert free_part(Part(0, 60), [Part(20, 30)], NOTHING) == Part(30, 60)
    assert free_part(Part(0, 60), [Part(20, 30)], Part(5, 15)) == Part(0, 20)
    assert free_part(Part(0, 60), [Part(0, 90)], NOTHING) == NOTHING
