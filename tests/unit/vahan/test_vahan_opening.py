"""The reading order of an encrypted answer: which layer failed decides what it means."""

import base64
from typing import Any

import httpx
import pytest

from adapters.rto.vahan import words
from aggregator.sdk.auth import SharedSecretCipher
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.model import Absent, Facts, Order

INVALID = "ZV020sPPeHLOSCQWpJKgAgDlR5DmVLObRPdvek3QXX3puBAMgOQKg2Rg1lvozhBi"
RECORD = (
    "36HDEpmRi2uH1xEJGCmZc3SOEUzlNJ5KkPNsJihRpUOxWWzSHRS3yLNBRyrUJORYUuBwrpOMasCuAYMAiztpmT5edi+FEcy0kbZ/Fjt5htGB"
    "rOQlDz5Y4AcAdgNexwWYEGfgNxz4c0qzB4Cv/oP/8A=="
)
DONE = "<Result><code>0</code><message>OK</message><applicationNo>OD26A0000000001</applicationNo>"
SUBMITTED = DONE + "<feeAmount>550.00</feeAmount><receivedOn>15/01/2026 10:00:00</receivedOn></Result>"


@pytest.mark.parametrize(
    ("secret", "plain", "sealed"),
    [
        ("sim-vahan-secret-01", "Vehicle Registration No not valid", INVALID),
        ("short", "OK", "ZHp8NDmHaiuYG1ZdgcLulw=="),
    ],
)
def test_the_published_vectors_hold_in_both_directions(secret: str, plain: str, sealed: str) -> None:
    cipher = SharedSecretCipher(secret)
    assert cipher.encrypt(plain) == sealed
    assert cipher.decrypt(sealed) == plain


async def test_the_published_envelope_says_that_the_number_is_not_valid(department: Any, enquiry: Order) -> None:
    body = (
        '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><ns2:getDetailsResponse '
        f'xmlns:ns2="http://server.web.vahan.nic/"><return>{INVALID}</return></ns2:getDetailsResponse></S:Body></S:Envelope>'
    )
    department.answers(httpx.Response(200, text=body, headers={"Content-Type": "text/xml"}))
    with pytest.raises(Refused) as caught:
        await department.driver.lookup(enquiry)
    assert caught.value.reason == "number_invalid"


async def test_the_published_record_is_read(department: Any, enquiry: Order) -> None:
    department.returns("getDetails", RECORD)
    assert await department.driver.lookup(enquiry) == Facts({"vehicle_number": "OD99ZZ0000"})


async def test_line_breaks_in_base64_are_how_java_writes_it(department: Any, enquiry: Order) -> None:
    department.returns("getDetails", "&#13;\n".join(RECORD[at : at + 76] for at in range(0, len(RECORD), 76)))
    assert isinstance(await department.driver.lookup(enquiry), Facts)


@pytest.mark.parametrize(
    "spoilt",
    [
        "",
        "!!!!" + RECORD[4:],
        RECORD[:-3],
        base64.b64encode(base64.b64decode(RECORD)[:-7]).decode(),
    ],
    ids=["empty", "not Base64", "Base64 cut", "cut inside a block"],
)
async def test_an_unreadable_string_is_a_broken_contract_for_reads_and_writes(
    department: Any, enquiry: Order, transfer: Order, spoilt: str
) -> None:
    department.returns("getDetails", spoilt)
    with pytest.raises(ContractBroken):
        await department.driver.lookup(enquiry)
    department.router.routes.clear()
    department.returns("submitApplication", spoilt)
    with pytest.raises(ContractBroken):
        await department.driver.submit(transfer)


async def test_an_answer_cut_at_a_block_calls_the_operator_for_a_read_and_is_in_doubt_for_a_write(
    department: Any, enquiry: Order, transfer: Order
) -> None:
    department.returns("getDetails", base64.b64encode(base64.b64decode(RECORD)[:-16]).decode())
    with pytest.raises(Misconfigured):
        await department.driver.lookup(enquiry)
    department.router.routes.clear()
    whole = base64.b64decode(department.sealed(SUBMITTED))
    department.returns("submitApplication", base64.b64encode(whole[:-16]).decode())
    with pytest.raises(OutcomeUnknown):
        await department.driver.submit(transfer)


async def test_a_wrong_secret_is_found_by_a_read_before_any_write(
    department_with_another_secret: Any, transfer: Order
) -> None:
    department = department_with_another_secret
    department.says("getServiceList", "<Result><code>0</code></Result>")
    with pytest.raises(Misconfigured, match="shared_secret"):
        await department.driver.list_services(transfer)
    department.router.routes.clear()
    department.says("submitApplication", SUBMITTED)
    with pytest.raises(OutcomeUnknown):
        await department.driver.submit(transfer)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("Vehicle Registration No not valid", Refused),
        ("Client Id not valid", Misconfigured),
        ("IP not registered", Misconfigured),
        ("Data not available at State Server", ContractBroken),
        ("\ufeffvehicle registration no  not valid.", Refused),
    ],
)
async def test_a_bare_text_is_listed_or_a_broken_contract(
    department: Any, enquiry: Order, text: str, meaning: type[AgencyError]
) -> None:
    department.says("getDetails", text)
    with pytest.raises(meaning):
        await department.driver.lookup(enquiry)


async def test_a_missing_vehicle_is_an_answer_and_no_failure(department: Any, enquiry: Order) -> None:
    department.says("getDetails", "Vehicle Details not Found")
    assert await department.driver.lookup(enquiry) == Absent("Vehicle Details not Found")


@pytest.mark.parametrize(
    "plain",
    [
        "<html><body>Session expired</body></html>",
        '<!DOCTYPE x [<!ENTITY e "boom">]><VehicleDetails>&e;</VehicleDetails>',
        "<VehicleDetails><stautsMessage>OK</stautsMessage></VehicleDetails>more",
        '<?xml version="1.0" encoding="UTF-8"?><VehicleDetails>Ren\u00e9e</VehicleDetails>'.encode("latin-1"),
    ],
    ids=["a page", "a DOCTYPE", "words after the root", "Latin-1 declared UTF-8"],
)
async def test_a_document_inside_the_string_is_parsed_as_strictly_as_one_outside(
    department: Any, enquiry: Order, plain: str | bytes
) -> None:
    department.says("getDetails", plain)
    with pytest.raises(ContractBroken):
        await department.driver.lookup(enquiry)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
async def test_a_document_inside_the_string_may_be_in_any_declared_encoding(
    department: Any, enquiry: Order, encoding: str
) -> None:
    declared = encoding.removesuffix("-sig")
    plain = (
        f'<?xml version="1.0" encoding="{declared}"?><VehicleDetails><stautsMessage>OK</stautsMessage>'
        "<rc_regn_no>OD99ZZ0000</rc_regn_no><rc_maker_desc>Caf\u00e9</rc_maker_desc></VehicleDetails>"
    )
    department.says("getDetails", plain.encode(encoding))
    got = await department.driver.lookup(enquiry)
    assert got.values["maker"] == "Caf\u00e9"


@pytest.mark.parametrize("code", sorted(words.REASONS))
async def test_every_listed_code_is_a_refusal_with_words_for_the_citizen(
    department: Any, transfer: Order, code: str
) -> None:
    department.says("submitApplication", f"<Result><code>{code}</code><message>no</message></Result>")
    with pytest.raises(Refused) as caught:
        await department.driver.submit(transfer)
    assert (caught.value.code, caught.value.reason) == (code, words.REASONS[code])


@pytest.mark.parametrize(
    ("code", "read", "write"),
    [
        ("401", Misconfigured, Misconfigured),
        ("409", Misconfigured, Misconfigured),
        ("500", Unavailable, OutcomeUnknown),
        ("199", ContractBroken, ContractBroken),
        ("", ContractBroken, ContractBroken),
    ],
)
async def test_other_codes_are_ours_theirs_or_nobodys(
    department: Any, transfer: Order, code: str, read: type[AgencyError], write: type[AgencyError]
) -> None:
    department.says("submitApplication", f"<Result><code>{code}</code></Result>")
    with pytest.raises(write):
        await department.driver.submit(transfer)
    department.router.routes.clear()
    department.says("findApplication", f"<Result><code>{code}</code></Result>")
    with pytest.raises(read):
        await department.driver.find(transfer)


async def test_a_null_pointer_at_the_department_leaves_a_write_in_doubt(department: Any, transfer: Order) -> None:
    fault = (
        '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><S:Fault><faultcode>S:Server</faultcode>'
        "<faultstring>java.lang.NullPointerException</faultstring></S:Fault></S:Body></S:Envelope>"
    )
    department.answers(httpx.Response(500, text=fault, headers={"Content-Type": "text/xml"}))
    with pytest.raises(OutcomeUnknown):
        await department.driver.submit(transfer)
    with pytest.raises(Unavailable):
        await department.driver.find(transfer)


async def test_already_open_carries_the_number_it_points_to(department: Any, transfer: Order) -> None:
    department.says(
        "submitApplication", "<Result><code>104</code><applicationNo>OD26A0000000009</applicationNo></Result>"
    )
    with pytest.raises(Refused) as caught:
        await department.driver.submit(transfer)
    assert caught.value.reference == "OD26A0000000009"


async def test_a_slot_already_booked_names_the_booking_and_its_slot(department: Any, open_case: Order) -> None:
    department.says(
        "bookSlot", "<Result><code>211</code><bookingNo>BK1</bookingNo><slotId>OD-02-20260120-1000</slotId></Result>"
    )
    order = Order("REF-3", "transfer_ownership", {"slot_id": "OD-02-20260120-1000"}, open_case.agency_reference)
    with pytest.raises(Refused) as caught:
        await department.driver.book(order)
    refused = caught.value
    assert (refused.reference, refused.fields, refused.reason) == (
        "BK1",
        {"slot_id": "OD-02-20260120-1000"},
        "duplicate",
    )


async def test_a_slot_just_gone_names_those_still_free(department: Any, open_case: Order) -> None:
    free = "<slot><slotId>A</slotId></slot><slot><slotId>B</slotId></slot>"
    department.says("bookSlot", f"<Result><code>201</code>{free}</Result>")
    with pytest.raises(Refused) as caught:
        await department.driver.book(Order("REF-3", "x", {"slot_id": "C"}, open_case.agency_reference))
    assert caught.value.fields == {"slot_id": "A B"}
