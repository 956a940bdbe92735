"""Drafts of a service's form: saved, resumed, filled in from what is known, talked through question by question."""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.draft_known import known_of
from aggregator.api.draft_shapes import (
    AskedQuestion,
    DraftChange,
    DraftDetail,
    DraftList,
    DraftQuery,
    DraftRemoved,
    NewDraft,
    Option,
    SummaryLine,
    Turn,
    TurnAsked,
)
from aggregator.api.form_view import form_lines
from aggregator.api.problem import Problem
from aggregator.api.route import Answer, Route
from aggregator.api.upload_documents import owner_of
from aggregator.discovery.drafts import Draft, DraftMoved
from aggregator.discovery.forms import FormError, localised, violations
from aggregator.discovery.forms.layout import Field
from aggregator.discovery.forms.questions import Question, answered, asked_for, next_question, stepped_back
from aggregator.registry.agency import Service

OPTIONS_SHOWN = 200


async def begin(call: Call) -> Answer:
    """POST /services/{service_id}/drafts."""
    asked: NewDraft = call.body
    service = call.service()
    owner = owner_of(call, asked.citizen_id)
    known = await known_of(call, service, owner.citizen_id) if asked.prefilled and owner.citizen_id else {}
    form = {**{name: one.value for name, one in known.items()}, **_given(asked.form)}
    begun = call.rooms.drafts.begin(owner.portal_id, owner.citizen_id, service.id, form)
    draft = await call.progress.commit(begun, unmoved=lambda _: False)
    filled = {name: one.source for name, one in known.items() if name not in asked.form}
    place = f"/v1/services/{service.id}/drafts/{draft.id}"
    return _answer(_detail(call, service, draft, filled), draft, status=201, headers={"Location": place})


async def listing(call: Call) -> Answer:
    """GET /services/{service_id}/drafts."""
    query: DraftQuery = call.query
    service, owner = call.service(), owner_of(call, query.citizen_id)
    found = await call.rooms.drafts.of(owner.portal_id, owner.citizen_id, service.id)
    return Answer(DraftList(items=tuple(_detail(call, service, draft) for draft in found)))


async def show(call: Call) -> Answer:
    """GET /services/{service_id}/drafts/{draft_id}."""
    draft = await _mine(call)
    return _answer(_detail(call, call.service(), draft), draft)


async def change(call: Call) -> Answer:
    """PATCH /services/{service_id}/drafts/{draft_id}."""
    asked: DraftChange = call.body
    draft = await _mine(call)
    if call.if_match.strip() not in {"*", f'"{draft.version}"'}:
        raise Problem("precondition-failed")
    form = {name: value for name, value in {**draft.form, **asked.form}.items() if value is not None}
    moved = await _moved(call, draft, form, draft.passed)
    return _answer(_detail(call, call.service(), moved), moved)


async def remove(call: Call) -> Answer:
    """DELETE /services/{service_id}/drafts/{draft_id}."""
    draft = await _mine(call)
    await call.rooms.drafts.remove(draft)
    return Answer(DraftRemoved(id=draft.id, explanation=call.say("upload.removed")))


async def take_turn(call: Call) -> Answer:
    """POST /services/{service_id}/drafts/{draft_id}/turns: what was said, and what is asked next."""
    asked: TurnAsked = call.body
    service, draft = call.service(), await _mine(call)
    form = localised(service.form, call.language)
    known, passed = dict(draft.form), set(draft.passed)
    errors: list[FormError] = []
    field = _meant(form, known, passed, asked)
    match asked.step:
        case "ANSWER" if field is not None:
            value, errors = answered(form, field, asked.answer)
            if not errors and value is not None:
                known[field.name] = value
                passed.discard(field.name)
            elif not errors:
                passed.add(field.name)
        case "PASS" if field is not None:
            errors = [FormError(f"/form/{field.name}", "required")] if field.required else []
            if not errors:
                known.pop(field.name, None)
                passed.add(field.name)
        case "BACK":
            before = stepped_back(form, known, passed)
            known.pop(before, None)
            passed.discard(before)
    if (known, passed) != (dict(draft.form), set(draft.passed)):
        draft = await _moved(call, draft, known, sorted(passed))
    return Answer(_turn(call, service, draft, errors))


def _meant(form: Mapping[str, Any], known: Mapping[str, Any], passed: set[str], asked: TurnAsked) -> Field | None:
    if asked.field is not UNSET:
        return next((field for field in asked_for(form, known) if field.name == asked.field), None)
    question = next_question(form, known, passed)
    return question.field if question is not None else None


def _turn(call: Call, service: Service, draft: Draft, errors: list[FormError]) -> Turn:
    form = localised(service.form, call.language)
    question = next_question(form, draft.form, draft.passed)
    return Turn(
        done=question is None,
        question=UNSET if question is None else _question(call, question),
        errors=form_lines(call, service, errors),
        summary=_summary(call, form, draft) if question is None else (),
        version=draft.version,
    )


def _question(call: Call, question: Question) -> AskedQuestion:
    field = question.field
    offered = field.choices or (((True, call.say("form.yes")), (False, call.say("form.no"))) if _yes_no(field) else ())
    options = tuple(
        Option(number=number, value=str(value).lower() if isinstance(value, bool) else str(value), title=title)
        for number, (value, title) in enumerate(offered[:OPTIONS_SHOWN], 1)
    )
    said = [field.title, field.description, *(f"{one.number}: {one.title}" for one in options)]
    if not field.required:
        said.append(call.say("form.may_pass"))
    return AskedQuestion(
        field=field.name,
        text="\n".join(part for part in said if part),
        title=field.title,
        hint=field.description or UNSET,
        widget=field.widget,
        options=options,
        required=field.required,
        position=question.position,
        count=question.count,
    )


def _yes_no(field: Field) -> bool:
    return field.widget == "checkbox"


def _summary(call: Call, form: Mapping[str, Any], draft: Draft) -> tuple[SummaryLine, ...]:
    lines = []
    for field in asked_for(form, draft.form):
        value = draft.form.get(field.name)
        titles = dict(field.choices)
        if isinstance(value, bool) or value is None:
            shown = call.say("form.yes" if value else "form.no" if value is False else "form.none")
        else:
            shown = ", ".join(str(titles.get(one, one)) for one in (value if isinstance(value, list) else [value]))
        lines.append(SummaryLine(field=field.name, title=field.title, shown=shown))
    return tuple(lines)


async def _moved(call: Call, draft: Draft, form: Mapping[str, Any], passed: Any) -> Draft:
    try:
        return await call.progress.commit(
            call.rooms.drafts.change(draft, form, passed), unmoved=lambda exc: isinstance(exc, DraftMoved)
        )
    except DraftMoved as exc:
        raise Problem("precondition-failed") from exc


async def _mine(call: Call) -> Draft:
    query: DraftQuery = call.query
    service, owner = call.service(), owner_of(call, query.citizen_id)
    draft = await call.rooms.drafts.get(call.params["draft_id"], owner.portal_id, owner.citizen_id, service.id)
    if draft is None:
        raise Problem("not-found")
    return draft


def _given(form: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in form.items() if value is not None}


def _detail(call: Call, service: Service, draft: Draft, filled: Mapping[str, str] | None = None) -> DraftDetail:
    errors = violations(service.form, dict(draft.form))
    return DraftDetail(
        id=draft.id,
        service_id=draft.service_id,
        form=dict(draft.form),
        filled_in=dict(filled or {}),
        complete=not errors,
        errors=form_lines(call, service, errors),
        version=draft.version,
        created_at=second(draft.created_at),
        updated_at=second(draft.updated_at),
        expires_at=second(draft.expires_at),
    )


def _answer(value: DraftDetail, draft: Draft, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(value, status=status, headers=headers or {}, etag=f'"{draft.version}"')


_PATH = "/services/{service_id}/drafts"
DRAFTS = (
    Route(
        method="POST", path=_PATH, operation_id="beginDraft", handle=begin, scope="cases.write",
        summary="Begin a draft",
        about="Keeps a form that is not finished, sealed, for 30 days after the last change. `prefilled` fills in what "
        "the citizen's links and, with the citizen's own token, the profile say and the form would accept.",
        body=NewDraft, result=DraftDetail, success=(201,),
    ),
    Route(
        method="GET", path=_PATH, operation_id="listDrafts", handle=listing, scope="cases.read",
        summary="Drafts of a service", about="The citizen's, or the portal's own.", query=DraftQuery, result=DraftList,
    ),
    Route(
        method="GET", path=_PATH + "/{draft_id}", operation_id="getDraft", handle=show, scope="cases.read",
        summary="One draft", about="What is known so far, and what would still be wrong.", query=DraftQuery,
        result=DraftDetail,
    ),
    Route(
        method="PATCH", path=_PATH + "/{draft_id}", operation_id="changeDraft", handle=change, scope="cases.write",
        summary="Change a draft", about="A merge patch of the form; null takes a field out.", query=DraftQuery,
        body=DraftChange, result=DraftDetail, matched=True,
    ),
    Route(
        method="DELETE", path=_PATH + "/{draft_id}", operation_id="removeDraft", handle=remove, scope="cases.write",
        summary="Delete a draft", about="At once, and for good.", query=DraftQuery, result=DraftRemoved,
    ),
    Route(
        method="POST", path=_PATH + "/{draft_id}/turns", operation_id="takeTurn", handle=take_turn, scope="cases.write",
        summary="Answer a question, get the next",
        about="For chat and voice: one question at a time with its numbered options; PASS leaves a field open, BACK "
        "returns to the one before. When nothing is left to ask, the summary is to be read back.",
        query=DraftQuery, body=TurnAsked, result=Turn,
    ),
)  # fmt: skip
