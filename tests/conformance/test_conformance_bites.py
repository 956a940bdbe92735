"""The control of the suite: drivers sabotaged in one line are caught. A suite nobody fails proves nothing."""

import asyncio

import pytest

from aggregator.resilience.outcome import Confirmed, NotSent, Rejected, outcome_of
from aggregator.sdk.errors import AgencyError, OutcomeUnknown, Unavailable
from aggregator.sdk.model import Receipt
from aggregator.sdk.testing.conformance import Answering, Candidate, call, candidates
from aggregator.sdk.testing.hostile import HOSTILE
from aggregator.sdk.testing.menu import Player

SEVA = next(candidate for candidate in candidates() if candidate.name == "seva")


class _Sabotaged(Candidate):
    """The passport driver with its `submit` wrapped by a mistake people make."""

    def __init__(self, mistake):
        super().__init__(SEVA.kind, SEVA.name, SEVA.folder)
        object.__setattr__(self, "mistake", mistake)

    def make(self, wire, url="http://agency.example", **more):
        honest = SEVA.make(wire, url, **more)
        sound = honest.submit

        async def submit(order):
            return await self.mistake(sound, order)

        honest.submit = submit
        return honest


async def _everything_is_an_outage(sound, order):
    try:
        return await sound(order)
    except Exception as exc:
        raise Unavailable("something went wrong") from exc


async def _everything_is_fine(sound, order):
    try:
        return await sound(order)
    except AgencyError:
        return Receipt("26-0000000000")


async def _a_doubt_is_tried_again(sound, order):
    try:
        return await sound(order)
    except OutcomeUnknown:
        return await sound(order)


MISTAKES = [_everything_is_an_outage, _everything_is_fine, _a_doubt_is_tried_again]


def _lies(one):
    """Whether the ledger contradicts what the deliverer would write down."""
    outcome = outcome_of(one.ended.got, one.ended.trail, SEVA.operations["submit"])
    return one.acted != 1 if isinstance(outcome, Confirmed) else isinstance(outcome, NotSent | Rejected) and one.acted


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_sabotaged_driver_fails_the_menu(mistake, sandbox_of, tmp_path):
    candidate = _Sabotaged(mistake)

    async def play():
        async with sandbox_of(SEVA).control as control:
            playing = Player(candidate, sandbox_of(SEVA).url, control)
            try:
                await control.reset()
                return await playing.menu("submit", ["200", "202", "203", "210", "408", "500", "501", "504", "601"])
            finally:
                await playing.close()

    wrong = [
        one.fault
        for one in asyncio.run(play())
        if one.ended.word(read=False) not in candidate.expected("submit", one.fault) or _lies(one)
    ]
    assert len(wrong) >= 5


async def test_the_honest_driver_is_not_fooled_where_the_sabotaged_one_is():
    fooled = {}
    for maker in (SEVA, _Sabotaged(_everything_is_fine)):
        fooled[type(maker).__name__] = 0
        for hostile in HOSTILE["json"].values():
            driver = maker.make(Answering(hostile.reply))
            ended = await call(driver, "submit", SEVA.operations["submit"], SEVA.order("submit"))
            outcome = outcome_of(ended.got, ended.trail, SEVA.operations["submit"])
            fooled[type(maker).__name__] += isinstance(outcome, Confirmed | Rejected)
    assert fooled["Candidate"] == 0
    assert fooled["_Sabotaged"] == len(HOSTILE["json"])
