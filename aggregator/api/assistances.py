"""A counter acts for a citizen: the code goes to the citizen's own mobile and says to whom and what for it is given.

Nothing here looks up who has a number before its code was given. There is no credential to make it longer with: after
its end the citizen is asked again.
"""

from msgspec import UNSET

from aggregator.api.assistance_shapes import AssistanceAsked, AssistanceGiven, AssistanceList, AssistanceSeen
from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.citizen_of import citizen_of
from aggregator.api.citizen_tokens import Bearing
from aggregator.api.decode import explained, invalid
from aggregator.api.privacy import room_of
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.session_shapes import NothingGiven
from aggregator.api.session_view import view
from aggregator.api.sessions import begun, code_given, sent_again
from aggregator.citizens.assistance import AT_A_COUNTER, Assistance, ByWhom, Task, rights_of
from aggregator.citizens.messages import Delivery, Message
from aggregator.citizens.person import mobile_of
from aggregator.citizens.session_record import Begin, Purpose, Session
from aggregator.sdk.clock import IST

_CODE = "message.assistance_code"


async def begin(call: Call) -> Answer:
    """POST /assistances."""
    asked: AssistanceAsked = call.body
    room, mobile = room_of(call).assistances, mobile_of(asked.mobile)
    wrong = []
    if mobile is None:
        wrong.append(explained("/mobile", "not_a_mobile", {}, call.rooms.say, call.language))
    if not asked.tasks or set(asked.tasks) - set(AT_A_COUNTER):
        wrong.append(explained("/tasks", "enum", {"allowed": ", ".join(AT_A_COUNTER)}, call.rooms.say, call.language))
    if wrong or mobile is None:
        raise invalid(wrong)
    tasks = tuple(dict.fromkeys(Task(word) for word in asked.tasks))
    asking = Begin(
        purpose=Purpose.ASSISTANCE, portal_id=call.caller.portal_id, device=asked.device, channel="SMS", target=mobile,
        address=asked.client_address if isinstance(asked.client_address, str) else "", language=call.language,
    )  # fmt: skip
    session = await begun(call, asking, _CODE, **_words(call, tasks))
    assistant = room.pseudonym(call.caller.sector, asked.assistant)
    made = await room.begin(session, assistant, tasks, asked.minutes)
    return Answer(_given(call, made, session), status=201, headers={"Location": f"/v1/assistances/{made.id}"})


async def verify(call: Call) -> Answer:
    """POST /assistances/{assistance_id}/verifications."""
    waiting, session = await _mine(call)
    verified = await code_given(call, session)
    made = await room_of(call).assistances.agreed(waiting, verified)
    caller, register = call.caller, call.rooms.citizens.register
    name = await register.name_for(verified.citizen_id, caller.names_for)
    bearing = Bearing(caller.portal_id, caller.key_id, caller.scopes, caller.confirmation)
    token, scope = call.rooms.citizen_tokens.issue(
        bearing, session.id, name, rights_of(made.tasks), assistant=made.assistant, life_s=made.minutes * 60
    )
    await _told(call, made)
    return Answer(
        _given(
            call, made, verified, citizen_id=name, access_token=token, expires_in=made.minutes * 60, scope=scope,
            token_type="DPoP" if caller.confirmation and "jkt" in caller.confirmation else "Bearer",
        )
    )  # fmt: skip


async def resend(call: Call) -> Answer:
    """POST /assistances/{assistance_id}/resends."""
    waiting, session = await _mine(call)
    moved = await sent_again(call, session, _CODE, **_words(call, waiting.tasks))
    return Answer(_given(call, waiting, moved), status=202)


async def show(call: Call) -> Answer:
    """GET /assistances/{assistance_id}."""
    found, session = await _mine(call)
    return Answer(_given(call, found, session))


async def end(call: Call) -> Answer:
    """DELETE /assistances/{assistance_id}."""
    found, _ = await _mine(call)
    await room_of(call).assistances.end(found)
    return Answer(NothingGiven(), status=204)


async def listing(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/assistances."""
    found = await room_of(call).assistances.all_of(await citizen_of(call))
    return Answer(AssistanceList(items=tuple(_seen(call, one) for one in found)))


async def stop(call: Call) -> Answer:
    """DELETE /citizens/{citizen_id}/assistances/{assistance_id}."""
    room = room_of(call).assistances
    found = await room.of_citizen(call.params["assistance_id"], await citizen_of(call))
    if found is None:
        raise Problem("not-found")
    await room.end(found)
    return Answer(NothingGiven(), status=204)


async def _mine(call: Call) -> tuple[Assistance, Session]:
    """The assistance of the path and its session, if this portal began it. Raises Problem not-found."""
    found = await room_of(call).assistances.of_portal(call.params["assistance_id"], call.caller.portal_id)
    sessions = call.rooms.citizens.sessions
    session = await sessions.of_portal(found.session_id, call.caller.portal_id) if found is not None else None
    if found is None or session is None:
        raise Problem("not-found")
    return found, session


def _given(call: Call, one: Assistance, session: Session, **more: object) -> AssistanceGiven:
    told = view(call, session, "session.code_by_sms")
    state = "OPEN" if one.holds(call.now()) else "ENDED" if one.consent_id or session.state != "WAITING" else "WAITING"
    agreed = state == "OPEN"
    return AssistanceGiven(
        assistance_id=one.id, state=state, assistant=one.assistant, tasks=one.tasks,
        delivery=told.delivery, code_until=told.code_until, resend_at=told.resend_at, tries_left=told.tries_left,
        until=second(one.until) if agreed else UNSET, consent_id=one.consent_id if agreed else UNSET,
        explanation=call.say(f"assistance.{state.lower()}", **_words(call, one.tasks), time=one.until.isoformat()),
        **more,  # type: ignore[arg-type]  # members of the shape, by name
    )  # fmt: skip


def _seen(call: Call, one: Assistance) -> AssistanceSeen:
    holds = one.holds(call.now())
    present = "assistance.nominee_holds" if one.by_whom is ByWhom.NOMINEE else "assistance.holds"
    key = present if holds else "assistance.withdrawn" if one.withdrawn else "assistance.over"
    what = _words(call, one.tasks)["what"]
    return AssistanceSeen(
        assistance_id=one.id, portal_id=one.portal_id, by_whom=one.by_whom.value, assistant=one.assistant,
        tasks=one.tasks, asked_at=second(one.asked_at), until=second(one.until), holds=holds,
        consent_id=one.consent_id, explanation=call.say(key, what=what, time=one.until.isoformat()),
    )  # fmt: skip


def _words(call: Call, tasks: tuple[Task, ...]) -> dict[str, str]:
    """To whom the code is given, and for what: without these a code could be had under a pretext."""
    what = ", ".join(call.say(f"assistance.to_{task.lower()}") for task in tasks)
    return {"portal": call.caller.portal_name, "what": what}


async def _told(call: Call, made: Assistance) -> None:
    """The citizen has it in writing, with how to stop it."""
    person = await call.rooms.citizens.register.person(made.citizen_id)
    if person is None or not person.profile.mobile:
        return
    time = made.until.astimezone(IST).strftime("%H:%M")
    text = call.say("message.assistance_began", time=time, **_words(call, made.tasks))
    call.rooms.citizens.messages.send(Message(channel="SMS", to=person.profile.mobile, text=text), _unheeded)


async def _unheeded(_delivery: Delivery) -> None:
    """Whether it arrived changes nothing: the list of assistances says the same."""
