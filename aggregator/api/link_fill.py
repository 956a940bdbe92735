"""A form that the city can fill should not be typed: from the citizen's links, and from what he said about himself.

Only what the form requires and the citizen left out is filled, and only where there is one answer: two accounts at one
company are a choice, and the choice is the citizen's.
"""

from collections.abc import Mapping
from typing import Any

from aggregator.api.call import Call
from aggregator.citizens.link_kinds import KINDS
from aggregator.citizens.person import Person
from aggregator.citizens.verified_links import VERIFIED, KeptLink
from aggregator.registry.agency import Service


async def filled(call: Call, service: Service, form: Mapping[str, Any]) -> dict[str, Any]:
    """The form with what is known put in; as it was without a citizen's token."""
    if not call.caller.citizen_id:
        return dict(form)
    return {**await known(call, service, form), **form}


async def known(call: Call, service: Service, form: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the required fields that `form` leaves out."""
    room, fields = call.rooms.citizens, service.form.get("properties", {})
    person = await room.register.person(call.caller.citizen_id)
    told: dict[str, Any] = {} if person is None else _of_person(person)
    links = [link for link in await room.links.of(call.caller.citizen_id) if link.agency in service.agencies]
    for name in fields:
        if name in KINDS:
            told.pop(name, None)
    told |= _of_links(links, form)
    wanted = set(service.form.get("required", ())) - set(form)
    return {name: value for name, value in told.items() if name in wanted and name in fields and value}


def _of_links(links: list[KeptLink], form: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the one link that fits what is there already."""
    fitting = [
        link.form
        for link in links
        if link.state == VERIFIED and all(form.get(name, value) == value for name, value in link.form.items())
    ]
    values: dict[str, set[str]] = {}
    for one in fitting:
        for name, value in one.items():
            values.setdefault(name, set()).add(str(value))
    return {name: next(iter(found)) for name, found in values.items() if len(found) == 1}


def _of_person(person: Person) -> dict[str, Any]:
    profile, address = person.profile, person.profile.address
    told = {
        "name": profile.name,
        "mobile": profile.mobile.removeprefix("+91"),
        "email": profile.email,
        "date_of_birth": profile.date_of_birth,
    }
    if address is not None:
        told |= {"address": address.line, "pin": address.pin_code, "district": address.district, "state": address.state}
    return told
