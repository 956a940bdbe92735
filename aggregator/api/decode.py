"""A body is refused with every mistake at once, and never quoted back.

Content type first (415), then size (413), then JSON (400 with the position), then the shape. The fast path is one
msgspec decode; only a refused body pays for finding all its mistakes with a validator built from the same schema.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import jsonschema_rs
import msgspec
import orjson
from msgspec import Struct

from aggregator.api.problem import Problem, Says
from aggregator.api.shapes import ErrorLine
from aggregator.api.violations import violated

_ESCAPED = re.compile(rb"\\(?:u00[01][0-9a-fA-F]|u007[fF]|[bfnrt])")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_CONTROL_IN_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FREE_TEXT = ("/form", "/note")
DEPTH = 32


class Reader:
    """Decodes one type of body."""

    def __init__(self, body: type[Struct]) -> None:
        self._decoder = msgspec.json.Decoder(body)
        (schema,), parts = msgspec.json.schema_components([body], ref_template="#/$defs/{name}")
        self._schema = {**schema, "$defs": parts}
        text = msgspec.json.encode(self._schema).decode()
        self._explain = jsonschema_rs.Draft202012Validator(text, validate_formats=True, offline=True)

    def read(self, raw: bytes, say: Says, language: str) -> Any:
        """The decoded body. Raises Problem malformed-request or validation-failed."""
        try:
            body = self._decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise self._problem(raw, exc, say, language) from exc
        if _ESCAPED.search(raw) or b"\x7f" in raw:
            found = list(_controls(orjson.loads(raw), ""))
            if found:
                raise invalid([explained(pointer, "control", {}, say, language) for pointer in found])
        return body

    def _problem(self, raw: bytes, exc: Exception, say: Says, language: str) -> Problem:
        tree = _parsed(raw)
        found = [
            explained(pointer_of(error), *violated(error, self._schema), say, language)
            for error in self._explain.iter_errors(tree)
        ]
        found += [explained(pointer, "control", {}, say, language) for pointer in _controls(tree, "")]
        # A stricter decoder than the schema: its message names the place and the rule, not the value.
        return invalid(found or [explained(_place(str(exc)), "invalid", {}, say, language)])


@cache
def reader_of(body: type[Struct]) -> Reader:
    """The one reader of this type: making it costs a start as much as reading a thousand bodies."""
    return Reader(body)


def _parsed(raw: bytes) -> Any:
    try:
        tree = orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        raise Problem("malformed-request", variant="json", about={"position": str(exc.pos)}) from exc
    if _deeper(tree, DEPTH):
        raise Problem("malformed-request", variant="depth", about={"depth": str(DEPTH)})
    return tree


def _deeper(tree: Any, left: int) -> bool:
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return left == 0 or any(_deeper(part, left - 1) for part in inner if isinstance(part, dict | list))


def invalid(errors: Sequence[ErrorLine]) -> Problem:
    """validation-failed with these lines."""
    return Problem("validation-failed", errors=errors[:1000])


def explained(pointer: str, code: str, params: Mapping[str, str], say: Says, language: str) -> ErrorLine:
    """One violation in words of our own: a validator's message would quote the value (JS-3, JS-4)."""
    return ErrorLine(pointer=shown(pointer), code=code, detail=say(f"problem.violation.{code}", language, **params))


def shown(pointer: str) -> str:
    """A pointer that can be shown: names a caller made up may be long or hold what cannot be seen."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", pointer[:500])


def pointer_of(error: Any) -> str:
    """The JSON pointer of a violation; for a missing or unknown member, of the member itself."""
    path = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in error.instance_path)
    kind = error.kind
    if kind.name == "required":
        return f"{path}/{str(kind.property).replace('~', '~0').replace('/', '~1')}"
    if kind.name == "additionalProperties" and kind.unexpected:
        return f"{path}/{str(kind.unexpected[0])[:100].replace('~', '~0').replace('/', '~1')}"
    return path


def _place(message: str) -> str:
    match = re.search(r"at `\$([^`]*)`", message)
    return "" if match is None else re.sub(r"\[([0-9]+|\.\.\.)\]", r".\1", match[1]).replace(".", "/")


def _controls(tree: Any, path: str) -> Iterator[str]:
    """The pointers of strings, names included, that hold control characters; line ends are text in free text."""
    if isinstance(tree, str):
        rule = _CONTROL_IN_TEXT if path.startswith(_FREE_TEXT) else _CONTROL
        if rule.search(tree):
            yield path
    elif isinstance(tree, dict):
        for name, part in tree.items():
            if _CONTROL.search(name):
                yield path
            yield from _controls(part, f"{path}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(tree, list):
        for at, part in enumerate(tree):
            yield from _controls(part, f"{path}/{at}")
