"""A change of a citizen's record, with the codes it needs.

Whoever has somebody's open session for a minute must not be able to take the record over: what logs in or says who
one is changes only with a code to the number the citizen had before, and a new number or address only with a code of
its own. After a new number everything sensitive waits a day. Source: figures S4; api.md section 2.3.
"""

from msgspec import UNSET
from msgspec.structs import replace

from aggregator.api.call import Call
from aggregator.api.decode import explained, invalid
from aggregator.api.problem import Problem
from aggregator.api.profile_fields import said
from aggregator.api.profile_shapes import ProfileChange
from aggregator.api.shapes import ErrorLine
from aggregator.api.step_up import codes_given, not_held
from aggregator.citizens.assistance import ByWhom
from aggregator.citizens.passwords import too_weak
from aggregator.citizens.person import Person, Profile, email_of, mobile_of, username_of
from aggregator.citizens.register import Doer, Stale, Taken
from aggregator.citizens.session_record import Purpose

ALWAYS_SENSITIVE = ("mobile", "email", "username")
SENSITIVE_ONCE_SET = ("name", "date_of_birth")
_CODE_OF = {"mobile": Purpose.NEW_MOBILE, "email": Purpose.NEW_EMAIL}


async def changed(call: Call, person: Person, asked: ProfileChange) -> Person:
    """The record after the change. Raises Problem."""
    after = _after(call, person, asked)
    password = asked.password if isinstance(asked.password, str) else None
    fields = _sensitive(person.profile, after) + (["password"] if password is not None else [])
    if fields:
        await _allowed(call, person, asked, after, fields)
    made = await call.rooms.citizens.passwords.made(password) if password is not None else None
    room = call.rooms.citizens
    new_number = "mobile" in fields
    try:
        await call.progress.commit(
            room.register.change(
                person, after, Doer(call.caller.portal_id, call.caller.session_id), password=made,
                hold_s=room.rules.hold_s if new_number else 0,
            ),
            unmoved=lambda exc: isinstance(exc, Stale | Taken),
        )  # fmt: skip
    except Stale as exc:
        raise Problem("precondition-failed") from exc
    except Taken as exc:
        raise _taken(call, exc.field) from exc
    if new_number or password is not None:
        await room.sessions.close_all_of(person.id, but=call.caller.session_id)
    found = await room.register.person(person.id)
    assert found is not None  # noqa: S101 - it was there a moment ago
    await room.duplicates.look_for(found)
    return found


def _after(call: Call, person: Person, asked: ProfileChange) -> Profile:
    after, wrong = said(call, person.profile, asked)
    for name, read, rule in (
        ("mobile", mobile_of, "not_a_mobile"),
        ("email", email_of, "not_an_email"),
        ("username", username_of, "not_a_username"),
    ):
        typed = getattr(asked, name)
        if typed is UNSET:
            continue
        value = read(typed)
        if value is None:
            wrong.append(_line(call, name, rule))
        else:
            after = replace(after, **{name: value})
    known = (after.username, after.name, after.mobile.removeprefix("+91"))
    if isinstance(asked.password, str) and too_weak(asked.password, *known):
        wrong.append(_line(call, "password", "weak_password"))
    if isinstance(asked.password, str) and not after.username:
        wrong.append(_line(call, "username", "required"))
    if wrong:
        raise invalid(wrong)
    return after


def _sensitive(before: Profile, after: Profile) -> list[str]:
    changes = [name for name in ALWAYS_SENSITIVE if getattr(before, name) != getattr(after, name)]
    return changes + [
        name for name in SENSITIVE_ONCE_SET if getattr(before, name) and getattr(before, name) != getattr(after, name)
    ]


async def _allowed(call: Call, person: Person, asked: ProfileChange, after: Profile, fields: list[str]) -> None:
    """Raises Problem confirmation-needed unless every code this change needs was given.

    A nominee corrects, with the code the nominee's session began with; what logs in is not theirs to change.
    """
    if call.caller.by_whom == ByWhom.NOMINEE:
        if set(fields) - set(SENSITIVE_ONCE_SET):
            raise Problem("wrong-token", variant="in_person")
        return
    room = call.rooms.citizens
    here = await room.sessions.of_portal(call.caller.session_id, call.caller.portal_id)
    recovering = here is not None and here.purpose is Purpose.RECOVERY and fields == ["mobile"]
    if not recovering:
        not_held(call, person)
    wanted = {_CODE_OF[name]: getattr(after, name) for name in fields if name in _CODE_OF}
    reachable = bool(person.profile.mobile or person.profile.email)
    if reachable and not recovering:
        wanted[Purpose.CONFIRM] = person.profile.mobile or person.profile.email
    await codes_given(call, person, wanted, asked.confirmations)


def _taken(call: Call, field: str) -> Problem:
    if field == "username":
        return invalid([_line(call, "username", "not_available")])
    # Whoever gets this has given the code sent there: it is his to know.
    return Problem("confirmation-needed", variant="taken")


def _line(call: Call, field: str, rule: str) -> ErrorLine:
    return explained(f"/{field}", rule, {}, call.rooms.say, call.language)
