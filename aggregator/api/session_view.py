"""A session and its tokens as the portal sees them; and the sending of a code, which no answer waits for."""

from typing import Any

from msgspec import UNSET

from aggregator.api.auth import TOKEN_LIFE_S
from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.citizen_tokens import Bearing
from aggregator.api.session_shapes import SessionGiven
from aggregator.citizens.messages import Message
from aggregator.citizens.session_record import Session, SessionState

CODE = "message.code"


def post(call: Call, session: Session, code: str, target: str, sentence: str = CODE, **words: str) -> None:
    """Hands the code to the messengers, who tell the session how far it gets. `sentence` is the text's key."""
    room = call.rooms.citizens
    minutes = str(room.rules.life_s // 60)
    message = Message(
        channel=session.channel,
        to=target,
        text=call.say(sentence, code=code, count=minutes, city=call.rooms.registry().city.name, **words),
        subject=call.say("message.code_subject"),
    )
    room.messages.send(message, lambda delivery: room.sessions.delivered(session.id, delivery))


def view(call: Call, session: Session, sentence: str, **more: Any) -> SessionGiven:
    """The session. `sentence` is a key of the texts; `more` are further members, or arguments of the sentence."""
    waiting = session.state is SessionState.WAITING
    again = waiting and session.sends <= len(call.rooms.citizens.rules.resend_s)
    words = {name: more.pop(name) for name in ("channel_words", "left") if name in more}
    return SessionGiven(
        session_id=session.id,
        purpose=session.purpose.value,
        state=session.state.value,
        channel=session.channel if session.sends else UNSET,
        delivery=session.delivery.value if session.sends else UNSET,
        code_until=second(session.code_until) if waiting else UNSET,
        resend_at=second(session.next_send_at) if again else UNSET,
        expires_at=second(session.code_until if waiting else session.expires_at),
        tries_left=call.rooms.citizens.rules.tries - session.tries if waiting else UNSET,
        explanation=call.say(sentence, **words),
        **more,
    )


async def opened(call: Call, session: Session, sentence: str) -> SessionGiven:
    """An open session with its tokens: the only time the refresh credential is shown."""
    room, caller = call.rooms.citizens, call.caller
    name = await room.register.name_for(session.citizen_id, caller.names_for)
    bearing = Bearing(caller.portal_id, caller.key_id, caller.scopes, caller.confirmation)
    token, scope = call.rooms.citizen_tokens.issue(bearing, session.id, name)
    person = await room.register.person(session.citizen_id)
    missing = person.missing() if person is not None else []
    return view(
        call,
        session,
        "session.opened_incomplete" if missing else sentence,
        citizen_id=name,
        access_token=token,
        refresh_token=await room.sessions.refresh_credential(session.id),
        token_type="DPoP" if caller.confirmation and "jkt" in caller.confirmation else "Bearer",
        expires_in=TOKEN_LIFE_S,
        scope=scope,
        missing=" ".join(missing) if missing else UNSET,
    )
