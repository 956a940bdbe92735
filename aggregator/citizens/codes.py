"""One-time codes: six digits of chance, kept as a keyed hash bound to session and device, five minutes, five tries.

Who guesses all day at one number gets ten codes and five tries at each: fifty in a million. How often a code may be
sent is counted in the database, under a lock per number, so that no number of processes can send more.
Source: figures S4.
"""

import hmac
from dataclasses import dataclass

from aggregator.citizens.seals import Seals
from aggregator.sdk.clock import Chance, Clock, epoch_ms, new_id, random_digits
from aggregator.store import Run

DIGITS = 6
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


@dataclass(frozen=True, slots=True)
class CodeRules:
    """The numbers. Changing one changes what an attacker gets: see tests/security."""

    life_s: int = 300
    tries: int = 5
    resend_s: tuple[int, ...] = (30, 60, 120)
    number_per_hour: int = 5
    number_per_day: int = 10
    address_per_hour: int = 30
    portal_per_hour: int = 6_000
    all_per_hour: int = 20_000
    hold_s: int = 86_400


class TooManyCodes(Exception):
    """The budget `which` (number, address, portal, all) is spent; codes are sent again after `wait_s`."""

    def __init__(self, which: str, wait_s: float) -> None:
        super().__init__(which)
        self.which = which
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom a code is for and who asks. The indexes are blind; `address_index` may be empty."""

    target_index: str
    address_index: str
    portal_id: str


def fresh_code(chance: Chance) -> str:
    """Six digits without bias."""
    return random_digits(DIGITS, chance)


def code_hash(seals: Seals, session_id: str, device_index: str, code: str) -> str:
    """What is stored: worth nothing in another session, on another device, or without our key."""
    return seals.index(f"{session_id}/{device_index}/{code}", "code")


def agrees(kept: str, given: str) -> bool:
    """Constant time; an empty column agrees with nothing."""
    return bool(kept) and hmac.compare_digest(kept, given)


async def spend(run: Run, rules: CodeRules, asking: Asking, clock: Clock, chance: Chance) -> str:
    """Takes one code from every budget and returns what `unspend` gives it back by, or raises TooManyCodes and
    takes none. Inside a write.
    """
    now = epoch_ms(clock.now())
    # The locks come first and in one order: two processes counting at once would both find room for one more.
    for name in ("all", asking.portal_id, asking.address_index, asking.target_index):
        if name:
            await run(
                "insert into code_turn (name, turns) values ($1, 1)"
                " on conflict (name) do update set turns = code_turn.turns + 1",
                name,
            )
    for which, column, value, most, window_ms in _budgets(rules, asking):
        await _look(run, which, f"{column} = $1 and " if value else "", value, most, window_ms, now)
    spent = new_id("cds", clock, chance)
    await run(
        "insert into code_send (id, target_index, address_index, portal_id, at_ms) values ($1, $2, $3, $4, $5)",
        spent, asking.target_index, asking.address_index, asking.portal_id, now,
    )  # fmt: skip
    return spent


async def unspend(run: Run, spent: str) -> None:
    """Gives back what `spend` took."""
    await run("delete from code_send where id = $1", spent)


def _budgets(rules: CodeRules, asking: Asking) -> list[tuple[str, str, str, int, int]]:
    found = [
        ("number", "target_index", asking.target_index, rules.number_per_hour, HOUR_MS),
        ("number", "target_index", asking.target_index, rules.number_per_day, DAY_MS),
        ("portal", "portal_id", asking.portal_id, rules.portal_per_hour, HOUR_MS),
        ("all", "", "", rules.all_per_hour, HOUR_MS),
    ]
    if asking.address_index:
        found.append(("address", "address_index", asking.address_index, rules.address_per_hour, HOUR_MS))
    return found


async def _look(  # noqa: PLR0913, PLR0917 - one budget
    run: Run, which: str, where: str, value: str, most: int, window_ms: int, now: int
) -> None:
    since = now - window_ms
    args = (value, since, most) if where else (since, most)
    at = len(args)
    rows = await run(
        f"select at_ms from code_send where {where}at_ms > ${at - 1}"  # noqa: S608 - our own column names
        f" order by at_ms desc limit ${at}",
        *args,
    )
    if len(rows) >= most:
        raise TooManyCodes(which, (int(rows[-1]["at_ms"]) + window_ms - now) / 1000)


async def forget(run: Run, now_ms: int) -> None:
    """Drops what no budget looks at any more."""
    await run("delete from code_send where at_ms <= $1", now_ms - DAY_MS)
    await run("delete from code_turn where name <> 'all'")
