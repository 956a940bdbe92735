"""Request headers are read leniently where the standards say so, and exactly where money hangs on them.

A bare Idempotency-Key and the same key in quotes are one key: a bare UUID is no structured field, yet real clients
send it so. A `Prefer` we cannot read is ignored (RFC 7240), an Accept-Language falls to English, never to 406.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

LANGUAGES = ("en", "or", "hi")
WAIT_DEFAULT_S = 2
WAIT_MOST_S = 30
_QUOTED = re.compile(r'"([!#-\[\]-~]{1,253})"')
_BARE = re.compile(r"[!#-~]{1,255}")
_PIECE = re.compile(r'((?:[^,"]|"(?:[^"\\]|\\.)*")+)')


@lru_cache(maxsize=512)
def language_of(accept: str) -> str:
    """The best of en, or, hi by q-value; the caller's order decides between equals; en when none fits."""
    best, best_q = "en", 0.0
    for part in accept.split(","):
        tag, _, rest = part.partition(";")
        name = tag.strip().lower().partition("-")[0]
        name = "en" if name == "*" else name
        q = _quality(rest)
        if name in LANGUAGES and q > best_q:
            best, best_q = name, q
    return best


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            return float(value) if re.fullmatch(r"[01](?:\.[0-9]{0,3})?", value.strip()) else 0.0
    return 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the caller waits for a settled answer, in seconds; `asked` when it said so itself."""

    seconds: int = WAIT_DEFAULT_S
    asked: bool = False


@lru_cache(maxsize=512)
def patience_of(prefer: str) -> Patience:
    """`wait=N` (0 to 30) or `respond-async` out of a Prefer header."""
    found: dict[str, str] = {}
    for piece in _PIECE.findall(prefer):
        name, _, value = piece.partition(";")[0].partition("=")
        # RFC 7240: of a repeated preference the first one counts.
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    wait = found.get("wait", "")
    if wait.isascii() and wait.isdigit() and len(wait) < 10:
        return Patience(min(int(wait), WAIT_MOST_S), asked=True)
    return Patience(0, asked=True) if "respond-async" in found else Patience()


def key_of(header: str) -> str | None:
    """The idempotency key, quoted or bare; None when it is neither."""
    value = header.strip()
    quoted = _QUOTED.fullmatch(value)
    if quoted:
        return quoted[1]
    return value if _BARE.fullmatch(value) else None


def etag_listed(if_none_match: str, etag: str) -> bool:
    """Whether the caller's list names this tag; the weak comparison RFC 9110 asks for."""
    if if_none_match.strip() == "*":
        return True
    return any(tag.strip().removeprefix("W/") == etag for tag in if_none_match.split(","))


def bearer_of(authorization: str) -> str:
    """The token, or nothing."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() in {"bearer", "dpop"} else ""
