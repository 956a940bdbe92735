"""GET /worklist, GET /worklist/{item_id}, POST /worklist/{item_id}/decisions: what machines may not decide.

For operators: the reasons and suggestions are sentences in their language, the evidence has nobody's data in it.
"""

from typing import Any

import msgspec
from msgspec import UNSET

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.keyed import key_of, once, replayed
from aggregator.api.paging import asked_from, page, plain
from aggregator.api.ports import WorklistPort
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.worklist_shapes import (
    AttemptLine,
    DecisionAsked,
    DecisionTaken,
    EvidenceLine,
    LookLine,
    ProposalLine,
    WorkItem,
    WorkItemDetail,
    WorkItemList,
    WorklistQuery,
)
from aggregator.cases.desk import StoredAnswer
from aggregator.cases.dossier import AttemptRecord, Dossier
from aggregator.cases.items import Decision, Item, Undecidable
from aggregator.cases.number import shown
from aggregator.cases.verdict import may_have_acted
from aggregator.cases.worklist import Decided, Shown, UnknownItem
from aggregator.citizens.four_eyes import NoName, Proposal, SameName
from aggregator.sdk.clock import epoch_ms
from aggregator.store import StoreUnavailable


async def listing(call: Call) -> Answer:
    """GET /worklist."""
    query: WorklistQuery = call.query
    at, _, item_id = asked_from(call).partition(" ")
    after = (int(at), item_id) if at.isdigit() else (0, "")
    found = await people(call).items(agency=plain(query.agency) or "", after=after, limit=query.limit + 1)
    items, link, headers = page(call, found, query.limit, lambda one: f"{epoch_ms(one.since)} {one.id}")
    return Answer(WorkItemList(items=tuple(WorkItem(**_line(one, call)) for one in items), next=link), headers=headers)


async def show(call: Call) -> Answer:
    """GET /worklist/{item_id}."""
    try:
        shown_item = await people(call).show(call.params["item_id"])
    except UnknownItem as exc:
        raise Problem("not-found") from exc
    return Answer(_detail(shown_item, call))


async def decide(call: Call) -> Answer:
    """POST /worklist/{item_id}/decisions."""
    asked: DecisionAsked = call.body
    worklist, key = people(call), key_of(call, "")
    try:
        decided = await once(call, worklist.decide(call.params["item_id"], _decision(asked), key), unmoved=_unmoved)
    except UnknownItem as exc:
        raise Problem("not-found") from exc
    except SameName as exc:
        raise _impossible(call, "same_name") from exc
    except NoName as exc:
        raise _impossible(call, "no_name") from exc
    except Undecidable as exc:
        raise _impossible(call, exc.reason) from exc
    if decided.answer is not None:
        return replayed(decided.answer)
    answer = Answer(msgspec.json.encode(_taken(call, decided)))
    try:
        assert isinstance(answer.value, bytes)  # noqa: S101 - encoded just now
        await worklist.answered(key, StoredAnswer(200, {"Content-Language": call.language}, answer.value))
    except StoreUnavailable:
        return answer  # what was decided is safe; a repeat finds the item settled
    return answer


def people(call: Call) -> WorklistPort:
    """The worklist. Raises Problem not-found where a server runs without one."""
    if call.rooms.worklist is None:
        raise Problem("not-found")
    return call.rooms.worklist


def _unmoved(exc: Exception) -> bool:
    return isinstance(exc, UnknownItem | SameName | NoName | Undecidable)


def _decision(asked: DecisionAsked) -> Decision:
    return Decision(
        action=asked.action,
        by=asked.by,
        note=asked.note,
        agency_reference=plain(asked.reference) or "",
        agency_code=plain(asked.agency_code) or "",
        more=plain(asked.more) or {},
    )


def _impossible(call: Call, reason: str) -> Problem:
    return Problem("action-not-possible", about={"why": call.say(f"worklist.why_not.{reason}")})


def _taken(call: Call, decided: Decided) -> DecisionTaken:
    return DecisionTaken(
        item=call.params["item_id"],
        outcome=decided.outcome,
        explanation=call.say(f"worklist.outcome.{decided.outcome.lower()}"),
        case_id=decided.case_id or UNSET,
    )


def _line(item: Item, call: Call) -> dict[str, Any]:
    now = call.rooms.clock.now()
    agency = call.agency_title(item.agency)
    return {
        "id": item.id,
        "kind": item.kind,
        "operation": item.about if item.kind == "operation" else "",
        "agency": item.agency,
        "agency_title": agency,
        "case_id": item.case_id or UNSET,
        "reason_code": item.reason_code,
        "explanation": call.say(f"worklist.reason.{item.reason_code}", agency=agency),
        "owner": item.owner,
        "level": item.level(now).upper(),
        "since": second(item.since),
        "age_s": max(0, int((now - item.since).total_seconds())),
        "moves_money": item.money,
        "names_needed": item.names,
    }


def _detail(found: Shown, call: Call) -> WorkItemDetail:
    op, facts = found.op, found.dossier
    effect = "done" if found.item.reason_code == "conflict" else "unknown"
    return WorkItemDetail(
        **_line(found.item, call),
        number=shown(found.number) if found.number else UNSET,
        service_id=found.service_id or UNSET,
        our_reference=op.reference if op is not None else UNSET,
        effect="none" if op is not None and not may_have_acted(op) else effect,  # type: ignore[arg-type]  # one of three words
        withdrawal_remembered=op is not None and op.withdraw,
        suggested=found.suggested,
        suggestion=call.say(
            f"worklist.suggestion.{found.suggested.lower()}", agency=call.agency_title(found.item.agency)
        ),
        actions=found.actions,
        proposal=UNSET if facts.proposal is None else _proposal(facts.proposal),
        **_evidence(facts, call),
    )


def _evidence(facts: Dossier, call: Call) -> dict[str, Any]:
    return {
        "attempts": tuple(_attempt(one, call) for one in facts.attempts),
        "looks": tuple(
            LookLine(n=one.n, at=second(one.at), result=one.result, counted=one.counted, control=one.control,
                     matches=one.matches)
            for one in facts.looks
        ),
        "evidence": tuple(
            EvidenceLine(at=second(one.at), source=one.source.upper(), kind=one.kind,
                         reference=one.agency_reference or UNSET, text=one.text)
            for one in facts.evidence
        ),
    }  # fmt: skip


def _attempt(one: AttemptRecord, call: Call) -> AttemptLine:
    told = "answered" if one.answered else one.sent
    return AttemptLine(
        n=one.n,
        started_at=second(one.started_at),
        ended_at=UNSET if one.ended_at is None else second(one.ended_at),
        sent=one.sent.upper(),
        answered=one.answered,
        outcome=one.outcome,
        why=one.why,
        explanation=call.say(f"worklist.attempt.{told}"),
        reply_status=UNSET if one.reply_status is None else one.reply_status,
        reply=one.reply or UNSET,
        driver_version=one.driver_version,
    )


def _proposal(proposal: Proposal) -> ProposalLine:
    reference = str(proposal.content.get("reference", ""))
    return ProposalLine(action=proposal.action, by=proposal.by, at=second(proposal.at), reference=reference or UNSET)
