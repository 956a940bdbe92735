"""What the simulated authority complains about in a form, field by field, before it looks at anything else."""

import re
from collections.abc import Mapping
from typing import Any

OPTIONS = {"Application_Status", "Diplomatic_Or_Official_Application_Status", "SC_Status", "RTI_Status"}
OPTIONS |= {"Appeal_Status", "Ordinary"}
_NUMBER = re.compile(r"[A-Z]{2,4}\d{11,13}")
_SHAPES = {
    "applDob": (r"\d{2}/\d{2}/\d{4}", "Date of Birth should be in DD/MM/YYYY format"),
    "arn": (r"\d{2}-\d{10}", "ARN is not valid"),
    "clientRef": (r"[A-Za-z0-9-]{1,40}", "Reference is not valid"),
    "text": (r"(?s).{1,500}", "Text should have 1 to 500 characters"),
    "date": (r"\d{2}/\d{2}/\d{4}", "Date should be in DD/MM/YYYY format"),
    "time": (r"\d{2}:\d{2}", "Time should be in HH:MM format"),
    "service": (r"FRESH|REISSUE", "Service is not known"),
    "scheme": (r"Normal|Tatkaal", "Scheme is not known"),
}
_NEEDED = {
    "submit": ("clientRef", "service", "scheme", "applDob", "applicant"),
    "pay": ("clientRef", "arn", "applDob", "amount", "bankRef"),
    "book": ("clientRef", "arn", "applDob", "psk", "date", "time"),
    "reschedule": ("clientRef", "arn", "applDob", "psk", "date", "time", "appointmentId"),
    "cancel": ("clientRef", "arn", "applDob", "appointmentId"),
    "remind": ("clientRef", "fileNo", "applDob", "text"),
    "slots": ("arn", "applDob", "from", "to"),
    "document": ("arn", "applDob"),
    "track": ("applDob", "optStatus"),
    "find": (),
}


def complaints(operation: str, asked: Mapping[str, Any]) -> dict[str, list[str]]:
    wrong = {name: ["This field is required"] for name in _NEEDED[operation] if not asked.get(name)}
    for name, (shape, text) in _SHAPES.items():
        if asked.get(name) and not re.fullmatch(shape, str(asked[name])):
            wrong[name] = [text]
    for name in ("fileNo", "refNo"):
        number = str(asked.get(name) or "")
        if number and (len(number) != 15 or not _NUMBER.fullmatch(number)):
            wrong[name] = ["File Number is not valid"]
    if operation == "track" and asked.get("optStatus") not in OPTIONS:
        wrong["optStatus"] = ["Option is not valid"]
    if operation == "submit" and isinstance(asked.get("applicant"), dict):
        wrong |= _person(asked["applicant"])
    return wrong


def _person(applicant: Mapping[str, Any]) -> dict[str, list[str]]:
    wrong = {name: ["This field is required"] for name in ("givenName", "mobile") if not applicant.get(name)}
    if applicant.get("gender") not in {"M", "F", "T"}:
        wrong["gender"] = ["Gender is not valid"]
    return wrong
