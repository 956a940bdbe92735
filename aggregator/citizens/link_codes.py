"""The agency's own code as the proof of a link: which sending a citizen waits for, how often asked for and tried.

The code goes from the agency to the mobile number it has on record, and from the citizen through us to the agency. It
is never kept here, only the agency's handle of the sending, sealed, and bound to the session that asked. A turn is
taken before the agency is asked to send, a try before it is asked to look: whoever asks a thousand times at once is
counted a thousand times. A message too many harms nobody: a doubtful sending may be asked for again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.citizens import codes
from aggregator.citizens.codes import Asking, CodeRules
from aggregator.citizens.seals import Seals
from aggregator.citizens.session_record import TooEarly
from aggregator.citizens.verified_links import KeptLink
from aggregator.sdk.clock import Chance, Clock, epoch_ms, from_ms, new_id
from aggregator.store import Row, Run, Store

ASKED, WAITING, DOUBTFUL, ENDED = "ASKED", "WAITING", "DOUBTFUL", "ENDED"
TRIES = 3
"""Tries at one code, however many the agency would allow: as many as the strictest agency we know gives."""
LIFE_S = 600
"""How long we pass a code on, where the agency does not say how long it lives."""
LAST_PAUSE_S = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCode:
    """A code that was asked for. `sent_to` is masked; `tries_left` 0 where none can be used."""

    id: str
    state: str
    sent_to: str
    tries_left: int
    until: datetime
    next_send_at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """Leave to have one code sent, paid for. `spent` is what it cost, to be given back if nothing was sent."""

    citizen_id: str
    index: str
    id: str
    sends: int
    spent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Try:
    """One counted try at a code. `handle` is the agency's name for the sending."""

    citizen_id: str
    index: str
    id: str
    sends: int
    handle: str
    left: int


class LinkCodes:
    """What citizens wait for, in the store."""

    def __init__(self, store: Store, seals: Seals, rules: CodeRules, clock: Clock, chance: Chance) -> None:
        self._store = store
        self._seals = seals
        self._rules = rules
        self._clock = clock
        self._chance = chance

    async def turn(self, link: KeptLink, session_id: str, portal_id: str) -> Turn:
        """Leave for one sending, by this session from now on. Raises TooEarly, TooManyCodes."""
        now = epoch_ms(self._clock.now())
        fresh_id = new_id("lcd", self._clock, self._chance)
        index = self._seals.index
        budgets = [  # of the record, whoever asks, and of the citizen, whatever is asked for
            Asking(index(link.identifier_index, "link-code"), "", portal_id),
            Asking(index(link.citizen_id, "link-coder"), "", portal_id),
        ]

        async def work(run: Run) -> Turn:
            rows = await run(_OF, link.citizen_id, link.identifier_index)
            if rows and int(rows[0]["next_send_ms"]) > now:
                raise TooEarly((int(rows[0]["next_send_ms"]) - now) / 1000)
            again = bool(rows) and int(rows[0]["first_ms"]) > now - codes.DAY_MS
            sends = int(rows[0]["sends"]) + 1 if again else 1
            pauses = (*self._rules.resend_s, LAST_PAUSE_S)
            row = (sends, now + pauses[min(sends, len(pauses)) - 1] * 1000, now if sends == 1 else rows[0]["first_ms"])
            moved = await run(
                _TURN, link.citizen_id, link.identifier_index, fresh_id, session_id, *row, now,
                rows[0]["next_send_ms"] if rows else 0,
            )  # fmt: skip
            if not moved:  # another process took this turn
                raise TooEarly(self._rules.resend_s[0])
            spent = [await codes.spend(run, self._rules, one, self._clock, self._chance) for one in budgets]
            return Turn(link.citizen_id, link.identifier_index, str(moved[0]["id"]), sends, tuple(spent))

        return await self._store.write(work)

    async def sent(self, turn: Turn, handle: str, facts: Mapping[str, str]) -> None:
        """The agency has sent a code: the ones before it are over."""
        life_s = min(_whole(facts.get("life_s"), LIFE_S), LIFE_S)
        row = (
            self._sealed(turn, "handle_sealed", handle), self._sealed(turn, "sent_to_sealed", facts.get("sent_to", "")),
            min(_whole(facts.get("tries"), TRIES), TRIES), epoch_ms(self._clock.now()) + life_s * 1000,
        )  # fmt: skip
        await self._about(
            turn,
            "state = 'WAITING', handle_sealed = $4, sent_to_sealed = $5, tries = 0, most_tries = $6, until_ms = $7",
            *row,
        )

    async def doubtful(self, turn: Turn) -> None:
        """It may have sent one, under a name we do not know. An earlier code stays what it was."""
        await self._about(turn, "state = case handle_sealed when '' then 'DOUBTFUL' else state end")

    async def unsent(self, turn: Turn) -> None:
        """It certainly sent none: the turn is given back, the pause is not."""

        async def work(run: Run) -> None:
            for one in turn.spent:
                await codes.unspend(run, one)
            await run(f"update link_code set sends = sends - 1 {_SENDING}", *_of_sending(turn))  # noqa: S608 - a constant

        await self._store.write(work)

    async def tried(self, link: KeptLink, session_id: str) -> Try | None:
        """One try, counted before anybody looks at the code; None where this session has no code to try."""
        now = epoch_ms(self._clock.now())
        rows = await self._store.write(
            lambda run: run(
                "update link_code set tries = tries + 1 where citizen_id = $1 and identifier_index = $2"
                " and session_id = $3 and state = 'WAITING' and tries < most_tries and until_ms > $4 returning *",
                link.citizen_id, link.identifier_index, session_id, now,
            )
        )  # fmt: skip
        if not rows:
            return None
        row = rows[0]
        handle = str(self._opened(row, "handle_sealed"))
        left = int(row["most_tries"]) - int(row["tries"])
        return Try(row["citizen_id"], row["identifier_index"], row["id"], int(row["sends"]), handle, left)

    async def untried(self, one: Try) -> None:
        """Nobody looked at the code: the try is given back."""
        await self._about(one, "tries = case tries when 0 then 0 else tries - 1 end")

    async def over(self, one: Try) -> None:
        """Its code has proved something, or can no longer: what named its sending is destroyed."""
        await self._about(one, "state = 'ENDED', handle_sealed = '', sent_to_sealed = ''")

    async def _about(self, sending: Turn | Try, becomes: str, *values: str | int) -> None:
        """Changes the row while it is about this sending still; a later one is none of its business."""
        change = f"update link_code set {becomes} {_SENDING}"  # noqa: S608 - constants, written above
        await self._store.write(lambda run: run(change, *_of_sending(sending), *values))

    async def of(self, link: KeptLink) -> LinkCode | None:
        """The code the citizen waits for, if the link still wants one."""
        rows = await self._store.read(_OF, link.citizen_id, link.identifier_index)
        if not rows or rows[0]["state"] == ENDED:
            return None
        row, now = rows[0], epoch_ms(self._clock.now())
        usable = row["state"] == WAITING and int(row["until_ms"]) > now
        left = int(row["most_tries"]) - int(row["tries"]) if usable else 0
        return LinkCode(
            id=row["id"], state=row["state"], sent_to=str(self._opened(row, "sent_to_sealed") or ""),
            tries_left=left, until=from_ms(row["until_ms"]), next_send_at=from_ms(row["next_send_ms"]),
        )  # fmt: skip

    async def forget(self, link: KeptLink) -> None:
        """The link has ended; its pauses stay, or unlinking would be a way around them."""
        rows = await self._store.read(_OF, link.citizen_id, link.identifier_index)
        for row in rows:
            await self.over(Try(row["citizen_id"], row["identifier_index"], row["id"], int(row["sends"]), "", 0))

    async def tidy(self) -> None:
        """Forgets what no pause is counted by any more."""
        before = epoch_ms(self._clock.now()) - codes.DAY_MS
        await self._store.write(lambda run: run("delete from link_code where next_send_ms < $1", before))

    def _sealed(self, turn: Turn, column: str, value: str) -> str:
        return self._seals.seal(turn.citizen_id, value, table="link_code", row=turn.id, column=column)

    def _opened(self, row: Row, column: str) -> object:
        return self._seals.open(row["citizen_id"], row[column], table="link_code", row=row["id"], column=column)


_OF = "select * from link_code where citizen_id = $1 and identifier_index = $2"
_SENDING = "where citizen_id = $1 and identifier_index = $2 and sends = $3"
_TURN = (
    "insert into link_code (citizen_id, identifier_index, id, session_id, state, handle_sealed, sent_to_sealed, tries,"
    " most_tries, sends, next_send_ms, until_ms, first_ms)"
    " values ($1, $2, $3, $4, 'ASKED', '', '', 0, 0, $5, $6, 0, $7)"
    " on conflict (citizen_id, identifier_index) do update set sends = $5, next_send_ms = $6, first_ms = $7,"
    # Of another session, a code that was sent before is worth nothing here.
    " handle_sealed = case when link_code.session_id = $4 then link_code.handle_sealed else '' end,"
    " state = case when link_code.session_id = $4 and link_code.handle_sealed <> '' then link_code.state"
    " else 'ASKED' end, session_id = $4"
    " where link_code.next_send_ms <= $8 and link_code.next_send_ms = $9 returning id"
)


def _of_sending(sending: Turn | Try) -> tuple[str, str, int]:
    return sending.citizen_id, sending.index, sending.sends


def _whole(told: str | None, otherwise: int) -> int:
    return int(told) if told is not None and told.isdecimal() and int(told) > 0 else otherwise
