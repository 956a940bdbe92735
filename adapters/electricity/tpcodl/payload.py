"""The text between `<body>` and `</body>`, split at pipes and counted: a wrong count is never read as best it can be.

A page with markup of its own is somebody else's (a login, a CAPTCHA); bare text without a pipe is the server in
trouble. Source: the electricity protocol, section 5.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from aggregator.sdk.dialect import decode, http_charset, judge_redirect, judge_status, trouble
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Facts
from aggregator.sdk.reading import clean, day, paise, rupees
from aggregator.sdk.wire import Reply

_BODY = re.compile(r"<body(?:\s[^>]*)?>(.*)</body\s*>", re.IGNORECASE | re.DOTALL)
_MARKUP = re.compile(r"<[a-z!/]", re.IGNORECASE)
_UNITS = re.compile(r"\d{1,7}", re.ASCII)
_ROW = 8
_SHOWN_MAX = 24


@dataclass(frozen=True, slots=True)
class Payment:
    """One row of the history. `paid_on` and the months are None where the utility gives none; amounts in paise."""

    bill_month: date | None
    units: int
    balance_paise: int
    receipt_no: str
    amount_paise: int
    paid_on: date | None


def fields_of(reply: Reply, *, write: bool) -> list[str]:
    """The fields of the page's pipe text, stripped. Raises what the status, the page or a bare error text means."""
    judge_redirect(reply)
    judge_status(reply, effect=write)
    found = _BODY.search(decode(reply.body, charset=http_charset(reply)))
    if found is None:
        raise ContractBroken("the answer is no whole page", garbled=True)
    payload = found[1].strip()
    if _MARKUP.search(payload) or not payload:
        raise ContractBroken("the page is empty or another one", garbled=True)
    if "|" not in payload:
        raise trouble("the server's error text instead of an answer", effect=write)
    return [clean(field) for field in html.unescape(payload).split("|")]


def payments(data: str) -> list[Payment]:
    """The rows, newest payment first. Row by row: the utility's own app walks them with a wrong stride.

    Raises ContractBroken for a row of another length, or for none where some were announced.
    """
    rows = [_payment(row.split(",")) for row in data.split(";") if row.strip()]
    if not rows:
        raise ContractBroken("the history announces rows and has none")
    return sorted(rows, key=lambda row: row.paid_on or date.min, reverse=True)


def _payment(cells: Sequence[str]) -> Payment:
    if len(cells) != _ROW:
        raise ContractBroken(f"a row of the history has {len(cells)} fields, not {_ROW}")
    bill_month, units, balance, pay_month, receipt, amount, paid_on, flag = (cell.strip() for cell in cells)
    if not _UNITS.fullmatch(units) or flag not in {"0", "1"}:
        raise ContractBroken("a row of the history is not as described")
    day(pay_month, "MM-yyyy")  # not shown, but a shifted row is noticed here
    return Payment(
        day(bill_month, "MM-yyyy"),
        int(units),
        paise(balance),
        clean(receipt),
        paise(amount),
        day(paid_on, "dd-MM-yyyy"),
    )


def summary(rows: Sequence[Payment]) -> Facts:
    """The last payment in full, and up to two years of payments as lines `2019-10-25 664.00 00074-44`."""
    last = rows[0]
    values = {
        "last_paid_on": _iso(last.paid_on),
        "last_amount_paise": str(last.amount_paise),
        "receipt_no": last.receipt_no,
        "bill_month": _iso(last.bill_month)[:7],
        "units": str(last.units),
        "balance_paise": str(last.balance_paise),
        "payments": "\n".join(_line(row) for row in rows[:_SHOWN_MAX]),
    }
    return Facts({key: value for key, value in values.items() if value})


def _line(row: Payment) -> str:
    return " ".join(part for part in (_iso(row.paid_on), rupees(row.amount_paise), row.receipt_no) if part)


def _iso(on: date | None) -> str:
    return on.isoformat() if on else ""
