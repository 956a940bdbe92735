"""Two different names before money moves: the first proposes, another one carries out, and both are on record.

A name counts as itself however it is spelt: case, spaces, dots and the order of its parts do not make a second person.
Names are sealed; what is compared and what events carry is a keyed code of the folded name. Any room whose decisions
need a second name calls `agree` inside its own transaction: whoever decides, the rule is here once.
Source: docs/outcomes.md sections 6 and 12.
"""

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from aggregator.citizens.vault import Vault
from aggregator.feed.events import NewEvent
from aggregator.sdk.clock import epoch_ms, from_ms
from aggregator.store import Run

PROPOSED, CARRIED_OUT, REPLACED, DROPPED = "PROPOSED", "CARRIED_OUT", "REPLACED", "DROPPED"
_CODE = 12


class SameName(Exception):
    """The one who proposed it may not be the second name as well."""


class NoName(Exception):
    """What was given as a name has no letter in it."""


@dataclass(frozen=True, slots=True)
class Motion:
    """What somebody wants done with an item of the worklist. `content` is all that makes it this decision."""

    id: str
    item: str
    action: str
    content: Mapping[str, Any]
    name: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """Whether it may be carried out now; the codes of the names behind it."""

    carried_out: bool
    by_code: str
    second_code: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision that waits for its second name."""

    id: str
    action: str
    by: str
    content: Mapping[str, Any]
    at: datetime


def folded(name: str) -> str:
    """One person's name, however it is spelt. Raises NoName."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    words = sorted("".join(mark if _of_a_name(mark) else " " for mark in plain).split())
    if not words:
        raise NoName
    return " ".join(words)


def _of_a_name(mark: str) -> bool:
    """Letters and digits, and the vowel signs of Indian scripts, which are marks."""
    return unicodedata.category(mark)[0] in "LMN"


def code_of(vault: Vault, name: str) -> str:
    """The keyed code of a name: equal for equal persons, and nobody else's business. Raises NoName."""
    return vault.index(folded(name), "officer")[:_CODE]


async def agree(run: Run, vault: Vault, motion: Motion, at: datetime, *, names: int) -> Agreement:
    """Records the motion; whether it has the `names` (1 or 2) it needs. Raises SameName, NoName.

    A proposal with another content takes the place of the one that waited; nothing is carried out by it.
    """
    code, content = code_of(vault, motion.name), fingerprint(motion)
    waiting = await _waiting(run, motion.item)
    if waiting is not None and waiting["action"] == motion.action and waiting["content_sha256"] == content:
        if waiting["by_code"] == code:
            raise SameName
        await _end(run, waiting["id"], CARRIED_OUT, at, second=(code, _sealed(vault, waiting["id"], motion.name, 2)))
        return Agreement(carried_out=True, by_code=waiting["by_code"], second_code=code)
    if waiting is not None:
        await _end(run, waiting["id"], REPLACED, at)
    await _insert(run, vault, motion, at, code=code, content=content, state=PROPOSED if names > 1 else CARRIED_OUT)
    return Agreement(carried_out=names < 2, by_code=code)


async def drop(run: Run, item: str, at: datetime) -> None:
    """The item went its way without a decision: what waited for a second name is void."""
    await run(
        "update decision set state = $1, ended_ms = $2 where item = $3 and state = $4",
        DROPPED,
        epoch_ms(at),
        item,
        PROPOSED,
    )


def fingerprint(motion: Motion) -> str:
    """SHA-256 of what is decided: the second name stands for exactly what the first one wrote."""
    canonical = orjson.dumps([motion.action, dict(motion.content)], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


def told(kind: str, motion: Motion, agreement: Agreement, about: Mapping[str, str], at: datetime) -> NewEvent:
    """The event of a proposal or a decision: codes of names, never names. `about`: case_id, agency, operation."""
    data = {"item": motion.item, "action": motion.action, "operation": about["operation"], "by": agreement.by_code}
    if agreement.second_code:
        data["second"] = agreement.second_code
    return NewEvent(type=kind, at=at, case_id=about["case_id"], agency=about["agency"], data=data)


def proposal_of(row: Any, vault: Vault) -> Proposal:
    """The waiting proposal in a row of table `decision`."""
    sealed = {column: vault.open(row[column], table="decision", row=row["id"], column=column) for column in _SEALED}
    content = orjson.loads(sealed["form_sealed"])
    return Proposal(row["id"], row["action"], sealed["by_sealed"].decode(), content, from_ms(row["at_ms"]))


_SEALED = ("form_sealed", "by_sealed")


async def _waiting(run: Run, item: str) -> Any:
    rows = await run("select * from decision where item = $1 and state = $2", item, PROPOSED)
    return rows[0] if rows else None


async def _insert(  # noqa: PLR0913 - one row's columns
    run: Run, vault: Vault, motion: Motion, at: datetime, *, code: str, content: str, state: str
) -> None:
    form = vault.seal(orjson.dumps(dict(motion.content)), table="decision", row=motion.id, column="form_sealed")
    await run(
        "insert into decision (id, item, action, content_sha256, form_sealed, state, by_code, by_sealed, second_code,"
        " second_sealed, at_ms, ended_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, '', '', $9, $10)",
        motion.id,
        motion.item,
        motion.action,
        content,
        form,
        state,
        code,
        _sealed(vault, motion.id, motion.name, 1),
        epoch_ms(at),
        None if state == PROPOSED else epoch_ms(at),
    )


async def _end(run: Run, row_id: str, state: str, at: datetime, second: tuple[str, str] = ("", "")) -> None:
    await run(
        "update decision set state = $1, ended_ms = $2, second_code = $3, second_sealed = $4 where id = $5",
        state,
        epoch_ms(at),
        *second,
        row_id,
    )


def _sealed(vault: Vault, row: str, name: str, place: int) -> str:
    column = "by_sealed" if place == 1 else "second_sealed"
    return vault.seal(name.strip().encode(), table="decision", row=row, column=column)
