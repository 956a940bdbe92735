"""What an errors document means. The text decides where one code stands for everything: Open311 has only HTTP's.

`[{"code", "description"}]` is read the same in a 400 and in a 200. What is not listed here is a broken contract,
never a guess; the citizen is told which field the text names, where it names one of ours.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.municipal.open311.vocabulary import FIELDS
from aggregator.sdk.dialect import shown
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, Refused
from aggregator.sdk.reading import clean

_OURS_TO_REPAIR = re.compile(r"jurisdiction|api[_ ]?key", re.IGNORECASE)
_TAKEN = re.compile(r"duplicate", re.IGNORECASE)
_LATER = frozenset({408, 409, 425, 429})


def judged_errors(status: int, rows: Sequence[Mapping[str, Any]]) -> bool:
    """False where the status line says it all (429, 5xx); raises what the errors say otherwise."""
    code = str(rows[0].get("code", "")) if rows else ""
    if not 400 <= status < 500:
        if not 200 <= status < 300:
            return False
        status = int(code) if re.fullmatch(r"4\d\d", code) else 0
    if status in _LATER:
        return False
    texts = [clean(row.get("description", "")) for row in rows]
    raise _meaning(status, code, texts)


def _meaning(status: int, code: str, texts: list[str]) -> AgencyError:
    said = " ".join(texts)
    if status in {401, 403} or (status in {400, 404} and _OURS_TO_REPAIR.search(said)):
        return Misconfigured(f"status {status}: look at api_key and jurisdiction_id", code)
    if status == 404:
        return Refused("404", "not_found")
    if status != 400:
        return ContractBroken(f"status {status} with the unlisted code {shown(code)}")
    if _TAKEN.search(said):
        return Refused("400", "duplicate")
    return Refused("400", "fields_invalid", fields=_complaints(texts))


def _complaints(texts: list[str]) -> dict[str, str]:
    return {ours: said for said in texts for theirs, ours in FIELDS.items() if re.search(rf"\b{theirs}\b", said)}
