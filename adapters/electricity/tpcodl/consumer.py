"""A consumer id is a division, S or I, and an account; what cannot be one is refused before anything is sent.

The utility's own app turns `1`, `l` and `i` in the fourth place into `I`, which is what people mean, and anything
else into `S`, which asks about somebody else: the first is done here, the second refused.
Source: the electricity protocol, section 5.
"""

import unicodedata

from aggregator.sdk.errors import Refused
from aggregator.sdk.form import fits
from aggregator.sdk.model import Order

_FOURTH = {"1": "I", "l": "I", "i": "I", "I": "I", "s": "S", "S": "S"}
_NEW_LENGTHS = (11, 12)
"""Digits of a consumer id and of an account on the new bills, which this portal does not know."""


def consumer_id(order: Order) -> str:
    """The id as the portal takes it: `900S00001`. Raises Refused with what is wrong with it."""
    typed = unicodedata.normalize("NFKC", str(order.form.get("consumer_id", "")))
    plain = "".join(sign for sign in typed if sign.isalnum())
    if plain.isdecimal() and len(plain) in _NEW_LENGTHS:
        # Its fourth digit may be a 1: read as an I it would be another consumer's id.
        raise _refused("this is the number of a new bill; the old one has S or I in the fourth place")
    fourth = _FOURTH.get(plain[3:4])
    if fourth is None:
        raise _refused("the fourth character must be S or I")
    whole = (plain[:3] + fourth + plain[4:]).upper()
    if not fits("discom_legacy", whole):
        raise _refused("three digits, S or I, then up to eight characters")
    return whole


def division(whole: str) -> tuple[str, str]:
    """The division's code and the account in it: `900` and `S00001`."""
    return whole[:3], whole[3:]


def _refused(why: str) -> Refused:
    return Refused("consumer_id", "number_invalid", fields={"consumer_id": why})
