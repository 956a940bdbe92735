"""What a driver promises that proves records by the agency's own code, seen from the telephone it arrives at.

`sandbox.toml` says whose code can be had under [agency_code]: `service`, `form`, `to` (the telephone), `nobody` (a form
that names no record). Nothing is believed: the code is read from the simulator's inbox, tried, let go stale and tried
too often, and every text the driver gives is looked through for it.
"""

import re
from collections.abc import Callable
from typing import Any

from aggregator.sdk.adapter import CODE_REASONS
from aggregator.sdk.clock import SystemClock
from aggregator.sdk.errors import AgencyError, Refused
from aggregator.sdk.model import Order, Receipt
from aggregator.sdk.testing.conformance import Candidate, Ended, call
from aggregator.sdk.testing.line_wires import production_wire
from aggregator.sdk.testing.sandbox import Control, Sandbox

PATIENT_S = 5.0
_MASKED = re.compile(r"\*{6}\d{4}")
_CODE = re.compile(r"\b\d{4,8}\b")
_LONGEST_LIFE_S = 1_800


class Telephone:
    """Asks for codes, reads them, and gives them back rightly and wrongly."""

    def __init__(self, candidate: Candidate, driver: Any, control: Control) -> None:
        self._candidate, self._driver, self._control = candidate, driver, control
        self._told = candidate.sandbox["agency_code"]
        self._sent = 0
        self.handle = ""
        self.code = ""
        self.wrong: list[str] = []

    def expect(self, holds: object, otherwise: str) -> None:
        """Notes what is wrong where it does not hold."""
        if not holds:
            self.wrong.append(otherwise)

    async def ask(self) -> Receipt | None:
        """A new code, and where it went by the driver's word."""
        got = (await self._call("send_code", self._told["form"])).got
        if not isinstance(got, Receipt):
            self.wrong.append(f"send_code ended as {type(got).__name__}")
            return None
        texts = await self._control.inbox(self._told["to"])
        self.expect(len(texts) == self._sent + 1, "send_code brought no message to the number on record, or several")
        self._sent = len(texts)
        found = _CODE.search(texts[-1]["text"]) if texts else None
        self.handle, self.code = got.agency_reference, found[0] if found else ""
        self.expect(self.code and self.code not in str(got), "the message has no code, or the receipt shows it")
        return got

    async def give(self, code: str) -> Any:
        """What the driver says to a code: a receipt or an error."""
        got = (await self._call("check_code", {**self._told["form"], "code": code}, self.handle)).got
        if isinstance(got, AgencyError):
            self.expect(code not in f"{got} {got!r}", "an error of check_code shows the code that was typed")
        return got

    async def nobody(self) -> Any:
        return (await self._call("send_code", self._told["nobody"])).got

    async def _call(self, operation: str, form: dict[str, Any], handle: str = "") -> Ended:
        order = Order(f"K-{operation}", self._told["service"], form, handle, SystemClock().now())
        return await call(self._driver, operation, self._candidate.operations[operation], order)


async def findings(candidate: Candidate, sandbox: Sandbox, around: Callable[[Any], Any] = lambda one: one) -> list[str]:
    """What is wrong with it; empty for a sound one. `around` puts something about the driver. Empties the simulator."""
    wire = production_wire(PATIENT_S)
    try:
        async with sandbox.control as control:
            await control.reset()
            telephone = Telephone(
                candidate, around(candidate.make(wire, sandbox.url, secrets=sandbox.secrets)), control
            )
            for proof in (_used_once, _told_masked, _too_often, _too_late, _for_nobody):
                await proof(telephone, control)
    finally:
        await wire.close()
    return telephone.wrong


def other(code: str) -> str:
    """A code of the same length that is not this one."""
    return code[:-1] + str((int(code[-1]) + 1) % 10) if code else "000000"


async def _used_once(telephone: Telephone, _control: Control) -> None:
    await telephone.ask()
    no = await telephone.give(other(telephone.code))
    telephone.expect(isinstance(no, Refused) and no.reason == "code_wrong", "a wrong code is not refused as code_wrong")
    telephone.expect(isinstance(await telephone.give(telephone.code), Receipt), "the right code is not taken")
    again = await telephone.give(other(telephone.code))
    telephone.expect(_is_over(again), "after the right code, a wrong one is taken")


async def _told_masked(telephone: Telephone, _control: Control) -> None:
    got = await telephone.ask()
    shown = got.facts.get("sent_to", "") if got is not None else ""
    to = telephone._told["to"]  # noqa: SLF001 - one module
    right = not shown or (_MASKED.fullmatch(shown) is not None and shown[-4:] == to[-4:])
    telephone.expect(right, "sent_to is neither empty nor the number's last four digits behind six stars")


async def _too_often(telephone: Telephone, _control: Control) -> None:
    got = await telephone.ask()
    tries = int(got.facts.get("tries") or 10) if got is not None else 0
    for _ in range(tries):
        telephone.expect(_is_over(await telephone.give(other(telephone.code))), "a wrong code is taken")
    telephone.expect(_is_over(await telephone.give(telephone.code)), "the right code is taken after the last try")


async def _too_late(telephone: Telephone, control: Control) -> None:
    got = await telephone.ask()
    life_s = float(got.facts.get("life_s") or _LONGEST_LIFE_S) if got is not None else 0.0
    await control.advance_clock(life_s + 1)
    telephone.expect(_is_over(await telephone.give(telephone.code)), "a code is taken after its life")


async def _for_nobody(telephone: Telephone, _control: Control) -> None:
    no = await telephone.nobody()
    known = isinstance(no, Refused) and no.reason not in CODE_REASONS
    telephone.expect(known, "a record that is not there is not refused as such")


def _is_over(got: Any) -> bool:
    return isinstance(got, Refused) and got.reason in CODE_REASONS
