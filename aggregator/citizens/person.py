"""What a citizen tells about himself, and the one form in which telephone numbers and e-mail addresses are compared.

Everything here is personal data: it exists sealed in the store, open in the memory of one request, and nowhere else.
"""

import re
import unicodedata
from datetime import date, datetime
from enum import StrEnum

import phonenumbers
from msgspec import Struct

REGION = "IN"
OLDEST_YEARS = 130
_TYPED = re.compile(r"\+?[0-9 ().\-\u2010-\u2015\u00a0]{6,24}")
_EMAIL = re.compile(r"[^\s@<>\"',;:\\()\[\]]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,188}[A-Za-z0-9])?\.[A-Za-z]{2,24}")
_USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{2,38})[a-z0-9]")
_MOBILE = {
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    phonenumbers.PhoneNumberType.UNKNOWN,
}


class Residency(StrEnum):
    """The class of a citizen, as agencies ask for it."""

    NATIONAL = "NATIONAL"
    OVERSEAS = "OVERSEAS"
    FOREIGNER = "FOREIGNER"


class State(StrEnum):
    """PENDING until the profile is complete; MERGED into another record of the same person."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    MERGED = "MERGED"
    ERASED = "ERASED"


class Address(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the citizen lives. `area` is the administrative area: a ward, a gram panchayat, a block."""

    line: str = ""
    area: str = ""
    city: str = ""
    district: str = ""
    state: str = ""
    pin_code: str = ""
    country: str = ""


class Profile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`mobile` is E.164; `email` is lower case and counts once its code was given; `date_of_birth` is ISO."""

    name: str = ""
    date_of_birth: str = ""
    gender: str = ""
    residency: str = ""
    mobile: str = ""
    email: str = ""
    username: str = ""
    language: str = ""
    address: Address | None = None


NEEDED = ("name", "date_of_birth", "gender", "residency", "mobile", "address")
"""What makes a registration complete."""


class Person(Struct, frozen=True, kw_only=True):
    """A citizen, opened. `id` is the internal one. `number` is the citizen number, 14 digits."""

    id: str
    number: str
    profile: Profile
    state: State
    version: int
    portal_id: str
    has_password: bool
    hold_until: datetime | None
    created_at: datetime
    updated_at: datetime

    def missing(self) -> list[str]:
        """The fields a complete registration still lacks."""
        return lacking(self.profile)

    def held(self, now: datetime) -> bool:
        """Whether sensitive actions wait: the number they would be confirmed with is new."""
        return self.hold_until is not None and now < self.hold_until


def lacking(profile: Profile) -> list[str]:
    """The needed fields that are empty."""
    return [name for name in NEEDED if not getattr(profile, name)]


def mobile_of(typed: str) -> str | None:
    """The number in E.164; one without a country code is Indian. None for anything that is no mobile number."""
    plain = unicodedata.normalize("NFKC", typed).strip()
    if not _TYPED.fullmatch(plain):
        return None
    try:
        number = phonenumbers.parse(plain, REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in _MOBILE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email_of(typed: str) -> str | None:
    """The address in lower case; None for anything that is no e-mail address."""
    plain = unicodedata.normalize("NFKC", typed).strip().lower()
    return plain if len(plain) <= 200 and _EMAIL.fullmatch(plain) else None


def username_of(typed: str) -> str | None:
    """The user name in lower case: 4 to 40 of a-z, 0-9, dot, hyphen, underscore, never digits alone.

    Digits alone are refused because people would take an identifier for it, and identifiers are no secrets.
    """
    plain = unicodedata.normalize("NFKC", typed).strip().lower()
    return plain if _USERNAME.fullmatch(plain) and not plain.isdigit() else None


def name_of(typed: str) -> str | None:
    """The name, NFC, single blanks; None for one without a letter."""
    plain = " ".join(unicodedata.normalize("NFC", typed).split())
    return plain if 1 <= len(plain) <= 200 and any(char.isalpha() for char in plain) else None


def born_of(typed: str, today: date) -> str | None:
    """The date in ISO; None for one that is no date, in the future, or longer ago than people live."""
    try:
        born = date.fromisoformat(typed)
    except ValueError:
        return None
    return born.isoformat() if born <= today and today.year - born.year <= OLDEST_YEARS else None


def masked(address: str) -> str:
    """A number or e-mail address as it may be shown to whoever knows it already: `+91******0042`, `a***@b.example`."""
    name, at, host = address.partition("@")
    if at:
        return f"{name[:1]}***@{host}"
    return address[:3] + "*" * max(0, len(address) - 7) + address[-4:]
