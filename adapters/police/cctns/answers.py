"""An answer is a done, a no, or a doubt, and which of them is read off its code before anything else.

A result has ResultCode; a DataSet that failed has one row with ERROR_CD instead of its own columns. The echo is
checked last: success is the wanted record with our own key in it, never a flag alone.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence

from adapters.police.cctns.applicant import fields_named
from adapters.police.cctns.dataset import Row
from adapters.police.cctns.words import REASONS, TROUBLED
from aggregator.sdk.dialect import CURRENT, code_error, trouble
from aggregator.sdk.errors import AgencyError, ContractBroken, Refused
from aggregator.sdk.form import normal
from aggregator.sdk.reading import need, value_of
from aggregator.sdk.xml import Element, local, text

Result = Mapping[str, str]

DONE, ABSENT, NOT_YET, RECORDED = "0", "21", "31", "23"
FIELD_MISSING, STATION_ELSEWHERE = "12", "14"


def result_element(response: Element, operation: str) -> Element:
    """The `<Operation>Result` in a response. Raises ContractBroken."""
    found = [child for child in response if local(child) == operation + "Result"]
    if len(found) != 1:
        raise ContractBroken(f"the answer to {operation} has not one result")
    return found[0]


def fields(result: Element) -> Result:
    """The texts of a result by name; what our contract does not know is there too and nobody asks for it."""
    names = [local(child) for child in result]
    if len(set(names)) != len(names):
        raise ContractBroken("a result has a field twice")
    return {local(child): text(child) for child in result}


def done(result: Result, number: str, *, write: bool) -> Result:
    """A result that says done. `number`: the request it must be about, where it says so; empty for a new one.

    Raises what any other code means, ContractBroken for another request's result.
    """
    code = need(result, "ResultCode")
    if code != DONE:
        error = refusal(code, write=write, reference=value_of(result, "ServiceRequestNo", ""), number=number)
        if isinstance(error, Refused) and code == FIELD_MISSING:
            error.fields = fields_named(value_of(result, "ResultMessage", ""))
        raise error
    if number and not same_number(value_of(result, "ServiceRequestNo", number), number):
        raise ContractBroken("the result is another request's")
    return result


def refusal(code: str, *, write: bool | None = None, reference: str = "", number: str = "") -> AgencyError:
    """What a code other than done means.

    A challan they hold already is ours if they hold it on our request: the challan number is ours alone.
    """
    if code in TROUBLED and code not in CURRENT.get().shed_unsent_codes:
        return trouble(f"the agency is in trouble with code {code}", effect=write)
    if code == RECORDED and reference and number and not same_number(reference, number):
        return ContractBroken("our challan number is recorded on another request")
    error = code_error(code, REASONS, reference=reference if code == RECORDED else "")
    if isinstance(error, Refused) and code == STATION_ELSEWHERE:
        error.fields = {"police_station": code}
    return error


def table(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows of a DataSet that did not fail; none for "request number not found", which is a success.

    Raises what ERROR_CD means.
    """
    code = next((value_of(row, "ERROR_CD") for row in rows if "ERROR_CD" in row), None)
    if code is None:
        return rows
    if code == ABSENT:
        return []
    raise refusal(code, write=False)


def same_number(one: str, other: str) -> bool:
    return normal("police_request", one) == normal("police_request", other)


def pdf(content: str) -> bytes:
    """Strict Base64, line breaks aside, of something that begins like a PDF. Raises ContractBroken."""
    try:
        found = base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise ContractBroken("the certificate is not Base64") from exc
    if not found.startswith(b"%PDF-"):
        raise ContractBroken("the certificate is not a PDF")
    return found
