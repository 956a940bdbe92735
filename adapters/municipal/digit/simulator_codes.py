"""The simulated platform's codes: connections with a holder's number, one-time passwords, and log-ins with them.

The holder of `<any>/SIM/00FFFF` has the mobile number 900000FFFF, whose code is 123456 as often as it is tried; of any
other connection 900001 and its last four digits, whose code is by chance and in the inbox.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from adapters.municipal.digit.simulator_door import CLIENT, LOGIN, PASSWORD, Door, answer, errors
from adapters.municipal.digit.simulator_routes import Route
from aggregator.sdk.testing.codes import CodeBook
from aggregator.sdk.testing.pages import words_for
from aggregator.sdk.testing.simulator import Answer, Arrived, Call, Done, World, magic

OPERATIONS = frozenset({"send_code", "check_code"})
MAGIC_HOLDER = r"900000(\d{4})"
_WORDS = "{code} is the one-time password to log in to the municipal services. Do not tell anybody."


class Codes:
    """What a telephone is sent, and who is let in with it."""

    def __init__(self, world: World, door: Door) -> None:
        self._book = CodeBook(world)
        self._door = door

    def login(self, arrived: Arrived) -> Call | Answer | None:
        """A citizen's log-in as a call; None for anything else."""
        if arrived.path != LOGIN or b"userType=CITIZEN" not in arrived.body:
            return None
        expected = "Basic " + base64.b64encode(CLIENT.encode()).decode()
        if arrived.headers.get("authorization") != expected:
            return answer({"_status": 401, "error": "invalid_client", "error_description": "Bad client credentials"})
        asked = dict(parse_qsl(arrived.body.decode()))
        mobile = asked.get("username", "")
        chosen = magic(MAGIC_HOLDER, mobile)
        args: tuple[Any, ...] = (Route("check_code"), {}, asked)
        return Call(
            "check_code", write=True, our_ref=mobile, natural_key=mobile, magic=chosen, counted_by=mobile, args=args
        )

    def send(self, body: Mapping[str, Any]) -> Done:
        mobile = str(body["otp"]["mobileNumber"])
        self._book.send(mobile, mobile, _WORDS)
        return Done({"_status": 201, "isSuccessful": True}, acted=True, agency_ref=mobile)

    def check(self, asked: Mapping[str, str]) -> Done:
        mobile, typed = asked.get("username", ""), asked.get("password", "")
        said = self._book.check(mobile, typed)
        if said and not (magic(MAGIC_HOLDER, mobile) and typed == PASSWORD):
            return Done(_no("Account locked" if said == "blocked" else "Invalid login credentials"))
        return Done(self._door.citizen(mobile), acted=True, agency_ref=mobile)


def connection(number: str) -> dict[str, Any]:
    """The row of a water connection with its holder."""
    if not re.fullmatch(r"[A-Z]+/[A-Z0-9]+/\d{6}", number):
        return {"WaterConnection": []}
    mobile = ("900000" if "/SIM/" in number else "900001") + number[-4:]
    holder = {"name": f"Test Citizen {number[-4:]}", "mobileNumber": mobile}
    row = {"tenantId": "od.bhubaneswar", "connectionNo": number, "status": "Active", "connectionHolders": [holder]}
    return {"WaterConnection": [row], "TotalCount": 1}


def refusal(operation: str, fault: str) -> dict[str, Any] | None:
    """How a code is not sent, and not taken."""
    if operation == "check_code":
        said = {"101": "Invalid login credentials", "102": "Invalid login credentials", "106": "Account locked"}
        return _no("the moon is in the wrong house") if fault == "103" else _no(said[fault]) if fault in said else None
    if fault == "103":
        return errors("SIM_UNLISTED", "an unlisted reason")
    if fault not in {"101", "102", "106"}:
        return None
    one = {"code": "OTP.UNKNOWN_USER", "message": "Mobile number not registered", "field": "otp.mobileNumber"}
    return {"_status": 400, "error": {"code": 400, "message": "OTP Validation Unsuccessful", "fields": [one]}}


def bent(document: dict[str, Any], fault: str) -> dict[str, Any]:
    """The document with its content spoilt."""
    if "error" in document:
        return document
    user, said = dict(document.get("UserRequest", {})), words_for(fault)
    if fault == "208":
        wanted = "access_token" if user else "isSuccessful"
        return {name: value for name, value in document.items() if name != wanted}
    changed: dict[str, Any] = {"extra": "1"} if fault == "207" else {}
    if fault == "209":
        changed = {"expires_in": "1799"} if user else {"isSuccessful": "true"}
    if fault in {"206", "811"}:
        changed = {"UserRequest": user | {"userName": "9999999999"}}
    if said:
        changed = {"UserRequest": user | {"name": said}} if user else {"message": said}
    return document | changed


def _no(why: str) -> dict[str, Any]:
    return {"_status": 400, "error": "invalid_request", "error_description": why}
