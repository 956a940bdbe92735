"""The simulated department's codes to owners: sendings by number, and what is said to a code. Our own contract's end.

The sending `OTP9900000FFFF` has been there all along, for the vehicle OD99ZZFFFF, and its code is 123456.
"""

from collections.abc import Mapping
from typing import Any

from adapters.rto.vahan.simulator_life import stamp
from adapters.rto.vahan.simulator_state import Fields, no, yes
from adapters.rto.vahan.simulator_vehicles import PLATE, record
from aggregator.sdk.testing.codes import LIFE_S, TRIES, CodeBook
from aggregator.sdk.testing.simulator import Call, Done, World, magic

THEIRS: Mapping[str, str] = {"sendOtp": "send_code", "verifyOtp": "check_code"}
OPERATIONS = frozenset(THEIRS.values())
MAGIC_TXN, MAGIC_CODE = r"OTP9900000(\d{4})", "123456"
_MAGIC_PLATE = r"OD99ZZ(\d{4})"
_SAID = {"wrong": "231", "expired": "232", "used": "233", "blocked": "234"}
_REFUSALS = {
    "send_code": {"101": "101", "102": "221", "106": "103", "403": "401", "103": "199"},
    "check_code": {"101": "101", "102": "231", "106": "234", "403": "401", "103": "199"},
}
_WORDS = "{code} is the code of the transport department to confirm that a vehicle is yours. Do not tell anybody."


def call(operation: str, args: tuple[str, dict[str, Any], str]) -> Call:
    """The request as the agency understands it: a wish is known by its reference, a check by sending and code."""
    asked = args[1]
    txn, plate = str(asked.get("otpTxn", "")), str(asked.get("regnNo", ""))
    if operation == "check_code":
        chosen = magic(MAGIC_TXN, txn)
        return Call(operation, write=True, our_ref=txn, natural_key=txn, magic=chosen, counted_by=txn, args=args)
    ref, chosen = str(asked.get("clientRef", "")), magic(_MAGIC_PLATE, plate)
    return Call(operation, write=True, our_ref=ref, natural_key=plate, magic=chosen, counted_by=ref, args=args)


class Codes:
    """Sendings by their number; what was verified stays verified for who asks again with the same code."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._book = CodeBook(world)
        self._sendings = world.table("otp_sendings")
        self._verified = world.table("otp_verified")

    def done(self, call: Call) -> Done:
        asked = call.args[1]
        return self._check(asked) if call.operation == "check_code" else self._send(asked)

    def _send(self, asked: Mapping[str, str]) -> Done:
        plate = asked.get("regnNo", "")
        if not PLATE.match(plate):
            return no("101")
        to = record(plate, self._world.seed)["rc_mobile_no"]
        txn = f"OTP{self._world.number('otp'):012d}"
        self._sendings[txn] = plate
        self._book.send(txn, to, _WORDS)
        told = [("otpTxn", txn), ("regnNo", plate), ("sentTo", "XXXXXX" + to[-4:])]
        return yes([*told, ("validSec", str(LIFE_S)), ("tries", str(TRIES))], txn, acted=True)

    def _check(self, asked: Mapping[str, str]) -> Done:
        txn, plate, typed = asked.get("otpTxn", ""), asked.get("regnNo", ""), asked.get("otp", "")
        found = magic(MAGIC_TXN, txn)
        if plate != (f"OD99ZZ{found}" if found else self._sendings.get(txn)):
            return no("101")
        before = self._verified.get(txn)
        if before is not None and before["code"] == typed:
            return yes([("regnNo", plate), ("verifiedOn", before["on"])], txn)
        said = ("" if typed == MAGIC_CODE else "wrong") if found else self._book.check(txn, typed)
        if said:
            return no(_SAID[said])
        on = stamp(self._world.now())
        self._verified[txn] = {"code": typed, "on": on}
        return yes([("regnNo", plate), ("verifiedOn", on)], txn, acted=True)


def refused(operation: str, fault: str) -> tuple[str, Fields] | None:
    """The `Result` that says no."""
    code = _REFUSALS[operation].get(fault)
    return (code, []) if code is not None else None


def bent(told: Fields, fault: str) -> Fields:
    """Another vehicle's answer."""
    return [(name, "OD99YY9999" if name == "regnNo" else one) for name, one in told] if fault == "811" else told
