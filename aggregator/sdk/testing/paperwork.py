"""What can be told of a driver by reading its folder: its facts, its texts, its size, its imports, its README."""

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aggregator.sdk.adapter import Class
from aggregator.sdk.testing.conformance import Candidate, undeclared
from aggregator.sdk.testing.quality import Finding, Result

LANGUAGES = frozenset({"en", "or", "hi"})
MAX_LINES = 150
_DRIVER_KEYS = ("name", "kind", "version", "protocol", "title", "summary")
_FORBIDDEN = frozenset(
    {"aiohttp", "httpx", "zeep", "tenacity", "pybreaker", "cachetools", "aiosqlite", "asyncpg", "requests", "urllib3"}
)
_WORDED = frozenset({"title", "description", "x-error-message"})


def paperwork(candidate: Candidate) -> list[Result]:
    """Every rule that needs no call."""
    return [
        _manifest(candidate),
        _languages(candidate),
        _orders(candidate),
        _imports(candidate),
        _size(candidate),
        _bounds(candidate),
        _sample_per_operation(candidate),
        _readme(candidate),
        _find(candidate),
        _contract(candidate),
        _troubleshooting(candidate),
    ]


def _manifest(candidate: Candidate) -> Result:
    told, where = candidate.manifest.get("driver", {}), _shown(candidate, "adapter.toml")
    found = [Finding(where, f"[driver] has no {key}") for key in _DRIVER_KEYS if not told.get(key)]
    if (told.get("kind"), told.get("name")) != (candidate.kind, candidate.name):
        found.append(Finding(where, f"is filed under {candidate.kind}/{candidate.name} and calls itself another"))
    if not candidate.manifest.get("quality"):
        found.append(Finding(where, "[quality] is empty", "Say what was proved, and against what"))
    offers = candidate.manifest.get("services", {})
    for name, offer in offers.items():
        if offer.get("operation") not in candidate.operations:
            found.append(Finding(where, f"service {name} is operation {offer.get('operation')!r}, which is not there"))
        if not _readable(candidate.folder / str(offer.get("form", ""))):
            found.append(Finding(where, f"the form of service {name} cannot be read"))
    return Result("manifest", len(_DRIVER_KEYS) + 2 + 2 * len(offers) - len(found), tuple(found))


def _languages(candidate: Candidate) -> Result:
    passed, found = 0, []
    for name, offer in candidate.manifest.get("services", {}).items():
        form = _readable(candidate.folder / str(offer.get("form", ""))) or {}
        for words in (offer.get("title", {}), *_words(form)):
            missing = sorted(LANGUAGES - {language for language, text in words.items() if text})
            if missing:
                says = f"service {name}: {words.get('en', 'a title')!r} is missing in {', '.join(missing)}"
                found.append(Finding(_shown(candidate, str(offer.get("form"))), says))
            else:
                passed += 1
    return Result("languages", passed, tuple(found))


def _orders(candidate: Candidate) -> Result:
    orders, operations = set(candidate.sandbox["orders"]), set(candidate.operations)
    module, toml = _shown(candidate, "__init__.py"), _shown(candidate, "sandbox.toml")
    found = [
        Finding(module, f"{name} is public and not declared", "Mark it @operation(...): nobody would guard it")
        for name in undeclared(candidate)
    ]
    found += [Finding(toml, f"no order for operation {name}") for name in sorted(operations - orders)]
    found += [Finding(toml, f"an order for {name}, which is no operation") for name in sorted(orders - operations)]
    return Result("orders", len(operations & orders), tuple(found))


def _imports(candidate: Candidate) -> Result:
    passed, found = 0, []
    for path in sorted(candidate.folder.rglob("*.py")):
        for line, name in _imported(path):
            if says := _objection(candidate, path, name):
                found.append(Finding(f"{_shown(candidate, path.name)}:{line}", says))
            else:
                passed += 1
    return Result("imports", passed, tuple(found))


def _objection(candidate: Candidate, path: Path, name: str) -> str:
    top = name.partition(".")[0]
    simulates = path.name.startswith("simulator")
    if top == "aggregator":
        if not name.startswith("aggregator.sdk"):
            return f"imports {name}: an adapter sees aggregator.sdk and nothing else"
        if name.startswith("aggregator.sdk.testing") and not simulates:
            return f"imports {name}: the kit is for simulators"
    if top == "adapters" and name != f"adapters.{candidate.kind}" and not name.startswith(candidate.module):
        # The kind's own package is no driver: it holds what drivers of one kind must decide alike.
        return f"imports {name}: no adapter imports another"
    if top in _FORBIDDEN and top not in sys.stdlib_module_names and not simulates:
        return f"imports {name}: calls go through the wire it is given"
    return ""


def _size(candidate: Candidate) -> Result:
    lines = len((candidate.folder / "__init__.py").read_text("utf-8").splitlines())
    if lines <= MAX_LINES:
        return Result("size", 1)
    says = f"{lines} lines, at most {MAX_LINES}"
    where = f"{_shown(candidate, '__init__.py')}:{MAX_LINES}"
    return Result("size", 0, (Finding(where, says, "Move tables and readings into files of their own"),))


def _bounds(candidate: Candidate) -> Result:
    passed, found = 0, []
    for name, declared in candidate.operations.items():
        where = f"{_shown(candidate, '__init__.py')}:{_line_of(candidate, name)}"
        if declared.effective is Class.OPAQUE:
            says = f"{name} is opaque: an unknown outcome goes to a person"
            do = "Declare class and max_apply_delay_s when the agency can be asked"
            found.append(Finding(where, says, do))
        elif declared.cls is Class.QUERYABLE and "find" not in candidate.operations:
            found.append(Finding(where, f"{name} is declared queryable, and there is no find"))
        else:
            passed += 1
    return Result("bounds", passed, tuple(found))


def _sample_per_operation(candidate: Candidate) -> Result:
    files = candidate.folder.glob("samples/**/*.*.*")
    sampled = {path.name.partition(".")[0] for path in files} & set(candidate.operations)
    found = [
        Finding(f"{candidate.module}.{name}", "no recorded answer", f"aggregator adapter call AGENCY {name} --record")
        for name in candidate.operations
        if name not in sampled
    ]
    return Result("sample_per_operation", len(sampled), tuple(found))


def _readme(candidate: Candidate) -> Result:
    text = _text(candidate)
    found = [
        Finding(_shown(candidate, "README.md"), f"does not say {what}")
        for what, words in (("what is verified", "verified|published|seen in"), ("what is our choice", r"our|ours"))
        if not re.search(rf"\b(?:{words})\b", text, re.IGNORECASE)
    ]
    return Result("readme", 2 - len(found), tuple(found))


def _find(candidate: Candidate) -> Result:
    writes = [name for name, declared in candidate.operations.items() if declared.cls is not Class.SAFE]
    if not writes or "find" in candidate.operations:
        return Result("find", 1)
    return Result("find", 0, (Finding(_shown(candidate, "__init__.py"), f"{', '.join(writes)} and no find"),))


def _contract(candidate: Candidate) -> Result:
    if candidate.manifest.get("quality", {}).get("contract_verified"):
        return Result("contract", 1)
    says = "[quality] has no contract_verified: by whom, when, against which of the agency's systems"
    return Result("contract", 0, (Finding(_shown(candidate, "adapter.toml"), says),))


def _troubleshooting(candidate: Candidate) -> Result:
    if re.search(r"^#+ .*(troubleshoot|does not work|goes wrong)", _text(candidate), re.IGNORECASE | re.MULTILINE):
        return Result("troubleshooting", 1)
    return Result("troubleshooting", 0, (Finding(_shown(candidate, "README.md"), "no troubleshooting text"),))


def _words(form: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    for name, value in form.items():
        if name in _WORDED and isinstance(value, Mapping) and not set(value) & {"type", "title"}:
            yield value
        elif isinstance(value, Mapping):
            yield from _words(value)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, Mapping):
                    yield from _words(item)


def _readable(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _imported(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def _line_of(candidate: Candidate, operation: str) -> int:
    lines = (candidate.folder / "__init__.py").read_text("utf-8").splitlines()
    return next((n for n, line in enumerate(lines, 1) if f"async def {operation}(" in line), 1)


def _text(candidate: Candidate) -> str:
    path = candidate.folder / "README.md"
    return path.read_text("utf-8") if path.exists() else ""


def _shown(candidate: Candidate, name: str) -> str:
    return f"adapters/{candidate.kind}/{candidate.name}/{name}"
