"""Which values of an order are a person's, and every spelling in which they may turn up where they must not.

A city name or a scheme is no secret; a name, a number or a birth date is. Fields are told by their names, because
the kit has no other way to know, and a field nobody foresaw is better named like its kind than forgotten here.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import quote_plus

from aggregator.sdk.model import Order

_OF_A_PERSON = re.compile(
    r"name|mobile|phone|email|address|birth|dob|account|consumer|vehicle|chassis|engine|licen[cs]e|aadhaar|pan$|"
    r"file_no|arn|father|mother|spouse|guardian|passport|text|description|remark",
    re.IGNORECASE,
)
_TOO_SHORT = 4
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def personal(order: Order) -> dict[str, str]:
    """The values of this order's form that belong to a person, by field."""
    return {name: value for name, value in _flat("", order.form) if _personal(name, value)}


def spellings(value: str) -> set[str]:
    """How agencies write this value: dates in their orders, with and without blanks, escaped for a URL."""
    found = {value, quote_plus(value), value.replace(" ", "")}
    if _DATE.fullmatch(value):
        day = date.fromisoformat(value)
        found |= {f"{day:%d/%m/%Y}", f"{day:%d-%m-%Y}", f"{day:%Y/%m/%d}", f"{day:%Y%m%d}"}
        found.add(f"{day.day:02d}-{_MONTHS[day.month - 1]}-{day.year}")
    return {each for each in found if len(each) >= _TOO_SHORT}


def left_in(text: str, order: Order) -> list[str]:
    """The fields of the order's form whose value stands in the text, in any spelling. Never the values."""
    return [
        name
        for name, value in personal(order).items()
        if any(re.search(rf"(?<!\w){re.escape(each)}(?!\w)", text, re.IGNORECASE) for each in spellings(value))
    ]


def _personal(name: str, value: str) -> bool:
    return len(value) >= _TOO_SHORT and bool(_OF_A_PERSON.search(name))


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else str(name), item)
    elif isinstance(value, list):
        for item in value:
            yield from _flat(prefix, item)
    elif isinstance(value, str):
        yield prefix, value
