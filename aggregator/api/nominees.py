"""A citizen names who shall have their rights after death or in incapacity; whoever was named accepts, asks, and acts.

Naming looks nobody up, asking shows nothing of the citizen, and what is not one's own is not there: the same bytes for
another's nomination and for none. What a nominee does later goes through the gate of all who act for somebody.
"""

from dataclasses import replace

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.citizen_of import citizen_of, shown_name
from aggregator.api.citizen_tokens import Bearing
from aggregator.api.decode import explained, invalid
from aggregator.api.nominee_shapes import (
    ActingAsked,
    ActingGiven,
    ClaimAsked,
    Confirmed,
    NominationAsked,
    NominationList,
    NominatorGiven,
    NominatorList,
    NomineeAnswer,
)
from aggregator.api.nominee_view import claim_view, nomination_view, nominator_view
from aggregator.api.privacy import room_of
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.session_shapes import NothingGiven
from aggregator.api.step_up import stepped_up
from aggregator.citizens.assistance import Task, rights_of
from aggregator.citizens.messages import Delivery, Message
from aggregator.citizens.nominations import Myself, NotThere, TooMany
from aggregator.citizens.nominee_claims import AlreadyAsked, Asked
from aggregator.citizens.nominee_record import PROVES, Certificate, Claim, Nomination, NominationState, Phase, Why
from aggregator.citizens.person import mobile_of, name_of
from aggregator.citizens.session_record import Purpose


async def name(call: Call) -> Answer:
    """POST /citizens/{citizen_id}/nominations."""
    asked: NominationAsked = call.body
    citizen_id = await citizen_of(call)
    called, mobile = name_of(asked.name), mobile_of(asked.mobile)
    wrong = [("/name", "required")] if called is None else []
    wrong += [("/mobile", "not_a_mobile")] if mobile is None else []
    person = await call.rooms.citizens.register.person(citizen_id)
    if mobile and person is not None and person.profile.mobile == mobile:
        wrong.append(("/mobile", "not_yourself"))
    if wrong or called is None or mobile is None:
        raise invalid([explained(place, rule, {}, call.rooms.say, call.language) for place, rule in wrong])
    await stepped_up(call, asked.confirmations)
    replaces = asked.replaces if isinstance(asked.replaces, str) else ""
    try:
        made = await room_of(call).nominations.name(citizen_id, call.caller.portal_id, called, mobile, replaces)
    except NotThere as exc:
        raise Problem("not-found") from exc
    except TooMany as exc:
        raise _impossible(call, "too_many") from exc
    text = call.say("message.nominee_named", city=call.rooms.registry().city.name)
    call.rooms.citizens.messages.send(Message(channel="SMS", to=mobile, text=text), _unheeded)
    location = {"Location": f"/v1/citizens/{await shown_name(call)}/nominations/{made.id}"}
    return Answer(nomination_view(call, made, None), status=201, headers=location)


async def listing(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/nominations."""
    citizen_id, room = await citizen_of(call), room_of(call)
    claims: dict[str, Claim] = {}
    for claim in await room.claims.of_citizen(citizen_id):
        claims.setdefault(claim.nomination_id, claim)
    named = await room.nominations.of_citizen(citizen_id)
    return Answer(NominationList(items=tuple(nomination_view(call, one, claims.get(one.id)) for one in named)))


async def show(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/nominations/{nomination_id}."""
    found = await _own(call)
    return Answer(nomination_view(call, found, await room_of(call).claims.under(found.id)))


async def withdraw(call: Call) -> Answer:
    """POST /citizens/{citizen_id}/nominations/{nomination_id}/withdrawals."""
    asked: Confirmed = call.body
    found = await _own(call)
    await stepped_up(call, asked.confirmations)
    if not await room_of(call).nominations.end(found, NominationState.WITHDRAWN):
        raise Problem("not-found")
    ended = await _own(call)
    return Answer(nomination_view(call, ended, await room_of(call).claims.under(found.id)), status=201)


async def stop(call: Call) -> Answer:
    """DELETE /citizens/{citizen_id}/nominations/{nomination_id}/claims."""
    if not await room_of(call).claims.stop(await citizen_of(call), call.params["nomination_id"]):
        raise Problem("not-found")
    return Answer(NothingGiven(), status=204)


async def nominators(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/nominators."""
    found = await room_of(call).nominations.of_nominee(await _me(call))
    return Answer(NominatorList(items=tuple([await _seen(call, one) for one in found])))


async def answer(call: Call) -> Answer:
    """POST /citizens/{citizen_id}/nominators/{nomination_id}/answers."""
    asked: NomineeAnswer = call.body
    found, room = await _named_me(call), room_of(call).nominations
    if not asked.accept:
        if not await room.end(found, NominationState.DECLINED):
            raise Problem("not-found")
        declined = replace(found, state=NominationState.DECLINED)
        return Answer(nominator_view(call, declined, await _name_of(call, found), None), status=201)
    if found.state is NominationState.NAMED:
        await stepped_up(call, asked.confirmations)
        me = await _me(call)
        if found.citizen_id == me.citizen_id:
            raise _impossible(call, "yourself")
        try:
            found = await room.accept(found, me)
        except NotThere as exc:
            raise Problem("not-found") from exc
    return Answer(await _seen(call, found), status=201)


async def claim(call: Call) -> Answer:
    """POST /citizens/{citizen_id}/nominators/{nomination_id}/claims."""
    asked: ClaimAsked = call.body
    found = await _named_me(call)
    why, certificate = _evidence(call, asked)
    if found.state is not NominationState.ACCEPTED:
        raise _impossible(call, "not_accepted")
    await stepped_up(call, asked.confirmations)
    room = room_of(call)
    said = Asked(why, certificate, asked.certificate_number.strip(), call.caller.portal_id)
    try:
        made = await room.claims.ask(found, said)
    except AlreadyAsked as exc:
        raise _impossible(call, "asked_already") from exc
    await room.notices.tell(room.claims.words)
    return Answer(claim_view(call, made, "as"), status=202)


async def act(call: Call) -> Answer:
    """POST /citizens/{citizen_id}/nominators/{nomination_id}/sessions."""
    asked: ActingAsked = call.body
    found, room = await _named_me(call), room_of(call)
    granted = await room.claims.under(found.id)
    if granted is None or granted.phase(call.now()) is not Phase.IN_FORCE:
        raise _impossible(call, "not_in_force")
    await stepped_up(call, asked.confirmations)
    sessions, caller = call.rooms.citizens.sessions, call.caller
    row = sessions.fresh(Purpose.ASSISTANCE, caller.portal_id, found.citizen_id, call.language)
    pseudonym = room.assistances.pseudonym("nominee", found.id)
    made = await room.assistances.stand_in(row, granted.consent_id, pseudonym, asked.minutes)
    known = await call.rooms.citizens.register.name_for(found.citizen_id, caller.names_for)
    bearing = Bearing(caller.portal_id, caller.key_id, caller.scopes, caller.confirmation)
    token, scope = call.rooms.citizen_tokens.issue(
        bearing, made.session_id, known, rights_of([Task.RIGHTS]), assistant=pseudonym, life_s=made.minutes * 60
    )
    return Answer(
        ActingGiven(
            citizen_id=known, assistant=pseudonym, access_token=token, expires_in=made.minutes * 60, scope=scope,
            token_type="DPoP" if caller.confirmation and "jkt" in caller.confirmation else "Bearer",
            until=second(made.until), explanation=call.say("nominee.acting", time=made.until.isoformat()),
        ),
        status=201,
    )  # fmt: skip


def _evidence(call: Call, asked: ClaimAsked) -> tuple[Why, Certificate]:
    """Raises Problem for words that are none, and for a paper that cannot prove it."""
    if asked.why not in tuple(Why):
        raise invalid([explained("/why", "enum", {"allowed": ", ".join(Why)}, call.rooms.say, call.language)])
    possible = PROVES[Why(asked.why)]
    if asked.certificate not in possible:
        allowed = {"allowed": ", ".join(possible)}
        raise invalid([explained("/certificate", "enum", allowed, call.rooms.say, call.language)])
    return Why(asked.why), Certificate(asked.certificate)


async def _own(call: Call) -> Nomination:
    """The nomination of the path, if the citizen made it. Raises Problem not-found."""
    room = room_of(call).nominations
    found = await room.one_of_citizen(call.params["nomination_id"], await citizen_of(call))
    if found is None:
        raise Problem("not-found")
    return found


async def _me(call: Call) -> Myself:
    citizen_id = await citizen_of(call)
    person = await call.rooms.citizens.register.person(citizen_id)
    held = person is None or person.held(call.now())
    # A number that was just taken over accepts nothing: what it is named for appears when the day is over.
    return Myself(citizen_id, "" if held or person is None else person.profile.mobile)


async def _named_me(call: Call) -> Nomination:
    """The nomination of the path, if it names the citizen. Raises Problem not-found."""
    found = await room_of(call).nominations.one_of_nominee(call.params["nomination_id"], await _me(call))
    if found is None:
        raise Problem("not-found")
    return found


async def _seen(call: Call, one: Nomination) -> NominatorGiven:
    claims = room_of(call).claims
    held = await claims.under(one.id) if one.state is NominationState.ACCEPTED else None
    return nominator_view(call, one, await _name_of(call, one), held)


async def _name_of(call: Call, one: Nomination) -> str:
    person = await call.rooms.citizens.register.person(one.citizen_id)
    return "" if person is None else person.profile.name


def _impossible(call: Call, why: str) -> Problem:
    return Problem("action-not-possible", variant="nominee", about={"why": call.say(f"nominee.why_not_{why}")})


async def _unheeded(_delivery: Delivery) -> None:
    """Whether it arrived changes nothing: the citizen sees that nobody answered, and says it to the nominee."""
