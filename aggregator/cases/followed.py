"""Which case somebody without an account means: a number, ours or the agency's, and something only the citizen knows.

The second factor is what the application said: the mobile number or the date of birth of its form. No such number, a
form without the factor and a wrong factor take the same steps; where there is no case, a form of nobody is unsealed in
its place.
"""

import hmac
from dataclasses import dataclass

import orjson

from aggregator.cases.number import Slip, read
from aggregator.cases.orders import seal_form
from aggregator.cases.record import CaseRecord, load
from aggregator.citizens.envelopes import EMPTY, Envelopes, Erased
from aggregator.sdk.clock import Clock
from aggregator.store import Store

_NOBODY = "nobody"
_FIND = (
    "select c.id, c.form_sealed from cases c where c.number = $1 union"
    " select c.id, c.form_sealed from leg l join cases c on c.id = l.case_id"
    " where l.agency_reference in ($2, $3) and l.agency_reference <> '' and ($4 = '' or l.agency = $4)"
    " order by 1 desc limit 20"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What was typed. `agency` narrows an agency's own number; `mobile` or `born` (YYYY-MM-DD) is the second factor."""

    number: str
    agency: str = ""
    mobile: str = ""
    born: str = ""

    @property
    def counted_as(self) -> str:
        """The number as tries at it are counted: one and the same however it is written."""
        ours = read(self.number)
        return ours if not isinstance(ours, Slip) else "".join(self.number.split()).upper()


class Followers:
    """Finds the case."""

    def __init__(self, store: Store, vault: Envelopes, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._of_nobody = seal_form(vault, EMPTY, _NOBODY, {"name": "Nobody", "mobile": "", "date_of_birth": ""})

    async def case(self, asked: Followed) -> CaseRecord | None:
        """The case of somebody without an account, whichever portal it came through."""
        case_id = await self.case_id(asked)
        if case_id is None:
            return None
        return (await load(self._store, self._vault, self._clock.now(), "id = $1", case_id))[0]

    async def case_id(self, asked: Followed) -> str | None:
        """The newest case of this number whose citizen knows this; None without saying what was wrong."""
        counted = asked.counted_as
        found = await self._store.read(_FIND, counted, asked.number.strip(), counted, asked.agency)
        rows = [(row["id"], row["form_sealed"]) for row in found] or [(_NOBODY, self._of_nobody)]
        right = [case_id for case_id, sealed in rows if self._knows(case_id, sealed, asked)]
        return right[0] if right else None

    def _knows(self, case_id: str, sealed: str, asked: Followed) -> bool:
        try:
            whole = self._vault.open(sealed, table="cases", row=case_id, column="form_sealed", afresh=True)
        except Erased:  # between the key's end and the row's: nobody knows anything of nobody
            whole = b"{}"
        form = orjson.loads(whole)
        kept, said = str(form.get("date_of_birth", "")), asked.born
        if asked.mobile:
            kept, said = _subscriber(str(form.get("mobile", ""))), _subscriber(asked.mobile)
        return hmac.compare_digest(kept.encode(), said.encode()) and bool(said)


def _subscriber(mobile: str) -> str:
    """The ten digits without the country, however they are written; "" where there are not as many."""
    digits = "".join(char for char in mobile if char.isascii() and char.isdigit())[-10:]
    return digits if len(digits) == len("9000000000") else ""
