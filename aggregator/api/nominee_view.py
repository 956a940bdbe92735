"""Nominations and claims as they are shown: to the citizen, and to whoever was named, who learns a name and no more."""

from msgspec import UNSET, UnsetType

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.nominee_shapes import ClaimGiven, NominationGiven, NominatorGiven
from aggregator.citizens.nominee_record import Claim, Nomination, Phase
from aggregator.citizens.person import masked

_TIMED = {Phase.WAITING, Phase.IN_FORCE, Phase.OVER}


def nomination_view(call: Call, one: Nomination, claim: Claim | None) -> NominationGiven:
    state = one.at(call.now())
    return NominationGiven(
        nomination_id=one.id, name=one.name or "-", mobile=masked(one.mobile), state=state.value,
        named_at=second(one.named_at), answer_until=second(one.until), claim=_claim(call, claim, "own"),
        explanation=call.say(f"nominee.own_{state.lower()}", time=one.until.isoformat()),
    )  # fmt: skip


def nominator_view(call: Call, one: Nomination, named_by: str, claim: Claim | None) -> NominatorGiven:
    state = one.at(call.now())
    return NominatorGiven(
        nomination_id=one.id, named_by=named_by or "-", state=state.value, named_at=second(one.named_at),
        answer_until=second(one.until), claim=_claim(call, claim, "as"),
        explanation=call.say(f"nominee.as_{state.lower()}", time=one.until.isoformat()),
    )  # fmt: skip


def claim_view(call: Call, one: Claim, whose: str) -> ClaimGiven:
    """`whose`: "own" for the citizen, "as" for the nominee."""
    phase = one.phase(call.now())
    timed = phase in _TIMED
    return ClaimGiven(
        claim_id=one.id, why=one.why.value, phase=phase.value, asked_at=second(one.asked_at),
        starts_at=second(one.starts) if timed else UNSET, until=second(one.until) if timed else UNSET,
        explanation=call.say(
            f"nominee.{whose}_claim_{phase.lower()}", time=one.starts.isoformat(), end=one.until.isoformat()
        ),
    )  # fmt: skip


def _claim(call: Call, claim: Claim | None, whose: str) -> ClaimGiven | UnsetType:
    return UNSET if claim is None else claim_view(call, claim, whose)
