"""What an answer means is decided once, for REST, XML and SOAP alike: body before status, doubt before hope.

A dialect parses; this module judges. The agency's own body is heard first (a driver's `judge`), then the status
line, by one table. Whatever the table does not name is a doubt for a write and a broken contract for a read.
Source: docs/outcomes.md sections 4 and 5; the shared rules of the protocols, section 2.
"""

import codecs
import re
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.wire import Reply, Sent, Wire, WireError

CURRENT: ContextVar[Declared] = ContextVar("declared", default=Declared())  # noqa: B039 - frozen, cannot be changed
"""The declared facts of the operation this task is in; set by the pipeline, read by the dialects."""

_REJECTS_US = frozenset({401, 403, 407, 412})
_READABLE_NO = frozenset({400, 404, 405, 410, 413, 415, 422})
_SHEDS = frozenset({429, 503})
_TROUBLED = frozenset({408, 409, 425})
_CHARSETS = frozenset({"utf-8", "utf-16", "utf-16-le", "utf-16-be", "iso8859-1", "cp1252", "ascii", "iso8859-15"})
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_WAIT_MAX_S = 7 * 86_400.0


async def exchange(  # noqa: PLR0913 - a request has this many parts
    wire: Wire,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None,
    effect: bool,
    cap: int | None = None,
) -> Reply:
    """The reply, whatever its status.

    Raises Unavailable when certainly nothing was sent, ContractBroken for an answer beyond the cap, OutcomeUnknown
    for everything else a wire can fail with (Unavailable for a send without effect).
    """
    limit = CURRENT.get().cap_bytes if cap is None else cap
    try:
        return await wire.send(method, url, headers=headers, body=body, effect=effect, cap=limit)
    except WireError as exc:
        if exc.too_big:
            raise ContractBroken(f"the answer is longer than {limit} bytes", too_big=True) from exc
        if exc.sent is Sent.NO:
            raise Unavailable(f"not sent: {exc.why}", alarm=exc.tls) from exc
        raise trouble(f"no answer: {exc.why}", effect=effect, alarm=exc.tls) from exc


def trouble(
    why: str, *, effect: bool | None = None, retry_after_s: float | None = None, alarm: bool = False
) -> AgencyError:
    """The agency is in trouble and says so, or says nothing: a doubt for a write, an outage for a read.

    `effect` defaults to whether the running operation is a write.
    """
    if effect is None:
        effect = CURRENT.get().cls is not Class.SAFE
    if effect:
        return OutcomeUnknown(why, retry_after_s, alarm)
    return Unavailable(why, retry_after_s, alarm=alarm)


def code_error(code: str, reasons: Mapping[str, str], *, reference: str = "") -> AgencyError:
    """What an error code in the agency's own refusal shape means.

    A code in `shed_unsent_codes` is Unavailable, one in `reasons` (code -> our reason) or in the operation's
    `refusal_codes` or `already_exists_codes` is Refused; a code nobody listed is ContractBroken, never a guess.
    """
    declared = CURRENT.get()
    if code in declared.shed_unsent_codes:
        return Unavailable(f"the agency sheds load with code {code!r}")
    if code in reasons or code in declared.refusal_codes or code in declared.already_exists_codes:
        already = "duplicate" if code in declared.already_exists_codes else "refused"
        return Refused(code, reasons.get(code, already), reference=reference)
    return ContractBroken(f"the agency refuses with the unlisted code {shown(code)}")


def shown(code: str) -> str:
    """An agency's code for a message, or its length when it is too long or too wordy to be a code."""
    return repr(code) if re.fullmatch(r"[\w.:-]{1,24}", code) else f"of {len(code)} characters"


def judge_redirect(reply: Reply) -> None:
    """A 3xx is never followed and never read: a 308 would post the citizen's data to another host.

    Raises OutcomeUnknown with `alarm`, for reads too: it means the same there and keeps the alarm.
    """
    if 300 <= reply.status < 400:
        raise OutcomeUnknown(f"status {reply.status}: a redirect is not followed", alarm=True)


def judge_status(reply: Reply, *, effect: bool) -> None:
    """Raises what the status line alone says; returns for 2xx. Heard only when the body is not the agency's own."""
    status = reply.status
    if 200 <= status < 300:
        return
    judge_redirect(reply)
    raise _by_status(status, effect=effect, wait_s=retry_after_s(reply))


def _by_status(status: int, *, effect: bool, wait_s: float | None) -> AgencyError:
    why = f"status {status}"
    declared = CURRENT.get()
    if status in _SHEDS:
        if not effect or str(status) in declared.shed_unsent_codes:
            return Unavailable(why, wait_s, throttled=status == 429)
        return OutcomeUnknown(why, wait_s)
    if status in declared.gateway_unsent or (status in _REJECTS_US and not effect):
        return Misconfigured(f"{why}: look at the credentials and the address list", str(status))
    if status in _READABLE_NO:
        return ContractBroken(f"{why} without a body of the agency")
    if status in _TROUBLED or status >= 500:
        return trouble(why, effect=effect, retry_after_s=wait_s)
    return OutcomeUnknown(why) if effect else ContractBroken(f"{why} is not expected")


def retry_after_s(reply: Reply) -> float | None:
    """Retry-After in seconds, from seconds or from an HTTP date measured against the agency's own Date header.

    The agency's clock may be minutes off, so its two dates are compared with each other and not with our clock;
    None when it is absent, unreadable or a date without Date. At most 7 days.
    """
    text = reply.headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _WAIT_MAX_S)
    until, now = _http_date(text), _http_date(reply.headers.get("date", ""))
    if until is None or now is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), _WAIT_MAX_S)


def _http_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def media_type(reply: Reply) -> str:
    """The media type in lower case without parameters; empty if the agency names none."""
    return reply.headers.get("content-type", "").partition(";")[0].strip().lower()


def http_charset(reply: Reply) -> str:
    """The charset of the content type; empty if it names none."""
    found = _CHARSET.search(reply.headers.get("content-type", ""))
    return found.group(1) if found else ""


def is_html(reply: Reply) -> bool:
    """A login, CAPTCHA or maintenance page: by its label, or by its first bytes whatever the label says."""
    return media_type(reply) in {"text/html", "application/xhtml+xml"} or bool(_HTML.match(reply.body[:4096]))


def refuse_html(reply: Reply) -> None:
    """Raises ContractBroken for a page where data was expected. An outage for the breaker."""
    if is_html(reply):
        raise ContractBroken(f"status {reply.status} with an HTML page", garbled=True)


def decode(body: bytes, *, charset: str = "", declared: str = "") -> str:
    """The text of a body: by its BOM, then the HTTP charset, then its own declaration, then UTF-8. Strict.

    Leading white space is dropped. Raises ContractBroken for bytes that do not fit and for charsets outside a short
    list: codec names come from the agency, and Python's registry holds more than charsets.
    """
    name = next((codec for bom, codec in _BOMS if body.startswith(bom)), "") or _codec(charset or declared)
    try:
        return body.decode(name, "strict").lstrip()
    except UnicodeDecodeError as exc:
        raise ContractBroken(f"the answer is not {name}", garbled=True) from exc


def _codec(charset: str) -> str:
    if not charset:
        return "utf-8"
    try:
        name = codecs.lookup(charset).name
    except LookupError as exc:
        raise ContractBroken("the answer names a charset nobody knows", garbled=True) from exc
    if name not in _CHARSETS:
        raise ContractBroken("the answer names a charset we do not read", garbled=True)
    return name
