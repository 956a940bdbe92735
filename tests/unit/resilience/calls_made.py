"""Agencies that answer as told, for the tests of the guarded pipeline, and how a call ended."""

import asyncio

from aggregator.resilience.policy import Policy
from aggregator.sdk.errors import (
    AgencyError,
    NotAttempted,
)
from aggregator.sdk.wire import Sent, effect_trail

LIMITED = Policy(max_rps=1e6, max_concurrency=4, max_waiting=4)


def sending(*, reply=None, error=None, after_s=0.0, sent=Sent.MAYBE, answered=True):
    """An agency behind a wire: the one effect-bearing send of a write, told to the trail as the port demands."""

    async def agency(order):
        with effect_trail(effect=True) as trail:
            await trail.journal("POST", "http://rto.example", {}, b"")
            trail.recheck()
            trail.sent = sent
            await asyncio.sleep(after_s)
            trail.answered = answered
        if error:
            raise error
        return reply

    return agency


async def ended(awaitable):
    """The name of how a read ended."""
    try:
        await awaitable
    except (AgencyError, NotAttempted) as error:
        return type(error).__name__
    return "ok"


def now():
    return asyncio.get_running_loop().time()
