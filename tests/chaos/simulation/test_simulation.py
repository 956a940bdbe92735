"""Whole cities in virtual time: crashes at any await, agencies that lie, search that breaks, days of outage (R2).

A seed that fails says which command replays it; one that found a mistake is kept in seeds.txt for ever.
"""

import time

import pytest
from figures import NIGHT, Figure, sized
from patience import seen

from simulation.seeds import Ran, regressions, run, these

ROUND, LEAST, ENOUGH_S = 1_000, 1_000, 180.0
"""A slow machine lives fewer cities than 5,000 in its three minutes, and its row says how many."""


def test_a_handful_of_cities_lives_through_everything() -> None:
    ran = these([*range(11, 26)])
    assert not ran.failed, ran.told
    assert ran.crashes > 10
    assert ran.doubts > 20


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "seeds"), sorted(regressions().items()))
def test_a_city_that_once_went_wrong_does_not_again(profile: str, seeds: list[int]) -> None:
    ran = these(seeds, "--profile", profile)
    assert not ran.failed, ran.told


@pytest.mark.slow
@pytest.mark.figure("R2")
def test_no_city_of_thousands_loses_doubles_or_forgets_anything(figure: Figure) -> None:
    ran = Ran()
    begun = time.monotonic()
    while ran.seeds < sized(5_000, 250_000) and (NIGHT or time.monotonic() - begun < ENOUGH_S):
        run(ran.seeds, ROUND, into=ran)
        assert not ran.failed, ran.told
    seen(ran.seeds >= LEAST, f"only {ran.seeds} cities lived in {ENOUGH_S} s")
    assert ran.crashes > ran.seeds
    told = f"0 violations; {ran.crashes} crashes, {ran.effects} effects, {ran.doubts} doubts, {ran.hours:.0f} hours"
    figure.measured(f"{told}; {ran.seeds / ran.seconds:.0f} seeds/s of CPU", seeds=str(ran.seeds))


@pytest.mark.slow
@pytest.mark.figure("R2", "same seed, same trace")
def test_the_same_seed_tells_the_same_story_whatever_order_python_hashes_in(figure: Figure) -> None:
    first = these(range(100), "--digests", hash_seed="1")
    again = these(reversed(range(100)), "--digests", hash_seed="2")
    same = sum(a == b for a, b in zip(first.digests, reversed(again.digests), strict=True))
    assert same == 100
    assert len(set(first.digests)) == 100, "different seeds tell different stories"
    figure.measured(f"{same} of 100", seeds="100")
