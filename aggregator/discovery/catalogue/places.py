"""Places to go to, days that do not count, and the rules that hold for every service."""

from dataclasses import dataclass
from datetime import date

from aggregator.registry.agency import Words


@dataclass(frozen=True, slots=True)
class Office:
    """A place to go to. Latitude and longitude are WGS 84; `accuracy_m` says how far off they may be."""

    id: str
    title: Words
    organisation: str
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: int = 0
    wards: tuple[str, ...] = ()
    """Wards it serves; empty: the whole city."""
    source: str = ""
    verified: str = "no"
    unverified: tuple[str, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Locality:
    """A named part of the planning area. `city`: inside the municipal corporation."""

    id: str
    name: str
    city: bool
    place: str = ""


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day on which the statutory clock stands still."""

    day: date
    titles: Words
    source: str = ""
    verified: str = "no"
    moon_dependent: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True)
class ActRule:
    """A rule of the Act that holds for every service: windows of appeal, penalties, what stops the clock."""

    id: str
    text: str
    source: str
    days: int | None = None
    most_days: int | None = None
    amount_paise: int | None = None
