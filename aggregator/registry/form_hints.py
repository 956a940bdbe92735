"""Hints of a form: how it is laid out where the rules of layout would be wrong. Checked where they stand.

`x-groups` names fields that stand together, `x-widget` the way one is asked, `x-autofill` what a browser calls it.
Source: docs/adapter-authors.md.
"""

from collections.abc import Mapping
from typing import Any

from aggregator.registry.locate import Path
from aggregator.registry.shape import Words
from aggregator.registry.source import Source, shown

WIDGETS = ("text", "textarea", "radio", "select", "checkbox", "checkboxes", "number", "file")
HINTS = ("x-widget", "x-groups", "x-autofill")
GROUP_MOST = 12


def check_hint(key: str, value: Any, path: Path, source: Source) -> None:
    """Reports what is wrong with one hint."""
    if key == "x-widget" and value not in WIDGETS:
        source.wrong(path, f"must be one of {', '.join(WIDGETS)}, got {shown(value)}")
    elif key == "x-autofill" and not isinstance(value, str):
        source.wrong(path, f"must be text, got {shown(value)}")
    elif key == "x-groups":
        _groups(value, path, source)


def _groups(groups: Any, path: Path, source: Source) -> None:
    if not isinstance(groups, list):
        source.wrong(path, f"must be a list of groups, got {shown(groups)}")
        return
    fields = set(source.data.get("properties", {}))
    placed: set[str] = set()
    for index, group in enumerate(groups):
        here = (*path, index)
        if not isinstance(group, Mapping) or not isinstance(group.get("fields"), list):
            source.wrong(here, "must be a title and a list of fields")
            continue
        Words().check(group.get("title", {}), (*here, "title"), source)
        for name in group["fields"]:
            if name not in fields:
                source.wrong((*here, "fields"), f"names no field of this form: {shown(name)}")
            elif name in placed:
                source.wrong((*here, "fields"), f"names a field that is in a group already: {shown(name)}")
            placed.add(name)
        if len(group["fields"]) > GROUP_MOST:
            source.wrong((*here, "fields"), f"may hold at most {GROUP_MOST} fields, got {len(group['fields'])}")
