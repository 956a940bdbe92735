"""The plain pages: a form without scripts, for a kiosk, a service centre, an old phone and a screen reader.

What a page shows is put together here as plain values; the templates only place them, and escape every one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aggregator.api.catalogue_view import rupees
from aggregator.api.form_view import part_titles
from aggregator.api.page_frame import Frame
from aggregator.discovery.forms import localised
from aggregator.discovery.forms.answers import page_value
from aggregator.discovery.forms.layout import Condition, Field, fields_of, layout
from aggregator.registry.agency import Service

BLANK = "blank.html"
_TYPES = {"date": "date", "moment": "datetime-local", "time": "time", "email": "email", "link": "url"}
_KEYBOARDS = {"mobile": "tel", "pin": "numeric", "pincode": "numeric"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One line of the list at the top; `field` is where its link leads."""

    field: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one page is about. `given` holds what was typed, by field; nothing of it is ever logged."""

    service: Service
    language: str
    city: str
    given: Mapping[str, Sequence[str]] = field(default_factory=dict)
    mistakes: Sequence[Mistake] = ()
    notice: str = ""
    fresh: bool = True
    """Nothing was typed yet, so the language may change by a link."""


class Pages:
    """The pages of forms, in the frame of all pages."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._say = frame.say

    def form(self, page: Shown) -> str:
        """The form, empty or as it was typed, with its mistakes at the top and beside the fields."""
        groups = self._groups(page)
        uploads = any(field["widget"] == "file" for group in groups for field in group["fields"])
        return self._made("form.html", page, groups=groups, uploads=uploads, asks=page.service.kind == "ENQUIRY")

    def blank(self, page: Shown, agency: str) -> str:
        """The form to fill in by hand."""
        return self._made(BLANK, page, groups=self._groups(page), agency=agency)

    def review(self, page: Shown, form: Mapping[str, Any], *, once: str, sends: bool) -> str:
        """What was answered, to be read once more. `sends` is False where this page may not open a case."""
        stem = "review" if sends else "checked"
        texts = {"heading": self._say(f"form.{stem}_title", page.language)}
        kept = [(name, value) for name, values in page.given.items() for value in values]
        return self._made(
            "review.html", page, **texts, lead=self._say(f"form.{stem}", page.language), sends=sends, once=once,
            kept=kept, answers=self._answers(page, form),
        )  # fmt: skip

    def told(self, page: Shown, heading: str, parts: Sequence[Mapping[str, Any]], number: str = "") -> str:
        """What came of it: a tracking number and a sentence, or what the agencies answered."""
        return self._made("told.html", page, heading=self._say(heading, page.language), parts=parts, number=number)

    def services(self, city: str, language: str, groups: Sequence[Mapping[str, Any]]) -> str:
        """The list of forms."""
        title = self._say("form.list_title", language)
        return self._frame.made(
            "services.html", language, title=title, city=city, groups=groups, here="/forms", switchable=True,
        )  # fmt: skip

    def _made(self, template: str, page: Shown, **more: Any) -> str:
        service, language = page.service, page.language
        here = f"/forms/{service.id}" + ("/blank" if template == BLANK else "")
        fees = service.fee.rows if service.fee is not None else ()
        return self._frame.made(
            template, language, title=_words(service.title, language), city=page.city, here=here,
            switchable=page.fresh, notice=page.notice, mistakes=page.mistakes,
            description=_words(service.description, language),
            documents=[_words(one, language) for one in service.documents],
            fees=[
                self._say("form.fee", language, title=_words(row.title, language), amount=rupees(row.amount_paise))
                for row in fees
            ],
            **more,
        )  # fmt: skip

    def _groups(self, page: Shown) -> list[dict[str, Any]]:
        form = localised(page.service.form, page.language)
        groups = layout(form)
        names = part_titles(len(groups), self._say, page.language)
        return [
            {"title": group.title or name, "fields": [self._field(one, form, page) for one in group.fields]}
            for group, name in zip(groups, names, strict=True)
        ]

    def _field(self, one: Field, form: Mapping[str, Any], page: Shown) -> dict[str, Any]:
        given = list(page.given.get(one.name, ()))
        if page.fresh and not given:
            given = page_value(one, one.schema.get("default"))
        error = next((mistake.text for mistake in page.mistakes if mistake.field == one.name), "")
        hints = [one.description] if one.description else []
        if one.condition is not None:
            hints.append(self._only_if(one.condition, form, page.language))
        ids = [*([f"h-{one.name}"] if hints else []), *([f"e-{one.name}"] if error else [])]
        return {
            "name": one.name, "title": one.title, "widget": one.widget, "required": one.required,
            "optional": not one.required and one.widget != "checkbox" and one.condition is None,
            "hints": hints, "error": error, "described": " ".join(ids), "value": given[0] if given else "",
            "choices": [
                {"value": str(value), "title": title, "chosen": str(value) in given} for value, title in one.choices
            ],
            "type": "tel" if one.autofill == "tel" else _TYPES.get(one.widget, "text"),
            "inputmode": _keyboard(one), "autofill": _autofill(one), "accept": one.accept,
        }  # fmt: skip

    def _only_if(self, condition: Condition, form: Mapping[str, Any], language: str) -> str:
        controlling = form.get("properties", {}).get(condition.controlling, {})
        wanted = condition.schema.get("const")
        titles = {one.get("const"): one.get("title") for one in controlling.get("oneOf", ())}
        answer = self._say("form.yes", language) if wanted is True else titles.get(wanted)
        if not answer:
            return self._say("form.only_if_plain", language)
        return self._say("form.only_if", language, answer=str(answer), question=str(controlling.get("title", "")))

    def _answers(self, page: Shown, form: Mapping[str, Any]) -> list[dict[str, str]]:
        """Title and answer of every field, in the order of the page."""
        fields = fields_of(localised(page.service.form, page.language))
        return [{"title": one.title, "shown": self._shown(one, form.get(one.name), page)} for one in fields]

    def _shown(self, one: Field, value: Any, page: Shown) -> str:
        if value is None or value is False:
            return self._say("form.none", page.language)
        if value is True:
            return self._say("form.yes", page.language)
        if one.widget == "file":
            return self._say("form.attached", page.language)
        titles = dict(one.choices)
        values = value if isinstance(value, list) else [value]
        return ", ".join(titles.get(each, each if isinstance(each, str) else str(each)) for each in values)


def _words(words: Mapping[str, str], language: str) -> str:
    return words.get(language) or words.get("en", "")


def _keyboard(one: Field) -> str:
    if one.widget == "number":
        return "numeric" if one.schema.get("type") == "integer" else "decimal"
    return _KEYBOARDS.get(one.name, "")


def _autofill(one: Field) -> str:
    """A whole address belongs into a field of several lines; in one line it is its first line."""
    return "address-line1" if one.autofill == "street-address" and one.widget != "textarea" else one.autofill
