"""An answer is opened layer by layer, and the layer that failed decides what it means.

return -> Base64, strict but for white space -> whole blocks -> decrypted -> decoded like a body -> XML or bare text.
Bad padding is the mark of a wrong secret; but an answer cut at a block boundary looks the same, and then the
agency may have acted: a read calls the operator, a write is in doubt.
"""

import base64
import re
from typing import Any

from adapters.rto.vahan.words import ABSENT_TEXT, INVALID_TEXT, OUR_FAULT, REASONS, REJECTS_US
from aggregator.sdk.auth import SharedSecretCipher
from aggregator.sdk.dialect import code_error, decode, trouble
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, OutcomeUnknown, Refused
from aggregator.sdk.reading import need, value_of
from aggregator.sdk.xml import Element, parse

_BLOCK = 16
_XML = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*<")


def opened(cipher: SharedSecretCipher, reply: Any, root: str, *, write: bool) -> Element | str:
    """The document `root` inside an answer, or its bare text.

    Raises ContractBroken for every unreadable layer, except for bad padding: Misconfigured, for a write OutcomeUnknown.
    """
    sealed = "".join(str(need(reply, "return")).split())
    _refuse_cut(sealed)
    try:
        plain = cipher.decrypt_bytes(sealed)
    except ContractBroken as exc:
        if write:
            raise OutcomeUnknown(
                "the answer does not decrypt: cut short, or a wrong shared_secret", alarm=True
            ) from exc
        raise Misconfigured("the answer does not decrypt: look at shared_secret") from exc
    return parse(plain, root=root) if _XML.match(plain) else decode(plain).strip()


def _refuse_cut(sealed: str) -> None:
    try:
        size = len(base64.b64decode(sealed, validate=True))
    except ValueError as exc:
        raise ContractBroken("return is not Base64", garbled=True) from exc
    if not size or size % _BLOCK:
        raise ContractBroken("return ends inside a block: the answer was cut short", garbled=True)


def result_of(answer: Element | str, *, write: bool) -> Element:
    """A `Result` that says done. Raises what any other code or a bare text means."""
    if isinstance(answer, str):
        raise text_error(answer)
    code = need(answer, "code")
    if code != "0":
        raise _code_error(code, answer, write=write)
    return answer


def says_none(answer: Element | str) -> bool:
    """Code 301: no such application, or not this mobile's. A read's "absent"; for a write it is a refusal."""
    return not isinstance(answer, str) and value_of(answer, "code") == "301"


def _code_error(code: str, result: Element, *, write: bool) -> AgencyError:
    if code in OUR_FAULT:
        return Misconfigured(OUR_FAULT[code], code)
    if code == "500":
        return trouble("internal error at the department", effect=write)
    reference = value_of(result, "applicationNo") or value_of(result, "bookingNo", "")
    error = code_error(code, REASONS, reference=reference)
    if isinstance(error, Refused):
        error.fields = _slots_named(result)
    return error


def _slots_named(result: Element) -> dict[str, str]:
    """The slot that is booked already (ours, if it is the one we asked for), or those that are still free."""
    named = [value_of(result, "slotId", "")] + [value_of(slot, "slotId", "") for slot in result.iterfind("slot")]
    told = " ".join(name for name in named if name)
    return {"slot_id": told} if told else {}


def text_error(text: str) -> AgencyError:
    """What a bare text means where a document was due. `Vehicle Details not Found` is the caller's to see first."""
    if same_text(text, INVALID_TEXT):
        return Refused(INVALID_TEXT, "number_invalid")
    if same_text(text, ABSENT_TEXT):
        return Refused(ABSENT_TEXT, "not_found")
    if " ".join(text.split()).casefold() in REJECTS_US:
        return Misconfigured("the department rejects us: look at client_id and the address list")
    return ContractBroken("the answer is a bare text nobody listed")


def same_text(text: str, listed: str) -> bool:
    """Equal but for case, white space and a final full stop."""
    return " ".join(text.split()).removesuffix(".").casefold() == listed.casefold()
