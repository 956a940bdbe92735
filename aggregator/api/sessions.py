"""Citizens log in through a portal: by a code to their number, or by user name and password.

Nothing here looks up who has a number before its code was given: known and unknown get the same answer in the same
time, and a message either way. What is asked too often is refused by number, by the device's address and by portal.
"""

from aggregator.api.call import Call
from aggregator.api.decode import explained, invalid
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.session_shapes import CodeGiven, LogoutQuery, NothingGiven, SessionAsked
from aggregator.api.session_view import CODE, opened, post, view
from aggregator.citizens.codes import TooManyCodes
from aggregator.citizens.messages import Channel
from aggregator.citizens.person import email_of, mobile_of, username_of
from aggregator.citizens.session_record import (
    OPENING,
    Begin,
    CodeWrong,
    Purpose,
    Session,
    TooEarly,
)

_FIELDS: dict[Purpose, tuple[str, ...]] = {
    Purpose.LOGIN: ("mobile",),
    Purpose.PASSWORD: ("username", "password"),
    Purpose.CONFIRM: (),
    Purpose.NEW_MOBILE: ("mobile",),
    Purpose.NEW_EMAIL: ("email",),
    Purpose.RECOVERY: ("email",),
}
_OF_A_CITIZEN = {Purpose.CONFIRM, Purpose.NEW_MOBILE, Purpose.NEW_EMAIL}
_PERSONAL = ("mobile", "email", "username", "password")


async def begin(call: Call) -> Answer:
    """POST /sessions."""
    asked: SessionAsked = call.body
    purpose = _purpose(call, asked)
    if purpose is Purpose.PASSWORD:
        return await _by_password(call, asked)
    channel, target = await _target(call, asked, purpose)
    session = await begun(
        call,
        Begin(
            purpose=purpose, portal_id=call.caller.portal_id, device=asked.device, channel=channel, target=target,
            address=_address(asked), citizen_id=call.caller.citizen_id if purpose in _OF_A_CITIZEN else "",
            language=call.language,
        ),
    )  # fmt: skip
    return Answer(
        view(call, session, f"session.code_by_{channel.lower()}"),
        status=201,
        headers={"Location": f"/v1/sessions/{session.id}"},
    )


async def begun(call: Call, asked: Begin, sentence: str = CODE, **words: str) -> Session:
    """A waiting session whose code is on its way. Raises Problem rate-limited when a budget is spent.

    `sentence` is the text's key, `words` what it says besides code, minutes and city.
    """
    room = call.rooms.citizens
    try:
        session, code = await room.code_sessions.begin(asked)
    except TooManyCodes as exc:
        raise too_many(exc) from exc
    post(call, session, code, asked.target, sentence, **words)
    return session


async def verify(call: Call) -> Answer:
    """POST /sessions/{session_id}/verifications."""
    verified = await code_given(call, await mine(call))
    if verified.purpose not in OPENING:
        return Answer(view(call, verified, "session.confirmed"))
    if not verified.citizen_id:
        await call.rooms.citizens.sessions.close(verified)
        raise Problem("code-not-accepted", variant="nobody")
    sentence = "session.recovered" if verified.purpose is Purpose.RECOVERY else "session.opened"
    return Answer(await opened(call, verified, sentence))


async def code_given(call: Call, session: Session) -> Session:
    """The session after the code in the body. Raises Problem code-not-accepted."""
    given: CodeGiven = call.body
    code = "".join(char for char in given.code if char.isdigit())
    verified = await call.rooms.citizens.code_sessions.verify(session, given.device, code, call.caller.sector)
    if isinstance(verified, CodeWrong):
        # One refusal for a wrong code, another device, a code too old and one used already.
        raise Problem("code-not-accepted", variant="" if verified.left else "over", about={"left": str(verified.left)})
    return verified


async def resend(call: Call) -> Answer:
    """POST /sessions/{session_id}/resends."""
    moved = await sent_again(call, await mine(call))
    return Answer(view(call, moved, f"session.code_by_{moved.channel.lower()}"), status=202)


async def sent_again(call: Call, session: Session, sentence: str = CODE, **words: str) -> Session:
    """The session with another code on its way. Raises Problem."""
    try:
        moved, code, target = await call.rooms.citizens.code_sessions.resend(session)
    except TooEarly as exc:
        if exc.wait_s is None:
            raise Problem("code-not-accepted", variant="over") from exc
        raise Problem("rate-limited", variant="codes", retry_after_s=exc.wait_s) from exc
    except TooManyCodes as exc:
        raise too_many(exc) from exc
    post(call, moved, code, target, sentence, **words)
    return moved


async def show(call: Call) -> Answer:
    """GET /sessions/{session_id}."""
    session = await mine(call)
    return Answer(view(call, session, f"session.state_{session.state.lower()}"))


async def end(call: Call) -> Answer:
    """DELETE /sessions/{session_id}."""
    query: LogoutQuery = call.query
    session = await mine(call)
    await call.rooms.citizens.sessions.close(session, everywhere=query.all)
    return Answer(NothingGiven(), status=204)


async def mine(call: Call) -> Session:
    """The session of the path, if this portal began it; with a citizen's token, if it is the citizen's.

    Raises Problem not-found, the same for a foreign one and for none.
    """
    session = await call.rooms.citizens.sessions.of_portal(call.params["session_id"], call.caller.portal_id)
    if (
        session is None
        or session.purpose is Purpose.ASSISTANCE
        or (call.caller.citizen_id and session.citizen_id != call.caller.citizen_id)
    ):
        raise Problem("not-found")
    return session


async def _by_password(call: Call, asked: SessionAsked) -> Answer:
    """A wrong name, a wrong password and a name nobody has: one refusal, one price."""
    room = call.rooms.citizens
    username = username_of(str(asked.username)) or ""
    try:
        spent = await room.code_sessions.try_of(username, _address(asked), call.caller.portal_id)
    except TooManyCodes as exc:
        raise too_many(exc) from exc
    citizen_id, kept = await room.register.password_of(username)
    if not await room.passwords.agrees(str(asked.password), kept):
        raise Problem("code-not-accepted", variant="password")
    await room.code_sessions.try_was_right(spent)
    session = await room.sessions.open_for(Purpose.PASSWORD, call.caller.portal_id, citizen_id, call.language)
    answer = await opened(call, session, "session.opened")
    return Answer(answer, status=201, headers={"Location": f"/v1/sessions/{session.id}"})


def _purpose(call: Call, asked: SessionAsked) -> Purpose:
    """The purpose, with exactly the fields it takes. Raises Problem with every mistake."""
    try:
        purpose = Purpose(asked.purpose)
        needed = _FIELDS[purpose]
    except (ValueError, KeyError):
        raise invalid([explained("/purpose", "choose_one", {}, call.rooms.say, call.language)]) from None
    if purpose in _OF_A_CITIZEN and not call.caller.citizen_id:
        raise Problem("wrong-token", variant="citizen")
    given = {name for name in _PERSONAL if isinstance(getattr(asked, name), str)}
    wrong = [(name, "required") for name in needed if name not in given]
    wrong += [(name, "not_allowed") for name in sorted(given - set(needed))]
    if wrong:
        raise invalid([explained(f"/{name}", rule, {}, call.rooms.say, call.language) for name, rule in wrong])
    return purpose


async def _target(call: Call, asked: SessionAsked, purpose: Purpose) -> tuple[Channel, str]:
    """Where the code goes. Raises Problem for what is no number or address."""
    if purpose is Purpose.CONFIRM:
        person = await call.rooms.citizens.register.person(call.caller.citizen_id)
        assert person is not None  # noqa: S101 - the token's session said so
        if person.profile.mobile:
            return "SMS", person.profile.mobile
        if person.profile.email:
            return "EMAIL", person.profile.email
        raise Problem("confirmation-needed", variant="nowhere")
    if "mobile" in _FIELDS[purpose]:
        mobile = mobile_of(str(asked.mobile))
        if mobile is None:
            raise invalid([explained("/mobile", "not_a_mobile", {}, call.rooms.say, call.language)])
        return "SMS", mobile
    email = email_of(str(asked.email))
    if email is None:
        raise invalid([explained("/email", "not_an_email", {}, call.rooms.say, call.language)])
    return "EMAIL", email


def _address(asked: SessionAsked) -> str:
    return asked.client_address if isinstance(asked.client_address, str) else ""


def too_many(exc: TooManyCodes) -> Problem:
    return Problem("rate-limited", variant="codes", retry_after_s=exc.wait_s)
