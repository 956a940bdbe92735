"""Two renderers other people wrote, one layout: what each is given so that both show the same form.

JSON Forms validates `if`/`then` but hides nothing by it: it gets rules. rjsf shows whatever stands in `properties`: its
conditional fields move into the `then`, and the root no longer says that nothing else may come, because a validator
does not look into a `then` for that. The server's own check is made with the form as it stands in its file.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.discovery.forms.layout import Field, Group, layout

_UNSAID = ("$schema", "x-groups")


def data_schema(form: Mapping[str, Any], renderer: str) -> dict[str, Any]:
    """The localised form as this renderer can take it: no dialect of its own, no hints of ours at the root."""
    plain = {name: value for name, value in form.items() if name not in _UNSAID}
    hidden = {field.name for group in layout(form) for field in group.fields if field.condition is not None}
    if renderer != "rjsf" or not hidden:
        return plain
    shown = {name: schema for name, schema in plain["properties"].items() if name not in hidden}
    moved = {name: schema for name, schema in plain["properties"].items() if name in hidden}
    made = {name: value for name, value in plain.items() if name != "additionalProperties"}
    made |= {"properties": shown, **_opened(plain, moved)}
    if "allOf" in plain:
        made["allOf"] = [{**part, **_opened(part, moved)} for part in plain["allOf"]]
    return made


def _opened(part: Mapping[str, Any], moved: Mapping[str, Any]) -> dict[str, Any]:
    """The `then` of a condition with the fields it asks for in it."""
    then = part.get("then")
    if then is None:
        return {}
    names = dict.fromkeys((*then.get("required", ()), *then.get("properties", ())))
    own = then.get("properties", {})
    return {"then": {**then, "properties": {name: {**moved[name], **own.get(name, {})} for name in names}}}


def ui_schema(form: Mapping[str, Any], renderer: str, titles: Sequence[str] = ()) -> dict[str, Any]:
    """Order, groups, widgets and conditions for the renderer. `titles` name groups the form leaves unnamed."""
    groups = layout(form)
    names = [group.title or (titles[at] if at < len(titles) else "") for at, group in enumerate(groups)]
    return _jsonforms(groups, names) if renderer == "jsonforms" else _rjsf(groups, names)


def _jsonforms(groups: Sequence[Group], names: Sequence[str]) -> dict[str, Any]:
    if len(groups) == 1:
        return {"type": "VerticalLayout", "elements": [_control(field) for field in groups[0].fields]}
    parts = [
        {"type": "Group", "label": name, "elements": [_control(field) for field in group.fields]}
        for group, name in zip(groups, names, strict=True)
    ]
    return {"type": "VerticalLayout", "elements": parts}


def _control(field: Field) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "Control", "scope": f"#/properties/{field.name}"}
    options: dict[str, Any] = {}
    match field.widget:
        case "textarea":
            options["multi"] = True
        case "radio":
            options["format"] = "radio"
        case "file":
            options |= {"upload": True, "accept": field.accept}
    if field.searched:
        options["autocomplete"] = True
    if options:
        made["options"] = options
    if field.condition is not None:
        made["rule"] = {
            "effect": "SHOW",
            "condition": {
                "scope": f"#/properties/{field.condition.controlling}",
                "schema": field.condition.schema,
                "failWhenUndefined": True,
            },
        }
    return made


_RJSF = {"textarea": "textarea", "radio": "radio", "select": "select", "checkboxes": "checkboxes"}


def _rjsf(groups: Sequence[Group], names: Sequence[str]) -> dict[str, Any]:
    """Order and widgets. What rjsf has no word for, groups, stands under `ui:options` for a portal's own template."""
    fields = [field for group in groups for field in group.fields]
    made: dict[str, Any] = {"ui:order": [field.name for field in fields]}
    if any(field.condition for field in fields):
        made["ui:order"].append("*")
    if len(groups) > 1:
        shown = zip(groups, names, strict=True)
        made["ui:options"] = {
            "groups": [{"title": name, "fields": [one.name for one in group.fields]} for group, name in shown]
        }
    for field in fields:
        hints: dict[str, Any] = {}
        if field.widget in _RJSF:
            hints["ui:widget"] = _RJSF[field.widget]
        if field.autofill:
            hints["ui:autocomplete"] = field.autofill
        if field.widget == "file":
            hints["ui:options"] = {"upload": True, "accept": field.accept}
        if hints:
            made[field.name] = hints
    return made
