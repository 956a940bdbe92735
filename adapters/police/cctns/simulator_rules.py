"""What the simulated police check in an ApplicantXml before anything is registered.

Source: the police protocol, sections 3 and 4.
"""

import re
from dataclasses import dataclass

from lxml import etree

from adapters.police.cctns.simulator_door import tree
from adapters.police.cctns.simulator_life import SERVICES, STATIONS

_DAY = r"\d{2}/\d{2}/\d{4}"
_MINUTE = _DAY + r" \d{2}:\d{2}"
_COMMON = {
    "ApplicantName": r".+",
    "FatherName": r".+",
    "Gender": r"[MFT]",
    "DOB": _DAY,
    "Mobile": r"\d{10}",
    "Address/Line1": r".+",
    "Address/PoliceStationCode": r"\d{4}",
    "Address/DistrictCode": r"\d{2}",
    "Address/Pin": r"[1-9]\d{5}",
    "IdType": r".+",
    "IdLast4": r"\w{4}",
}
_GATHERING = {"From": _MINUTE, "To": _MINUTE, "ExpectedPersons": r"\d+", "Organiser": r".+"}
_SPECIAL = {
    "EMV": {"Subject/Name": r".+"},
    "DHV": {"Subject/Name": r".+"},
    "TNV": {"Tenant/Name": r".+", "Premises": r".+"},
    "CHC": {"Purpose": r".+"},
    "CMP": {"IncidentAt": _MINUTE, "IncidentPlace": r".+", "Text": r".{1,4000}", "AccusedKnown": r"[YN]"},
    "FIR": {"FirNo": r"\d+", "FirYear": r"(?:19|20)\d{2}", "PoliceStationCode": r"\d{4}"},
    "LPR": {"Article": r".+", "LostAt": _MINUTE, "LostPlace": r".+"},
    "PRC": _GATHERING,
    "PRT": _GATHERING,
    "EVT": _GATHERING,
}
_PLACED = frozenset({"PRC", "PRT", "EVT"})


@dataclass(frozen=True, slots=True)
class Application:
    """`refusal` is empty for one that is taken; `misshapen` earns a Fault instead of a code."""

    mobile: str = ""
    station: str = ""
    refusal: str = ""
    missing: str = ""
    misshapen: bool = False


def mobile_in(text: str) -> str:
    """The applicant's mobile, if the text can be read at all: it chooses the fault."""
    root = tree(text.encode())
    return "" if root is None else (root.findtext("Mobile") or "").strip()


def application(service: str, text: str) -> Application:
    """What is to be said of a submission."""
    if SERVICES.get(service, ("", "", "", "N"))[3] != "Y":
        return Application(refusal="11")
    root = tree(text.encode())
    if root is None or root.tag != "ServiceRequest" or root.get("service") != service:
        return Application(misshapen=True)
    missing = _missing(service, root)
    if missing:
        return Application(refusal="12", missing=missing)
    mobile, station = _text(root, "Mobile"), _text(root, "Address/PoliceStationCode")
    if station not in STATIONS or not station.startswith(_text(root, "Address/DistrictCode")):
        return Application(mobile, station, refusal="14")
    if service == "FIR" and _text(root, "FirNo").endswith("16"):
        return Application(mobile, station, refusal="16")
    return Application(mobile, station)


def _missing(service: str, root: etree._Element) -> str:
    """The name of the first field that is missing or misshapen."""
    for path, pattern in (_COMMON | _SPECIAL.get(service, {})).items():
        if not re.fullmatch(pattern, _text(root, path), re.DOTALL):
            return path.rpartition("/")[2]
    if service in _PLACED and not (_text(root, "Route") or _text(root, "Venue")):
        return "Venue"
    return ""


def _text(root: etree._Element, path: str) -> str:
    return (root.findtext(path) or "").strip()
