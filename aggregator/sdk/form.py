"""Identifiers are checked for shape only, and never turned away where the agency might take them.

Normalised first (NFKC, upper case, without blanks, hyphens, slashes and invisible characters); what the citizen
typed is kept beside it by the caller. Leading zeros are part of plates and file numbers.
Source: the shared rules of the protocols, section 5.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from stdnum import luhn, verhoeff
from stdnum.in_ import aadhaar, epic, gstin, pan
from stdnum.pk import cnic

_DROPPED = re.compile(r"[\s\-/\u00ad\u200b-\u200f\u2010-\u2015\u2060\ufeff]+")
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def normalise(text: str) -> str:
    """The form identifiers are compared and sent in."""
    plain = _DROPPED.sub("", unicodedata.normalize("NFKC", text)).upper()
    return unicodedata.normalize("NFKC", plain)  # what was dropped may have kept two signs apart


@dataclass(frozen=True, slots=True)
class Identifier:
    """One kind of number. `pattern` holds after normalising; `agrees` is its check digit or other inner rule."""

    pattern: re.Pattern[str]
    agrees: Callable[[str], bool] = lambda _text: True
    prefix: re.Pattern[str] | None = None
    keeps_marks: bool = False
    """Hyphens and slashes belong to it."""

    def normal(self, text: str) -> str:
        """The text in the form of this identifier, valid or not."""
        plain = unicodedata.normalize("NFKC", text).strip().upper() if self.keeps_marks else normalise(text)
        return self.prefix.sub("", plain) if self.prefix else plain

    def fits(self, text: str) -> bool:
        """Whether the text, normalised, has this shape and its check digit agrees."""
        plain = self.normal(text)
        return plain.isascii() and bool(self.pattern.fullmatch(plain)) and self.agrees(plain)


def s10_check_digit(digits: str) -> str:
    """The check digit of a postal item's eight digits. Source: UPU S10."""
    total = sum(weight * int(digit) for weight, digit in zip(_S10_WEIGHTS, digits, strict=True))
    return {10: "0", 11: "5"}.get(11 - total % 11, str(11 - total % 11))


def check_digit(digits: str) -> str:
    """The Verhoeff check digit that completes our tracking and citizen numbers."""
    return str(verhoeff.calc_check_digit(digits))


def valid_number(number: str, length: int | None = None) -> bool:
    """Whether a number of ours, with or without blanks and hyphens, has its check digit (and this length)."""
    plain = normalise(number)
    if not (plain.isascii() and plain.isdigit()) or (length is not None and len(plain) != length):
        return False
    return bool(verhoeff.is_valid(plain))


def _epic_agrees(text: str) -> bool:
    return bool(epic.is_valid(text)) and bool(luhn.is_valid(text[3:]))


def _s10_agrees(text: str) -> bool:
    return s10_check_digit(text[2:10]) == text[10]


def _shape(
    pattern: str, agrees: Callable[[str], bool] | None = None, *, prefix: str = "", keeps_marks: bool = False
) -> Identifier:
    rule = agrees or (lambda _text: True)
    return Identifier(re.compile(pattern), rule, re.compile(prefix) if prefix else None, keeps_marks)


IDENTIFIERS = {
    "mobile": _shape(r"[6-9]\d{9}", prefix=r"^(?:\+91|91|0)(?=[6-9]\d{9}$)"),
    "aadhaar": _shape(r"[2-9]\d{11}", aadhaar.is_valid),
    "pan": _shape(r"[A-Z]{3}[ABCFGHJKLPT][A-Z]\d{4}[A-Z]", pan.is_valid),
    "epic": _shape(r"[A-Z]{3}\d{7}", _epic_agrees),
    "gstin": _shape(r"\w{15}", gstin.is_valid),
    "pin_code": _shape(r"[1-9]\d{5}"),
    "vehicle": _shape(r"[A-Z]{2}\d{1,2}[A-Z]{0,3}\d{1,4}"),
    "vehicle_bh": _shape(r"\d{2}BH\d{4}[A-Z]{1,2}"),
    "driving_licence": _shape(r"[A-Z]{2}\d{2,3}(?:19|20)\d{2}\d{7}"),
    "passport_file": _shape(r"[A-Z]{2,4}\d{11,13}", lambda text: len(text) == 15),
    "passport_arn": _shape(r"\d{2}-\d{10}", keeps_marks=True),
    "passport": _shape(r"[A-Z]\d{7}"),
    "postal_item": _shape(r"[A-Z]{2}\d{9}[A-Z]{2}", _s10_agrees),
    "bbps_ref": _shape(r"[A-Z0-9]{35}"),
    "bbps_biller": _shape(r"[A-Z0-9]{14}"),
    "bbps_txn": _shape(r"[A-Z0-9]{20}"),
    "bbps_agent": _shape(r"[A-Z0-9]{20}"),
    "discom_account": _shape(r"\d{12}"),
    "discom_legacy": _shape(r"\d{3}[SI]\w{1,8}"),
    "police_request": _shape(r"OP\d{2}[A-Z]{3}\d{7}"),
    "rto_application": _shape(r"[A-Z]{2}\d{2}A\d{10}"),
    "digit_request": _shape(r"[A-Z]{2}-[A-Z]+-\d{4}-\d{2}-\d{2}-\d{6}", keeps_marks=True),
    "cnic": _shape(r"\d{13}", cnic.is_valid),
}
"""By kind. A driver's form names the kind; the citizen's form shows a warning, not an error, for an odd shape."""


def fits(kind: str, text: str) -> bool:
    """Whether `text` is a number of this kind. Raises KeyError for a kind that is none."""
    return IDENTIFIERS[kind].fits(text)


def normal(kind: str, text: str) -> str:
    """`text` in the form in which numbers of this kind are compared and sent."""
    return IDENTIFIERS[kind].normal(text)


def is_vehicle(text: str) -> bool:
    """A plate of either series."""
    return fits("vehicle", text) or fits("vehicle_bh", text)


def masked_aadhaar(text: str) -> str:
    """`XXXXXXXX0016`: all of it that may be stored or shown."""
    return "XXXXXXXX" + normalise(text)[-4:]


def masked_mobile(text: str) -> str:
    """`******1234`: what may be shown of a mobile number on record, however much of it an agency shows; "" for none."""
    last = normalise(text)[-4:]
    return "*" * 6 + last if len(last) == 4 and last.isdigit() else ""
