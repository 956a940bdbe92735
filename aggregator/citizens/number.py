"""The citizen number: 14 digits for phone keypads, thirteen of them chance, the last a Verhoeff check digit.

It is the citizen's own name for himself at a counter or on the telephone; no system ever gets it as an id. Never 12
digits (Aadhaar) nor 16 (tracking number), so that the three cannot be mistaken for each other.
"""

from aggregator.sdk.clock import Chance, random_digits
from aggregator.sdk.form import check_digit, normalise, valid_number

LENGTH = 14


def mint(chance: Chance) -> str:
    """A new citizen number. The store's unique index decides about collisions."""
    digits = random_digits(LENGTH - 1, chance)
    return digits + check_digit(digits)


def shown(number: str) -> str:
    """The form people see and say: `40-7199-3621-8503`."""
    return "-".join((number[:2], number[2:6], number[6:10], number[10:]))


def read(typed: str) -> str | None:
    """The 14 digits in what was typed; None for anything that is no citizen number."""
    plain = normalise(typed)
    return plain if valid_number(plain, LENGTH) else None
