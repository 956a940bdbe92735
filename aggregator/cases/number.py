"""The tracking number: 16 digits shown 4-4-4-4, fifteen of them chance, the last a Verhoeff check digit.

Chance and not sequence, because the number alone lets its holder see a status; the check digit tells a slip of
the fingers from an unknown number without asking the store. Never 12 digits (Aadhaar) nor 14 (citizen number).
"""

from enum import StrEnum

from aggregator.sdk.clock import Chance, random_digits
from aggregator.sdk.form import check_digit, valid_number

LENGTH = 16


class Slip(StrEnum):
    """Why a text cannot be one of our tracking numbers."""

    LENGTH = "length"
    DIGITS = "digits"
    CHECK_DIGIT = "check_digit"


def mint(chance: Chance) -> str:
    """A new tracking number, 16 digits without hyphens. The store's unique index decides about collisions."""
    digits = random_digits(LENGTH - 1, chance)
    return digits + check_digit(digits)


def shown(number: str) -> str:
    """The form people see and say: `4071-9936-2185-0345`."""
    return "-".join(number[at : at + 4] for at in range(0, LENGTH, 4))


def read(typed: str) -> str | Slip:
    """The 16 digits in what a citizen typed (blanks and hyphens ignored), or what is wrong with it."""
    digits = "".join(char for char in typed if char not in " -\u2010\u2011\u2013\u00a0")
    if not (digits.isascii() and digits.isdigit()):
        return Slip.DIGITS
    if len(digits) != LENGTH:
        return Slip.LENGTH
    return digits if valid_number(digits) else Slip.CHECK_DIGIT
