"""What people browse by: categories, life events, places and days, on the wire."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from aggregator.api.catalogue_shapes import FactSource, Named, Period
from aggregator.api.service_shapes import FeeLine
from aggregator.api.shapes import Asked, Given
from aggregator.api.words import (
    AgencyWords,
    Cursor,
    Day,
    Flag,
    Limit,
    Sentence,
    ServiceId,
    Title,
    WebAddress,
    Word,
    many,
    open_words,
    text,
    whole,
)

_COUNT = Annotated[int, whole("How many services have it.", 25)]
_WARD = Annotated[str, text("A ward of the corporation, two digits.", "07", most=2, pattern="^[0-9]{2}$")]
_VERIFIED = Annotated[str, open_words("Whether somebody checked it at its source.", "YES", "PARTLY", "NO")]


class Shelf(Given, frozen=True, kw_only=True):
    """A category, life event, department or audience, and how much it holds."""

    id: Word
    title: Title
    services: _COUNT


class ShelfList(Given, frozen=True, kw_only=True):
    """All of one kind, those with services first."""

    items: Annotated[tuple[Shelf, ...], many("Words people browse by.", 500)]


class ComplaintType(Given, frozen=True, kw_only=True):
    """One thing people can complain of."""

    id: ServiceId
    title: Title
    group: Named | UnsetType = UNSET
    department: Named | UnsetType = UNSET
    offered_as: Annotated[tuple[ServiceId, ...], many("Services a case of it is opened with.", 30)] = ()
    anything_else: Flag
    """The type of its group for what no other type fits."""


class ComplaintTypeList(Given, frozen=True, kw_only=True):
    """A page of complaint types."""

    items: Annotated[tuple[ComplaintType, ...], many("Complaint types.", 200)]
    next: WebAddress | UnsetType = UNSET


class ComplaintTypesQuery(Asked, frozen=True, kw_only=True):
    """Which complaint types."""

    group: Word | UnsetType = UNSET
    department: Word | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = 50


_DEGREES = "^-?[0-9]{1,3}[.][0-9]{1,6}$"


class Position(Given, frozen=True, kw_only=True):
    """A place on earth, WGS 84. Degrees are text: no float is on this wire, and none is rounded on the way."""

    latitude: Annotated[str, text("Degrees north.", "20.2961", most=12, pattern=_DEGREES)]
    longitude: Annotated[str, text("Degrees east.", "85.8245", most=12, pattern=_DEGREES)]
    accuracy_m: Annotated[int, whole("How far off it may be, in metres.", 500)]


class OfficeLine(Given, frozen=True, kw_only=True):
    """A place to go to."""

    id: Word
    title: Title
    organisation: Named
    address: AgencyWords | UnsetType = UNSET
    position: Position | UnsetType = UNSET
    distance_m: Annotated[int, whole("Metres from the asked place, as the crow flies.", 1200)] | UnsetType = UNSET
    whole_city: Flag
    wards: Annotated[tuple[_WARD, ...], many("Wards it serves, where not the whole city.", 100)] = ()
    verified: _VERIFIED


class OfficeList(Given, frozen=True, kw_only=True):
    """Offices, the nearest first when a place was asked for."""

    items: Annotated[tuple[OfficeLine, ...], many("Offices.", 200)]


class OfficesQuery(Asked, frozen=True, kw_only=True):
    """Which offices."""

    near: (
        Annotated[
            str,
            text(
                "Latitude and longitude, at most four decimals: nobody's door.", "20.2961,85.8245", most=20,
                pattern="^-?[0-9]{1,2}([.][0-9]{1,4})?,-?[0-9]{1,3}([.][0-9]{1,4})?$",
            ),
        ]
        | UnsetType
    ) = UNSET  # fmt: skip
    ward: _WARD | UnsetType = UNSET
    organisation: Word | UnsetType = UNSET
    service: ServiceId | UnsetType = UNSET
    limit: Limit = 50


class LocalityLine(Given, frozen=True, kw_only=True):
    """A named part of the planning area."""

    id: Word
    name: Title
    in_the_city: Flag


class PlaceList(Given, frozen=True, kw_only=True):
    """The city's parts."""

    wards: Annotated[tuple[_WARD, ...], many("Wards of the corporation.", 200)]
    localities: Annotated[tuple[LocalityLine, ...], many("Localities in and around the city.", 2000)]


class HolidayLine(Given, frozen=True, kw_only=True):
    """A day on which no statutory clock runs."""

    day: Day
    title: Title
    moon_dependent: Flag
    verified: _VERIFIED


class HolidayList(Given, frozen=True, kw_only=True):
    """Public holidays, in order."""

    items: Annotated[tuple[HolidayLine, ...], many("Holidays.", 400)]


class HolidaysQuery(Asked, frozen=True, kw_only=True):
    """Which holidays."""

    year: Annotated[int, whole("The year.", 2026, least=2000, most=2100)] | UnsetType = UNSET


class ActRuleLine(Given, frozen=True, kw_only=True):
    """A rule of the Act that holds for every service, in English as its source has it."""

    id: Word
    text: AgencyWords
    days: Annotated[int, whole("Days, where the rule has a number of them.", 30)] | UnsetType = UNSET
    most_days: Annotated[int, whole("The longest, for good cause.", 90)] | UnsetType = UNSET


class ActRuleList(Given, frozen=True, kw_only=True):
    """What holds for every service of the Act: appeals, penalties, what stops the clock."""

    items: Annotated[tuple[ActRuleLine, ...], many("Rules.", 100)]


class NeedLine(Given, frozen=True, kw_only=True):
    """One thing to bring."""

    id: Word
    title: Title


class Needs(Given, frozen=True, kw_only=True):
    """What you will need: everything to have ready before beginning."""

    service_id: ServiceId
    title: Title
    documents: Annotated[tuple[Title, ...], many("To bring.", 100)]
    document_ids: Annotated[tuple[Word, ...], many("The same, as words of the vocabulary.", 100)] = ()
    fees: Annotated[tuple[FeeLine, ...], many("To pay.", 50)]
    fee_rules: Annotated[tuple[Sentence, ...], many("To pay, where that is no number.", 50)] = ()
    questions: Annotated[tuple[Title, ...], many("To know, for the form.", 200)]
    channels: Annotated[tuple[Named, ...], many("Where to ask for it.", 30)] = ()
    time_limit: Period | UnsetType = UNSET
    sources: Annotated[tuple[FactSource, ...], many("Where this was read.", 100)] = ()


class EligibilityAnswer(Given, frozen=True, kw_only=True):
    """One possible answer."""

    id: Word
    title: Title


class EligibilityQuestion(Given, frozen=True, kw_only=True):
    """A question; without answers to choose from it takes a whole number."""

    id: Word
    title: Title
    answers: Annotated[tuple[EligibilityAnswer, ...], many("To choose one from.", 50)] = ()
    least: Annotated[int, whole("The smallest number.", 0)] | UnsetType = UNSET
    most: Annotated[int, whole("The largest number.", 130)] | UnsetType = UNSET


class Eligibility(Given, frozen=True, kw_only=True):
    """Whether this can be had, as far as we know the rules; only the agency decides."""

    service_id: ServiceId
    outcome: Annotated[
        str,
        open_words("What the answers come to.", "ELIGIBLE", "NOT_ELIGIBLE", "MORE_NEEDED", "NO_RULES"),
    ]
    explanation: Sentence
    because: Annotated[tuple[Sentence, ...], many("The rules the answers break.", 50)] = ()
    questions: Annotated[tuple[EligibilityQuestion, ...], many("Still to be asked, in order.", 50)] = ()


class EligibilityAsked(Asked, frozen=True, kw_only=True):
    """Answers by question. Nothing of them is stored."""

    answers: Annotated[
        dict[
            Word, Annotated[str, text("The chosen answer.", "indian", most=60)] | Annotated[int, whole("A number.", 17)]
        ],
        Meta(description="What was answered, by question.", examples=[{"age_years": 17}], max_length=50),
    ]
