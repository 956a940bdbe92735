"""What a scan gets wrong has a look of its own: these looks are reported, an editor decides."""

import re
from collections.abc import Iterator

_LOOKS = (
    (re.compile(r"\bl(?=[bcdfghjkmnpqrstvwxz])[a-z]*"), "a small l where a capital I belongs"),
    (re.compile(r"\b(\w+) \1\b", re.IGNORECASE), "a word twice"),
    (re.compile(r"\b[A-Z]?[a-z]+[A-Z]\b"), "a capital at the end of a word"),
    (re.compile(r"\b[A-Za-z]+[0-9]+[a-z]+\b"), "a digit within a word"),
    (re.compile(r" [.,;:](?! )"), "a stop with a space before it"),
    (re.compile(r"[A-Za-z]-  ?[a-z]"), "a word cut at the end of a line"),
    (
        re.compile(r"(?i)\b(?:certficate|licnece|goverment|recieve|issuence|devlopment|harzard|commisioner)\b"),
        "a misspelling",
    ),
)
_KNOWN = frozenset({"RuPay", "PhD", "RoR", "MoD", "HoD"})
_NUMBERED = re.compile(r"(?<= )(?:[ivx]+|[a-z])\)")


def slips_in(text: str) -> Iterator[tuple[str, str]]:
    """Every (stretch, what it looks like) in an English text."""
    for look, what in _LOOKS:
        for match in look.finditer(text):
            if match[0].strip() and match[0] not in _KNOWN:
                yield match[0], what
    bare = _NUMBERED.sub("", text)
    if bare.count("(") != bare.count(")"):
        yield text[-20:], "a bracket without its partner"
