"""What a draft can begin with: the citizen's links, and, with the citizen's own token, the citizen's profile.

A portal's token fills in links only: what a person said about himself is given to that person, not to whoever can name
him. One fact may be written in several ways; the form takes the one it accepts.
"""

from collections.abc import Mapping, Sequence

from aggregator.api.call import Call
from aggregator.citizens.person import Address, Profile
from aggregator.discovery.forms import localised
from aggregator.discovery.forms.prefill import Known, prefill
from aggregator.registry.agency import Service

_GENDERS = {"FEMALE": ("F", "FEMALE", "Female"), "MALE": ("M", "MALE", "Male"), "OTHER": ("T", "O", "OTHER")}
_INDIA = "+91"


async def known_of(call: Call, service: Service, citizen_id: str) -> dict[str, Known]:
    """Fields of the service's form we can fill in for this citizen, by the id the portal has for the person."""
    links = call.rooms.links.of(citizen_id) or ()
    own = [link.identifiers for link in links if link.agency in service.agencies]
    person = None
    if call.caller.citizen_id and call.caller.citizen_name == citizen_id:
        person = await call.rooms.citizens.register.person(call.caller.citizen_id)
    facts = spellings(person.profile) if person is not None else {}
    return prefill(localised(service.form, call.language), own, facts)


def spellings(profile: Profile) -> Mapping[str, Sequence[str]]:
    """The profile in the words of forms, each fact in every way a form may want it, the fullest first."""
    address = profile.address or Address()
    given, _, family = profile.name.rpartition(" ")
    whole = ", ".join(part for part in (address.line, address.area, address.city, address.pin_code) if part)
    made: dict[str, Sequence[str]] = {
        "name": (profile.name,),
        "given_name": (given or profile.name,),
        "surname": (family if given else "",),
        "mobile": (profile.mobile, profile.mobile.removeprefix(_INDIA)),
        "email": (profile.email,),
        "date_of_birth": (profile.date_of_birth,),
        "gender": _GENDERS.get(profile.gender, ()),
        "address": (whole,),
        "address_line1": (address.line,),
        "address_line2": (address.area or address.city,),
        "district": (address.district,),
        "state": (address.state,),
        "pin": (address.pin_code,),
    }
    return {name: [text for text in texts if text] for name, texts in made.items()}
