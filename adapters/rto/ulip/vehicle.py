"""A vehicle record as camelCase JSON (VAHAN/04) or as the register's own XML in a string (VAHAN/01): one reading.

What came decides, not what was asked for: the gateway has answered the one dataset in the shape of the other.
"""

import re
from collections.abc import Mapping

from adapters.rto import Told, proves_ownership, vehicle_facts
from adapters.rto.ulip.gateway import Item
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.form import normalise
from aggregator.sdk.model import Absent, Facts, Order
from aggregator.sdk.reading import value_of
from aggregator.sdk.xml import parse

NOT_FOUND = "231"


def read_vehicle(item: Item, plate: str, order: Order) -> Facts | Absent:
    """What this caller may know of the vehicle, or that there is none.

    Raises ContractBroken for a record that is not of `plate`, Unavailable when the register behind is away.
    """
    if item.record is None:
        if item.code == NOT_FOUND:
            return Absent(NOT_FOUND)
        raise item.error()
    told = _told(item.record)
    word = " ".join(told("stautsMessage").split()).casefold()  # sic
    if word not in {"", "ok"}:
        raise ContractBroken("the record says of itself that it is none")
    number = told("rc_regn_no")
    if not number:
        raise ContractBroken("the record has no registration number")
    if normalise(number) != plate:
        raise ContractBroken("the record is another vehicle's")
    return vehicle_facts(told, owner=proves_ownership(told, order))


def _told(record: object) -> Told:
    if isinstance(record, str):
        root = parse(record, root="VehicleDetails")
        return lambda name: str(value_of(root, name, ""))
    if isinstance(record, Mapping):
        return lambda name: str(value_of(record, camel(name), ""))
    raise ContractBroken("the record is neither an object nor XML")


def camel(name: str) -> str:
    """`rc_regn_no` as VAHAN/04 spells it: `rcRegnNo`."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)
