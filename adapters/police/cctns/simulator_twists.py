"""An answer with its content spoilt: what the menu asks of rows and of results. Everything else is the machine's."""

from adapters.police.cctns.simulator_answers import Result, Row, Rows
from aggregator.sdk.testing.pages import words_for

OTHER = "OP99EMV0009999"
_TEXTS = {"REMARKS", "SERVICE_NAME", "PS_NAME", "ResultMessage"}
_NEEDED = {"submit": "ServiceRequestNo", "document": "ContentBase64"}
_STATUS: dict[str, Row] = {
    "800": {"STATUS_CD": "", "STATUS_DESC": " "},
    "801": {"STATUS_CD": "77", "STATUS_DESC": "Sent to Lokayukta"},
    "804": {"STATUS_CD": "05", "STATUS_DESC": "जाँच जारी है"},
}
_STAMPS = {"812": "01/01/0001 00:00:00", "813": "15/01/2026 05:02:62604"}


def bent_rows(answer: Rows, fault: str) -> Rows:
    rows = [_bent_row(row, fault, last=row is answer.rows[-1]) for row in answer.rows]
    if fault == "710" and rows:
        # Another result set, of the same shape and about somebody else.
        return Rows(rows, second=[{**rows[0], "SRN": OTHER, "STATUS_CD": "11", "STATUS_DESC": "Rejected"}])
    return Rows(rows)


def _bent_row(row: Row, fault: str, *, last: bool) -> Row:
    changed: dict[str, str | None] = dict(row)
    words = words_for(fault)
    if words:
        changed |= dict.fromkeys(_TEXTS & changed.keys(), words)
    if fault in {"207", "708"}:
        changed["NEW_COLUMN"] = "1"
    if fault in {"206", "811"} and "SRN" in changed:
        changed |= {"SRN": OTHER} | ({"CLIENT_REF": "OF-SOMEBODY-ELSE"} if "CLIENT_REF" in changed else {})
    if fault == "208":
        gone = ("STATUS_CD", "STATUS_DESC") if "CLIENT_REF" not in changed else ("SRN",)
        changed |= dict.fromkeys(gone)
    if fault == "209":
        changed |= {name: "false" for name in changed if name.endswith("_DT")}
    if last and "STATUS_CD" in changed:
        changed |= _STATUS.get(fault, {})
    if fault in _STAMPS:
        changed |= {name: _STAMPS[fault] for name in changed if name.endswith("_DT")}
    return changed


def bent_result(operation: str, answer: Result, fault: str) -> Result:
    fields: dict[str, str | None] = dict(answer.fields)
    words = words_for(fault)
    if words:
        fields["ResultMessage"] = words
    match fault:
        case "206":
            fields |= {"ClientRefNo": "OF-SOMEBODY-ELSE"} if operation == "submit" else {"ServiceRequestNo": OTHER}
        case "207":
            fields["NewField"] = "1"
        case "208":
            fields[_NEEDED.get(operation, "ResultCode")] = None
        case "209":
            fields |= {"FeeAmount": "false"} if operation == "submit" else {"ResultCode": "00"}
        case "714":
            fields = {"ResultCode": "91", "ResultMessage": "Database busy"}
        case "811":
            fields["ServiceRequestNo"] = "OP99EMV8110000"
        case _:
            pass
    return Result(fields)
