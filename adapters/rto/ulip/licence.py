"""A driving licence: the miss comes as a success with an error inside, and the status ends in a full stop.

Number and date of birth are asked together, so whoever is answered knew both. The register compares them; a wrong
date of birth and an unknown number are one answer there, and stay one here.
"""

from collections.abc import Mapping
from typing import Any

from adapters.rto.ulip.gateway import Item
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.form import normalise
from aggregator.sdk.model import Absent, Facts
from aggregator.sdk.reading import clean, day, need, need_rows, value_of

_DAY = "dd-MM-yyyy"
_MISS = "-1"
_NOT_FOUND = "details not found"


def read_licence(item: Item, number: str) -> Facts | Absent:
    """The licence, or that there is none with this number and date of birth.

    Raises ContractBroken for a licence that is not `number`, Unavailable when the register behind is away.
    """
    if item.record is None:
        raise item.error()
    if not isinstance(item.record, Mapping):
        raise ContractBroken("the licence is no object")
    if "errorcode" in item.record:
        return _missed(item.record)
    licence = need(item.record, "DLinformation")
    if normalise(str(need(licence, "DL_Number"))) != number:
        raise ContractBroken("the licence is another one")
    values = {
        "licence_number": clean(licence["DL_Number"]),
        "holder_name": clean(value_of(licence, "DL_Holder_FullName", "")),
        "licence_status": clean(value_of(licence, "DL_status", "")),  # a fact of the licence, shown as it is
        "non_transport_valid_until": _iso(value_of(licence, "NonTransportValidityTodate")),
        "transport_valid_until": _iso(value_of(licence, "TransportValidityTodate")),
        "vehicle_classes": _classes(licence),
    }
    shown = {key: value for key, value in values.items() if value}
    return Facts(shown, masked=frozenset(key for key, value in shown.items() if "*" in value))


def _missed(record: Mapping[str, Any]) -> Absent:
    code, text = str(record["errorcode"]), str(value_of(record, "errormessage", ""))
    if code == _MISS and " ".join(text.split()).casefold().startswith(_NOT_FOUND):
        return Absent(code)
    raise ContractBroken("the licence register refuses with an unlisted code")


def _classes(licence: Mapping[str, Any]) -> str:
    rows = [] if value_of(licence, "Classofcovs") is None else need_rows(licence, "Classofcovs")
    return ", ".join(filter(None, (clean(value_of(row, "CovDiscription", "")) for row in rows)))  # sic


def _iso(text: Any) -> str:
    on = day(text, _DAY)
    return on.isoformat() if on else ""
