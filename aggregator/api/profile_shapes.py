"""What a citizen says about himself, on the wire: to register, to look at, to change."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from aggregator.api.session_shapes import Device, Email, Mobile, Password, SessionId, Username
from aggregator.api.shapes import Asked, Given
from aggregator.api.words import CitizenId, Cursor, Day, Flag, Limit, Sentence, WebAddress, When, many, open_words, text

PersonName = Annotated[str, text("The name as on papers, in any script.", "Asha Das", most=200)]
GenderWord = Annotated[str, open_words("Gender.", "FEMALE", "MALE", "OTHER", "UNDISCLOSED")]
ResidencyWord = Annotated[
    str, open_words("The class of citizen, as agencies ask for it.", "NATIONAL", "OVERSEAS", "FOREIGNER")
]
CitizenStateWord = Annotated[
    str, open_words("PENDING until everything needed is there, then ACTIVE.", "PENDING", "ACTIVE")
]
CitizenNumber = Annotated[
    str,
    text(
        "The citizen number: the citizen's own, for counters and telephones. Portals do not keep it.",
        "40-7199-3621-8503",
        most=17,
        pattern="^[0-9]{2}(-[0-9]{4}){3}$",
    ),
]
LanguageWord = Annotated[str, text("en, or, hi.", "or", most=2, pattern="^[a-z]{2}$")]


AddressLine = Annotated[str, text("House, street, locality.", "Plot 12, Saheed Nagar", most=300)]
Area = Annotated[str, text("The administrative area: ward, gram panchayat, block.", "BMC Ward 27", most=100)]
Town = Annotated[str, text("Town or village.", "Bhubaneswar", most=100)]
District = Annotated[str, text("District.", "Khordha", most=100)]
StateName = Annotated[str, text("State.", "Odisha", most=100)]
Pin = Annotated[str, text("PIN code, or a foreign postal code.", "751007", most=12, pattern="^[A-Za-z0-9 -]{3,12}$")]
Country = Annotated[str, text("Country, two letters (ISO 3166).", "IN", most=2, pattern="^[A-Z]{2}$")]


class AddressAsked(Asked, frozen=True, kw_only=True):
    """An address with its administrative area."""

    line: AddressLine
    area: Area
    city: Town
    district: District | UnsetType = UNSET
    state: StateName | UnsetType = UNSET
    pin_code: Pin
    country: Country = "IN"


class AddressGiven(Given, frozen=True, kw_only=True):
    """An address as it was given."""

    line: AddressLine | UnsetType = UNSET
    area: Area | UnsetType = UNSET
    city: Town | UnsetType = UNSET
    district: District | UnsetType = UNSET
    state: StateName | UnsetType = UNSET
    pin_code: Pin | UnsetType = UNSET
    country: Country | UnsetType = UNSET


class ProfileAsked(Asked, frozen=True, kw_only=True):
    """What can be said about oneself without a code."""

    name: PersonName | UnsetType = UNSET
    date_of_birth: Day | UnsetType = UNSET
    gender: GenderWord | UnsetType = UNSET
    residency: ResidencyWord | UnsetType = UNSET
    address: AddressAsked | UnsetType = UNSET
    language: LanguageWord | UnsetType = UNSET


class RegistrationAsked(ProfileAsked, frozen=True, kw_only=True):
    """A registration with everything at once: at a counter, or from a form."""

    mobile: Mobile
    device: Device
    client_address: (
        Annotated[
            str,
            text("The address the citizen's device has.", "203.0.113.7", most=45, pattern="^[0-9a-fA-F.:]*$"),
        ]
        | UnsetType
    ) = UNSET


class ProfileChange(ProfileAsked, frozen=True, kw_only=True):
    """What shall be different. Sensitive changes name the sessions whose codes were given for them."""

    mobile: Mobile | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    username: Username | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    confirmations: Annotated[tuple[SessionId, ...], many("Sessions of CONFIRM, NEW_MOBILE, NEW_EMAIL.", 3)] = ()


class CitizenGiven(Given, frozen=True, kw_only=True):
    """A citizen's own record."""

    citizen_id: CitizenId
    number: CitizenNumber
    state: CitizenStateWord
    missing: Annotated[tuple[Annotated[str, text("A field.", "address", most=40)], ...], many("What is lacking.", 20)]
    name: PersonName | UnsetType = UNSET
    date_of_birth: Day | UnsetType = UNSET
    gender: GenderWord | UnsetType = UNSET
    residency: ResidencyWord | UnsetType = UNSET
    mobile: Annotated[str, text("The mobile number.", "+919000000042", most=20)] | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    username: Username | UnsetType = UNSET
    has_password: Flag
    address: AddressGiven | UnsetType = UNSET
    language: LanguageWord | UnsetType = UNSET
    hold_until: When | UnsetType = UNSET
    created_at: When
    updated_at: When
    explanation: Sentence


class CitizenLine(Given, frozen=True, kw_only=True):
    """A citizen this portal registered: that there is one, and nothing of what he says."""

    citizen_id: CitizenId
    state: CitizenStateWord
    registered_at: When


class CitizenList(Given, frozen=True, kw_only=True):
    """Citizens this portal registered, oldest first."""

    items: Annotated[tuple[CitizenLine, ...], many("One page.", 200)]
    next: WebAddress | UnsetType = UNSET


class CitizensQuery(Asked, frozen=True, kw_only=True):
    """Which page."""

    cursor: Cursor | UnsetType = UNSET
    limit: Limit = 50


class ChangeLine(Given, frozen=True, kw_only=True):
    """One change of the record: which fields, never to what."""

    at: When
    what: Annotated[str, open_words("What happened.", "REGISTERED", "CHANGED", "MERGED", "UNMERGED")]
    fields: Annotated[tuple[Annotated[str, text("A field.", "address", most=40)], ...], many("What changed.", 20)]
    explanation: Sentence


class ChangeList(Given, frozen=True, kw_only=True):
    """The record's history, newest first."""

    items: Annotated[tuple[ChangeLine, ...], many("All of it.", 200)]
