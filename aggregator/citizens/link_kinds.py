"""Which field of an agency's form names a record, what proves that it is one's own, and how many people may have it.

A document issued to one person belongs to one citizen; a connection, a property, a vehicle or a family's certificate
may be linked by everybody who proves it. An identifier of odd shape is no error here: the agency decides (protocols,
section 5). Aadhaar is never kept: its last four digits and a keyed reference stand for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.sdk.form import masked_aadhaar, normal, normalise


@dataclass(frozen=True, slots=True)
class LinkKind:
    """One kind of record. `rule` names its identifier in `aggregator.sdk.form`; empty: plain normalising."""

    name: str
    rule: str = ""
    exclusive: bool = False

    def normal(self, typed: str) -> str:
        """The identifier in the form in which it is compared."""
        return normal(self.rule, typed) if self.rule else normalise(typed)


KINDS: Mapping[str, LinkKind] = {
    "account": LinkKind("ELECTRICITY_ACCOUNT", "discom_account"),
    "consumer_id": LinkKind("ELECTRICITY_CONSUMER", "discom_legacy"),
    "consumer_code": LinkKind("WATER_CONNECTION"),
    "holding_no": LinkKind("HOLDING"),
    "vehicle_number": LinkKind("VEHICLE", "vehicle"),
    "licence_number": LinkKind("DRIVING_LICENCE", "driving_licence", exclusive=True),
    "file_no": LinkKind("PASSPORT_FILE", "passport_file", exclusive=True),
    "registration_no": LinkKind("CIVIL_REGISTRATION"),
    "pan": LinkKind("PAN", "pan", exclusive=True),
    "epic": LinkKind("VOTER_ID", "epic", exclusive=True),
    "aadhaar": LinkKind("AADHAAR", "aadhaar", exclusive=True),
}
"""By the name of the form's field. A form without any of these names no record that could be linked."""

FACTORS = frozenset({
    "mobile", "date_of_birth", "date_of_death", "chassis_last5", "chassis_number", "engine_number",
})  # fmt: skip
"""Fields whose knowledge, together with the identifier, the agency takes for proof."""
AADHAAR = "aadhaar"


def kind_of(fields: Mapping[str, object]) -> tuple[str, LinkKind] | None:
    """The field that names the record, and its kind; None where no field does."""
    return next(((name, kind) for name, kind in KINDS.items() if fields.get(name)), None)


def proves(form: Mapping[str, object], field: str) -> bool:
    """Whether the form holds a factor besides the identifier: who knows a number plate does not own the car."""
    return any(form.get(name) for name in FACTORS - {field})


def masked(field: str, identifier: str) -> str:
    """What of an identifier is shown again: its last four signs."""
    if field == AADHAAR:
        return masked_aadhaar(identifier)
    plain = normalise(identifier)
    return "*" * max(0, len(plain) - 4) + plain[-4:]


def kept(form: Mapping[str, object]) -> dict[str, object]:
    """What of a form may be stored: an Aadhaar number never, only its last four digits."""
    return {name: masked_aadhaar(str(value)) if name == AADHAAR else value for name, value in form.items()}
