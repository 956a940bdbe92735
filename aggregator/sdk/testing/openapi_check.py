"""An OpenAPI file lies about itself in small ways: it is imported with its defects listed, or refused with the reason.

Refused is only what nobody could import: no YAML or JSON, no OpenAPI, no operations. What a person must know beside
that is a defect (the document contradicts the specification or itself), a remark (it contradicts itself where no
importer looks: examples, required names nobody defined, parts nobody refers to) or a notice. Nothing is fetched: a
reference out of the document is a defect. Source: the specifications 2.0, 3.0 and 3.1.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_SIZE_MAX = 8 * 1_048_576
_DEPTH_MAX = 100
_TEMPLATE = re.compile(r"\{([^{}]+)\}")
_PART = re.compile(r"/components/[^/]+/[^/]+|/(?:definitions|parameters|responses)/[^/]+")
_UNREAD = frozenset({"example", "examples", "default", "enum", "const"})
"""Under these lies data, not description."""
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: not isinstance(value, list | dict | bool | int | float),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value == int(value),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}


class DocumentRefused(Exception):
    """The document cannot be imported. `line` is 0 where the fault is not in one line."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}" if line else f"{file}: {reason}")
        self.file = file
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Finding:
    """`pointer` says where, as a JSON pointer without its escapes."""

    pointer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What an importer gets. `repaired` counts integer keys (`200:`) that were made text."""

    document: dict[str, Any]
    version: str
    paths: int
    operations: int
    repaired: int
    notices: tuple[str, ...]
    defects: tuple[Finding, ...]
    remarks: tuple[Finding, ...]


def check(path: Path) -> Checked:
    """Raises DocumentRefused."""
    document = _read(path)
    if not isinstance(document, dict):
        raise DocumentRefused(path.name, 0, "not an OpenAPI document but a bare value")
    repaired = _repair(document)
    version = str(document.get("openapi") or document.get("swagger") or "")
    if not re.match(r"2\.0$|3\.[01]\.", version):
        raise DocumentRefused(path.name, 0, f"no version of OpenAPI that is known here: {version[:20] or 'none'}")
    paths = document.get("paths")
    operations = list(_operations(paths)) if isinstance(paths, dict) else []
    if not isinstance(paths, dict) or not operations:
        raise DocumentRefused(path.name, 0, "no path with an operation")
    defects, remarks = _findings(document, operations)
    notices = tuple(_notices(document, version))
    return Checked(document, version, len(paths), len(operations), repaired, notices, defects, remarks)


def _read(path: Path) -> Any:
    content = path.read_bytes()
    if len(content) > _SIZE_MAX:
        raise DocumentRefused(path.name, 0, f"larger than {_SIZE_MAX} bytes")
    if re.match(rb"\s*<", content):
        raise DocumentRefused(path.name, 1, "not an OpenAPI document but an HTML or XML page")
    try:
        if content.lstrip().startswith(b"{"):
            return json.loads(content)
        return _yaml(content)
    except json.JSONDecodeError as exc:
        raise DocumentRefused(path.name, exc.lineno, f"not JSON: {exc.msg}") from exc
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 0
        raise DocumentRefused(path.name, line, f"not YAML: {exc.problem}") from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise DocumentRefused(path.name, 0, f"not readable: {type(exc).__name__}") from exc


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _yaml(content: bytes) -> Any:
    depth = 0
    for event in yaml.parse(content, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH_MAX:
            # Measured first: the fast loader builds recursively in C, and dies of it with the whole process.
            raise ValueError("nested too deeply")
    return yaml.load(content, Loader=_LOADER)  # noqa: S506 - a safe loader


def _repair(document: Any) -> int:
    """Makes integer keys text, in place. A YAML alias is one object in several places and is met once."""
    count, seen, left = 0, set[int](), [document]
    while left:
        node = left.pop()
        if id(node) in seen or not isinstance(node, dict | list):
            continue
        seen.add(id(node))
        if isinstance(node, dict):
            wrong = [key for key in node if isinstance(key, int) and not isinstance(key, bool)]
            count += len(wrong)
            for key in wrong:
                node[str(key)] = node.pop(key)
        left.extend(node.values() if isinstance(node, dict) else node)
    return count


def _operations(paths: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any], list[Any]]]:
    """Path, method, operation, and the parameters of both its path and itself."""
    for path, item in paths.items():
        if not isinstance(item, dict):
            continue
        shared = item.get("parameters") or []
        for method, operation in item.items():
            if method in METHODS and isinstance(operation, dict):
                own = operation.get("parameters") or []
                yield str(path), method, operation, [*shared, *own]


def _notices(document: Mapping[str, Any], version: str) -> Iterator[str]:
    if version == "2.0":
        yield "Swagger 2.0: parameters and bodies are described as that version does"
    elif not document.get("servers"):
        yield "no servers: the address comes from the registry in any case"


def _findings(document: dict[str, Any], operations: list[Any]) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    nodes = list(_nodes(document))
    met = {str(node["$ref"]).removeprefix("#") for _, node in nodes if isinstance(node.get("$ref"), str)}
    defects, remarks = list(_of_operations(document, operations)), list[Finding]()
    for pointer, node in nodes:
        part = _PART.match(pointer)
        # No operation refers to it: an importer never meets it.
        unmet = part is not None and part[0] not in met
        (remarks if unmet else defects).extend(_of_node(document, pointer, node))
        remarks.extend(_remarks(pointer, node))
    return tuple(defects), tuple(remarks)


def _of_operations(document: Mapping[str, Any], operations: list[Any]) -> Iterator[Finding]:
    for path, method, operation, parameters in operations:
        at = f"/paths/{path}/{method}"
        met = [resolved(document, one) for one in parameters]
        declared = {one.get("name") for one in met if isinstance(one, dict) and one.get("in") == "path"}
        templates = set(_TEMPLATE.findall(path))
        for name in sorted(map(str, declared - templates)):
            yield Finding(at, f"path parameter {name} is declared and the path has no place for it")
        for name in sorted(templates - declared):
            yield Finding(at, f"the path has a place {{{name}}} and no parameter of that name")
        if not operation.get("responses"):
            yield Finding(at, "no responses")


def resolved(document: Mapping[str, Any], node: Any) -> Any:
    """What a reference inside the document points to, or the node itself; None for a reference to nothing."""
    for _ in range(20):
        if not (isinstance(node, dict) and isinstance(node.get("$ref"), str)):
            return node
        found: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        node = found
    return None


def _nodes(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping that describes something, each once, with where it is."""
    seen, left = set[int](), [("", document)]
    while left:
        pointer, node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield pointer, node
        named = pointer.endswith("/properties")  # a property may be called "default"
        for key, child in node.items():
            if (str(key) in _UNREAD or str(key).startswith("x-")) and not named:
                continue
            for at, one in enumerate(child) if isinstance(child, list) else ((None, child),):
                if isinstance(one, dict):
                    left.append((f"{pointer}/{key}" if at is None else f"{pointer}/{key}/{at}", one))


def _of_node(document: Mapping[str, Any], pointer: str, node: dict[str, Any]) -> Iterator[Finding]:
    reference = node.get("$ref")
    if pointer.endswith("/properties"):
        return  # its keys are names somebody chose
    if isinstance(reference, str):
        if not reference.startswith("#/"):
            yield Finding(pointer, "a reference leaves the document")
        elif resolved(document, node) is None:
            yield Finding(pointer, f"a reference to nothing: {reference}")
    if not _fits(node, "default"):
        yield Finding(pointer, f"the default is no {node['type']}")
    if "collectionFormat" in node and "/properties/" in pointer:
        yield Finding(pointer, "collectionFormat belongs to parameters, not to a property of a schema")


def _remarks(pointer: str, node: dict[str, Any]) -> Iterator[Finding]:
    if not _fits(node, "example"):
        yield Finding(pointer, f"the example is no {node['type']}")
    required, properties = node.get("required"), node.get("properties")
    if isinstance(required, list) and isinstance(properties, dict):
        for name in required:
            if name not in properties:
                yield Finding(pointer, f"{name} is required and not defined")


def _fits(node: Mapping[str, Any], name: str) -> bool:
    kind = node.get("type")
    wanted = _TYPES.get(kind) if isinstance(kind, str) else None
    value = node.get(name)
    return wanted is None or value is None or wanted(value)
