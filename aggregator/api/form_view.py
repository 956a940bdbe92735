"""One definition of a form, two renderings: the same schema, and the order and widgets each renderer understands.

The schema is pure draft-07 without `$schema`: a 2020-12 one crashes JSON Forms. Mistakes are told in our words, or in
the form's own words where it has them (docs/api.md section 8; JS-3).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aggregator.api.call import Call
from aggregator.api.decode import shown
from aggregator.api.problem import Says
from aggregator.api.shapes import ErrorLine
from aggregator.api.words import Renderer
from aggregator.discovery.forms import FormError, localised
from aggregator.discovery.forms.layout import layout
from aggregator.discovery.forms.renderers import data_schema, ui_schema
from aggregator.registry.agency import Service


def schema_of(service: Service, language: str, renderer: Renderer = "jsonforms") -> dict[str, Any]:
    """The form in one language, as this renderer can take it."""
    return data_schema(localised(service.form, language), renderer)


def ui_schema_of(call: Call, service: Service, renderer: Renderer) -> dict[str, Any]:
    """Order, groups, widgets and conditions for the renderer, in the caller's language."""
    form = localised(service.form, call.language)
    return ui_schema(form, renderer, part_titles(len(layout(form)), call.rooms.say, call.language))


def part_titles(count: int, say: Says, language: str) -> list[str]:
    """Names for groups that have none: which part of how many."""
    parts = range(1, count + 1)
    return [say("form.part", language, part=str(part), parts=str(count)) for part in parts] if count > 1 else [""]


def form_lines(call: Call, service: Service | None, errors: Sequence[FormError]) -> tuple[ErrorLine, ...]:
    """The mistakes of a form in the caller's language."""
    form = localised(service.form, call.language) if service is not None else {}
    return tuple(
        ErrorLine(pointer=shown(error.pointer), code=error.code, detail=told(form, error, call.say)) for error in errors
    )


def told(form: Mapping[str, Any], error: FormError, say: Callable[..., str]) -> str:
    """One mistake in words: the form's own where it has them, and fields by the titles people see."""
    fields = form.get("properties", {})
    own = fields.get(error.pointer.removeprefix("/form/"), {}).get("x-error-message", "")
    if error.code == "pattern" and own:
        return str(own)
    params = dict(error.params)
    if "fields" in params:
        names = params["fields"].split(", ")
        params["fields"] = ", ".join(str(fields.get(name, {}).get("title", name)) for name in names)
    return say(f"problem.violation.{error.code}", **params)
