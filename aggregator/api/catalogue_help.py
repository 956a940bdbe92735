"""Before beginning: what you will need, and whether you may have it. Nothing that is answered here is stored."""

from typing import Any

from msgspec import UNSET

from aggregator.api.browse_shapes import (
    Eligibility,
    EligibilityAnswer,
    EligibilityAsked,
    EligibilityQuestion,
    Needs,
)
from aggregator.api.call import Call
from aggregator.api.catalogue_search import entry_of
from aggregator.api.catalogue_view import detail_of
from aggregator.api.decode import invalid
from aggregator.api.route import Answer
from aggregator.api.shapes import ErrorLine
from aggregator.api.tags import tagged
from aggregator.discovery.browse_eligibility import MORE_NEEDED, mistakes_in, verdict
from aggregator.discovery.catalogue.model import Entry, Question
from aggregator.registry.agency import Service


async def needs(call: Call) -> Answer:
    """GET /services/{service_id}/needs."""
    entry = entry_of(call)
    detail = detail_of(call, entry)
    own = entry.own
    asked = own is not None and own.documents
    value = Needs(
        service_id=entry.id,
        title=detail.title,
        documents=detail.documents,
        document_ids=() if asked else entry.documents,
        fees=detail.fees,
        fee_rules=detail.fee_rules,
        questions=() if own is None else _questions(call, own),
        channels=detail.channels,
        time_limit=detail.time_limit,
        sources=tuple(one for one in detail.sources if one.fact in {"documents", "fee", "time_limit", "channels"}),
    )
    return tagged(value, call.language)


async def eligibility(call: Call) -> Answer:
    """GET /services/{service_id}/eligibility: the questions, none answered yet."""
    return tagged(_judged(call, entry_of(call), {}), call.language)


async def check_eligibility(call: Call) -> Answer:
    """POST /services/{service_id}/eligibility-checks."""
    entry = entry_of(call)
    asked: EligibilityAsked = call.body
    wrong = mistakes_in(asked.answers, entry, call.rooms.catalogue().vocabulary)
    if wrong:
        raise invalid(
            [
                ErrorLine(
                    pointer=f"/answers/{one.question}",
                    code=one.rule,
                    detail=call.say(f"problem.violation.{one.rule}"),
                )
                for one in wrong
            ]
        )
    return Answer(_judged(call, entry, asked.answers))


def _judged(call: Call, entry: Entry, answers: dict[str, str | int]) -> Eligibility:
    words = call.rooms.catalogue().vocabulary
    found = verdict(entry, answers, words)
    return Eligibility(
        service_id=entry.id,
        outcome=found.outcome,
        explanation=call.say(f"eligibility.{found.outcome}"),
        because=tuple(call.titled(one.because) for one in found.broken),
        questions=tuple(_question(call, one) for one in found.open) if found.outcome == MORE_NEEDED else (),
    )


def _question(call: Call, question: Question) -> EligibilityQuestion:
    choosing = bool(question.answers)
    return EligibilityQuestion(
        id=question.id,
        title=call.titled(question.title),
        answers=tuple(EligibilityAnswer(id=id_, title=call.titled(title)) for id_, title in question.answers.items()),
        least=UNSET if choosing else int(question.least),
        most=UNSET if choosing else int(question.most),
    )


def _questions(call: Call, service: Service) -> tuple[str, ...]:
    """What the form asks for and cannot do without, by its own titles."""
    fields: dict[str, Any] = service.form.get("properties", {})
    needed = service.form.get("required", ())
    return tuple(call.titled(fields[name]["title"]) for name in needed if isinstance(fields[name].get("title"), dict))
