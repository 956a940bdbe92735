"""Values are taken out of an answer by asking for what is needed; what is missing or odd is the agency's fault.

Nothing is guessed: a date has the format its field is documented with, a status word is listed or UNKNOWN.
Source: the shared rules of the protocols, sections 4 and 6.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from lxml import etree

from aggregator.sdk.clock import IST
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Reading
from aggregator.sdk.status import Status

ABSENT = frozenset({"", "NA", "N/A", "NULL", "0001-01-01", "01-01-0001", "01/01/0001", "00/00/0000", "00-00-0000"})
"""How agencies spell "no value", in upper case."""

Word = Status | tuple[Status, str]
"""What a status word means: a status, or a status and the desk or refinement (`detail`)."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2060\ufeff]")
_RUPEES = re.compile(r"[+-]?(?:\d{1,12}(?:\.\d{0,4})?|\.\d{1,4})", re.ASCII)
_PIECE = re.compile(r"sssss|ss|yyyy|MMM|MM|dd|HH|mm|XXX|'T'|[-/ :.]")
_PATTERNS = {
    "yyyy": r"(?P<year>\d{4})",
    "MMM": r"(?P<name>[A-Za-z]{3})",
    "MM": r"(?P<month>\d{1,2})",
    "dd": r"(?P<day>\d{1,2})",
    "HH": r"(?P<hour>\d{1,2})",
    "mm": r"(?P<minute>\d{2})",
    "ss": r"(?P<second>\d{2})(?:\.\d{1,9})?",
    "sssss": r"\d{1,5}",  # seen in the wild and no seconds at all: read and dropped
    "XXX": r"(?P<zone>Z|[+-]\d{2}:?\d{2})",
    "'T'": "T",
    "-": "[-/]",  # a source may use one in its table and the other in its sample; never both orders
    "/": "[-/]",
    " ": r"\s+",
    ":": ":",
    ".": r"\.",
}


def need(reply: Any, name: str) -> Any:
    """The value of `name` in a JSON object, SOAP message or XML element (text of its child). Text comes as NFC.

    Raises ContractBroken when it is absent, null or empty: that is the agency's
    fault, and the caller must not have to think of it.
    """
    value = value_of(reply, name)
    if value is None or value == "":
        raise ContractBroken(f"the reply has no {name!r}")
    return value


def value_of(reply: Any, name: str, default: Any = None) -> Any:
    """As `need`, but `default` for what is absent."""
    if isinstance(reply, Mapping):
        value = reply.get(name)
    elif isinstance(reply, etree._Element):  # noqa: SLF001 - lxml has no public name for the type of an element
        child = reply.find(name)
        value = None if child is None else child.text
    else:
        value = getattr(reply, name, None)
    if isinstance(value, str):
        value = unicodedata.normalize("NFC", value).strip()
    return default if value is None else value


def need_rows(reply: Any, name: str = "") -> list[Any]:
    """The list that `reply` is, or has under `name`. An empty list is a list; anything else is ContractBroken."""
    rows = reply if not name else value_of(reply, name)
    if not isinstance(rows, list):
        raise ContractBroken(f"the reply has no list {name!r}" if name else "the reply is no list")
    return rows


def is_absent(value: Any) -> bool:
    """Whether this is one of the agencies' spellings of "no value"."""
    return value is None or (isinstance(value, str) and value.strip().upper() in ABSENT)


def clean(text: Any) -> str:
    """A text fit to show: NFC, without control characters other than newline; empty for the absent spellings."""
    if is_absent(text):
        return ""
    return _CONTROLS.sub("", unicodedata.normalize("NFC", str(text).replace("\r\n", "\n"))).strip()


def read_status(  # noqa: PLR0913 - the fields of a Reading
    table: Mapping[str, Word],
    word: Any,
    *,
    phrases: Mapping[str, Word] | None = None,
    at: datetime | None = None,
    remark: Any = "",
    facts: Mapping[str, str] | None = None,
) -> Reading:
    """A reading of the agency's status word; blank or unlisted is UNKNOWN, with the word kept verbatim.

    Words compare without regard to case, runs of white space and a final full stop. `phrases` are whole-text
    patterns for words with variables. Raises ContractBroken when two patterns that disagree match.
    """
    raw = "" if word is None else unicodedata.normalize("NFC", str(word))
    found = table.get(raw) or _loosely(table, raw) or _by_phrase(phrases or {}, raw)
    status, detail = found if isinstance(found, tuple) else (found or Status.UNKNOWN, "")
    return Reading(status, raw, at=at, remark=clean(remark), detail=detail, facts=facts or {})


def _plain(word: str) -> str:
    return " ".join(word.split()).removesuffix(".").rstrip().casefold()


def _loosely(table: Mapping[str, Word], raw: str) -> Word | None:
    plain = _plain(raw)
    if not plain:
        return None
    return next((meaning for listed, meaning in table.items() if _plain(listed) == plain), None)


def _by_phrase(phrases: Mapping[str, Word], raw: str) -> Word | None:
    plain = " ".join(raw.split()).removesuffix(".").rstrip()
    found = {meaning for pattern, meaning in phrases.items() if re.fullmatch(pattern, plain, re.IGNORECASE)}
    if len(found) > 1:
        raise ContractBroken("two status patterns match one phrase")
    return next(iter(found), None)


@lru_cache(maxsize=64)
def _compiled(fmt: str) -> re.Pattern[str]:
    pieces = _PIECE.findall(fmt)
    if "".join(pieces) != fmt:
        raise ValueError(f"unknown date format {fmt!r}")
    return re.compile("".join(_PATTERNS[piece] for piece in pieces), re.ASCII)


def _parts(text: Any, fmt: str) -> dict[str, str] | None:
    if is_absent(text):
        return None
    found = _compiled(fmt).fullmatch(str(text).strip())
    if found is None:
        raise ContractBroken(f"a date is not {fmt}")
    parts = {key: value for key, value in found.groupdict().items() if value is not None}
    # 0001-01-01 with a time behind it is the same "no value".
    return None if parts.get("year") in {"0001", "0000"} else parts


def _day(parts: Mapping[str, str]) -> date:
    name = parts.get("name", "").lower()
    try:
        month = _MONTHS.index(name) + 1 if name else int(parts["month"])
        return date(int(parts["year"]), month, int(parts.get("day", "1")))
    except ValueError as exc:
        raise ContractBroken("a date is not in the calendar") from exc


def day(text: Any, fmt: str) -> date | None:
    """The calendar day of a text in `fmt` (`dd-MMM-yyyy`, `dd/MM/yyyy HH:mm:ss`, `MM/yyyy` ...); None if absent.

    Hyphen and slash stand for each other, the order never changes, years have four digits, month names are English.
    Raises ContractBroken for any other text, ValueError for a format that is none.
    """
    parts = _parts(text, fmt)
    return None if parts is None else _day(parts)


def moment(text: Any, fmt: str) -> datetime | None:
    """The moment of a text in `fmt` (with `XXX` for a zone, else Asia/Kolkata; or `epoch_ms`), in UTC; None if absent.

    Raises ContractBroken for any other text.
    """
    if fmt == "epoch_ms":
        return _epoch_ms(text)
    parts = _parts(text, fmt)
    if parts is None:
        return None
    on = _day(parts)
    try:
        at = datetime(
            on.year,
            on.month,
            on.day,
            int(parts.get("hour", 0)),
            int(parts.get("minute", 0)),
            int(parts.get("second", 0)),
            tzinfo=_zone(parts.get("zone", "")),
        )
    except ValueError as exc:
        raise ContractBroken("a time is not on the clock") from exc
    return at.astimezone(UTC)


def _epoch_ms(text: Any) -> datetime | None:
    if is_absent(text) or text in {0, "0"}:
        return None
    if isinstance(text, bool) or not re.fullmatch(r"[0-9]{1,14}", str(text)):
        raise ContractBroken("a time is not in epoch milliseconds")
    return datetime.fromtimestamp(int(text) / 1000, UTC)


def _zone(text: str) -> Any:
    if not text:
        return IST
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)


def paise(rupees: Any) -> int:
    """Integer paise of an amount in rupees: `664`, `664.00`, `.41`, `-.24`, or a JSON number.

    Raises ContractBroken for anything else, fractions of a paisa and floats included.
    """
    text = str(rupees).strip()
    if isinstance(rupees, bool | float) or not _RUPEES.fullmatch(text):
        raise ContractBroken("an amount is not in rupees")
    try:
        amount = Decimal(text) * 100
    except InvalidOperation as exc:  # pragma: no cover - the pattern admits decimals only
        raise ContractBroken("an amount is not in rupees") from exc
    if amount != amount.to_integral_value():
        raise ContractBroken("an amount has fractions of a paisa")
    return int(amount)


def rupees(amount_paise: int) -> str:
    """The amount as agencies take it: `550.00`."""
    sign = "-" if amount_paise < 0 else ""
    return f"{sign}{abs(amount_paise) // 100}.{abs(amount_paise) % 100:02d}"


def once(rows: Iterable[Any], key: str) -> list[Any]:
    """The rows without repeats of the same `key`: some agencies answer every page number with the same page."""
    first: dict[str, Any] = {}
    for row in rows:
        first.setdefault(str(need(row, key)), row)
    return list(first.values())
