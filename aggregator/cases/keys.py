"""One Idempotency-Key, one effect, one answer: the row that remembers what a key was spent on.

The row is written in the same commit as the effect it stands for, so a key is spent exactly when something happened.
Whoever comes with the same key and body gets the first answer byte for byte; with another body, a refusal; while the
first is still being answered, the advice to come back. A key is remembered for ninety days, and until its case has
been final for thirty: government takes weeks. Source: docs/outcomes.md sections 7 and 16.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import orjson

from aggregator.citizens.envelopes import Envelopes, Erased
from aggregator.sdk.clock import Clock, epoch_ms
from aggregator.sdk.status import FINAL
from aggregator.sdk.waypoints import passing
from aggregator.store import Run, Store

ANSWER_WITHIN_MS = 35_000
"""How long the first caller of a key may take to answer before a repeat is answered from the case."""
COME_BACK_S = 2.0
DAY_MS = 86_400_000
KEPT_MS = 90 * DAY_MS
_SCOPE = "i.portal_id = $1 and i.citizen_id = $2 and i.method = $3 and i.route = $4 and i.key = $5"
_OWNER = f"select c.sealed_for from idempotency i join cases c on c.id = i.case_id where {_SCOPE}"  # noqa: S608 - a constant
_ANSWERED = f"update idempotency as i set status = $6, headers = $7, body_sealed = $8 where {_SCOPE} and status is null"  # noqa: S608 - the same
AFTER_FINAL_MS = 30 * DAY_MS


@dataclass(frozen=True, slots=True)
class Key:
    """An Idempotency-Key in its scope, with the fingerprint (SHA-256 of the canonical request) it came with."""

    portal_id: str
    citizen_id: str
    method: str
    route: str
    key: str
    fingerprint: str

    @property
    def scope(self) -> tuple[str, str, str, str, str]:
        """What makes it this key and no other."""
        return (self.portal_id, self.citizen_id, self.method, self.route, self.key)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer to a key, replayed byte for byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Spent:
    """What a key was spent on. `answer` is None when the first caller never got one and has stopped waiting."""

    case_id: str
    answer: StoredAnswer | None


class KeyReused(Exception):
    """The same key came with another body."""


class KeyRunning(Exception):
    """The first request with this key is still being answered."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("still running")
        self.retry_after_s = retry_after_s


class Keys:
    """The keys of all portals."""

    def __init__(self, store: Store, vault: Envelopes, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    async def spent(self, key: Key) -> Spent | None:
        """What this very request was answered, if it came before. Raises KeyReused, KeyRunning, StoreUnavailable."""
        rows = await self._store.read(
            "select fingerprint, case_id, answer_due_ms, status, headers, body_sealed from idempotency"
            " where portal_id = $1 and citizen_id = $2 and method = $3 and route = $4 and key = $5",
            *key.scope,
            inline=True,
        )
        if not rows:
            return None
        row = rows[0]
        if row["fingerprint"] != key.fingerprint:
            raise KeyReused
        if row["status"] is None:
            left_ms = row["answer_due_ms"] - epoch_ms(self._clock.now())
            if left_ms > 0:
                raise KeyRunning(min(left_ms / 1000, COME_BACK_S))
            return Spent(row["case_id"], None)
        try:
            body = self._vault.open(row["body_sealed"], table="idempotency", row=_row(key), column="body_sealed")
        except Erased:
            return Spent(row["case_id"], None)
        return Spent(row["case_id"], StoredAnswer(row["status"], orjson.loads(row["headers"]), body))

    async def answered(self, key: Key, answer: StoredAnswer) -> None:
        """Keeps the answer the first caller is about to get; what was kept before stays."""
        passing("before_the_202")
        with suppress(Erased):  # forgotten meanwhile: nothing is kept
            await self._store.write(lambda run: self._keep(run, key, answer))

    async def _keep(self, run: Run, key: Key, answer: StoredAnswer) -> None:
        of_case = await run(_OWNER, *key.scope)
        owner = of_case[0]["sealed_for"] if of_case else key.citizen_id
        await run(
            _ANSWERED,
            *key.scope,
            answer.status,
            orjson.dumps(dict(answer.headers)).decode(),
            self._vault.seal(answer.body, owner=owner, table="idempotency", row=_row(key), column="body_sealed"),
        )


async def spend(run: Run, key: Key, case_id: str, now_ms: int) -> None:
    """Spends the key on this case, in the commit of the effect. Raises Conflict when it is spent already."""
    await run(
        "insert into idempotency (portal_id, citizen_id, method, route, key, fingerprint, case_id, created_ms,"
        " answer_due_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        *key.scope,
        key.fingerprint,
        case_id,
        now_ms,
        now_ms + ANSWER_WITHIN_MS,
    )


async def forget_old(store: Store, clock: Clock) -> int:
    """Deletes the keys whose time is over; how many."""
    now_ms = epoch_ms(clock.now())
    final = ", ".join(f"'{status.value}'" for status in sorted(FINAL))
    old = (
        "delete from idempotency where created_ms < $1 and exists (select 1 from cases c where"  # noqa: S608 - constants
        f" c.id = idempotency.case_id and c.status in ({final}) and c.updated_ms < $2) returning case_id"
    )
    rows = await store.write(lambda run: run(old, now_ms - KEPT_MS, now_ms - AFTER_FINAL_MS))
    return len(rows)


def _row(key: Key) -> str:
    return f"{key.portal_id}/{key.key}"
