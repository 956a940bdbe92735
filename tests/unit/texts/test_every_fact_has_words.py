"""Whatever the code records by key has a sentence: found by reading the code, so that a new one cannot be forgotten."""

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import adapters
from aggregator.cases.lifecycle import EDGES
from aggregator.sdk.status import Status
from aggregator.texts import has

ROOT = Path(__file__).parents[3]
KEY = re.compile(r"(state|enquiry|action|effect)\.[a-z_]+")
EVENT = re.compile(r"(case|leg|operation|status)\.[a-z_-]+")


def drivers():
    """The modules of every driver, without its simulator."""
    return [found for found in pkgutil.walk_packages(adapters.__path__, "adapters.") if "simulator" not in found.name]


def literals(folder):
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path.relative_to(ROOT), node.value


def calls(folder, name):
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name:
                yield path.relative_to(ROOT), node


def texts_of(nodes):
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_every_sentence_a_case_can_be_in_is_written():
    used = {(path, text) for path, text in literals("aggregator/cases") if KEY.fullmatch(text)}
    assert len(used) > 10
    assert {(str(path), key) for path, key in used if not has(key)} == set()


def test_every_event_of_a_timeline_is_written():
    used = {text for folder in ("aggregator/cases", "aggregator/feed") for _, text in literals(folder)}
    events = {text for text in used if EVENT.fullmatch(text)} | set(EDGES.values())
    assert len(events) > 15
    assert {event for event in events if not has(f"event.{event}")} == set()


def test_every_reason_a_step_is_taken_for_is_written():
    reasons = {reason for path, call in calls("aggregator/cases", "Step") for reason in texts_of(call.args[1:2])}
    assert len(reasons) > 5
    assert {reason for reason in reasons if not has(f"reason.{reason}")} == set()


def test_every_reason_a_driver_refuses_for_is_written():
    reasons = {
        text
        for _, call in calls("adapters", "Refused")
        for text in texts_of([*call.args[1:2], *(word.value for word in call.keywords if word.arg == "reason")])
    }
    for found in drivers():
        reasons |= set(getattr(importlib.import_module(found.name), "REASONS", {}).values())
    assert "encumbrance" in reasons
    assert {reason for reason in reasons if not has(f"reason.{reason}")} == set()


def details(table):
    """The refinements in a table of words, however deep it is."""
    if isinstance(table, tuple) and len(table) == 2 and isinstance(table[0], Status):
        yield table[1]
    elif isinstance(table, dict):
        for value in table.values():
            yield from details(value)


def test_every_detail_of_a_status_is_written():
    modules = [importlib.import_module(found.name) for found in drivers()]
    found = {detail for module in modules for table in list(vars(module).values()) for detail in details(table)}
    assert "SCRUTINY" in found
    assert {detail for detail in found if not has(f"detail.{detail}")} == set()
