"""The signature covers the bytes on the wire, so the bytes are pinned, with the vector that was published for them."""

from datetime import datetime

import pytest

from adapters.locker.digilocker import Driver
from adapters.locker.digilocker.messages import pull_document, pull_uri
from aggregator.sdk.adapter import Settings
from aggregator.sdk.auth import hmac_base64
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Order
from aggregator.sdk.testing.conformance import Answering, call, operations_of
from aggregator.sdk.wire import Reply

KEY = "sim-digilocker-key"
LOCKER = "00000000-0000-4000-8000-000000000000"
AT = datetime.fromisoformat("2026-01-15T04:30:00+00:00")
BY_NUMBER = {"document_type": "RVCER", "number": "OD99ZZ0000", "locker_id": LOCKER}
ANSWER = (
    '<PullURIResponse><ResponseStatus Status="1" ts="2026-01-15T10:00:01+05:30" txn="SIMTXN0001"/><DocDetails>'
    f"<DocType>RVCER</DocType><DigiLockerId>{LOCKER}</DigiLockerId><URI>in.gov.sim-RVCER-OD99ZZ0000</URI>"
    "<DocContent>JVBERi0xLjQK</DocContent><DataContent>PENlcnRpZmljYXRlLz4=</DataContent></DocDetails>"
    "</PullURIResponse>"
)


def _order(form):
    return Order("SIMTXN0001", "reference", form, at=AT)


def test_the_published_vector_is_ours_to_the_byte() -> None:
    body = pull_uri(_order(BY_NUMBER), "in.gov.sim", "both")
    assert len(body) == 299
    assert hmac_base64(KEY, body) == "zCqE6Fj/tKHVomAZudcX/iFr6ymlnsV/Y9dE/449Fmg="
    assert hmac_base64(KEY, body + b"\n") == "qKbsf4dJBe9ivo3gy/6jbPPtLGZLIxnxRuVMdQDSqDs="


def test_a_birth_date_goes_out_as_the_issuer_writes_it_and_no_aadhaar_ever() -> None:
    form = {"uri": "in.gov.sim-RVCER-X1", "locker_id": LOCKER, "date_of_birth": "1990-12-31", "full_name": "A & B"}
    body = pull_document(_order({**form, "uid": "999900000016"}), "in.gov.city").decode()
    assert "<DOB>31-12-1990</DOB>" in body
    assert "<FullName>A &amp; B</FullName>" in body
    assert "UID" not in body
    assert "999900000016" not in body


async def _read(answer: str, form=None):
    wire = Answering(Reply(200, {"content-type": "application/xml"}, answer.encode()))
    driver = Driver(wire, Settings("http://issuer.example", {"org_id": "in.gov.city"}, {"hmac_key": KEY}))
    return (await call(driver, "document", operations_of(Driver)["document"], _order(form or BY_NUMBER))).got


async def test_the_published_answer_is_read() -> None:
    paper = await _read(ANSWER)
    assert (paper.name, paper.media_type, paper.content) == ("RVCER.pdf", "application/pdf", b"%PDF-1.4\n")


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("SIMTXN0001", "SIMTXN0002"),
        (LOCKER, LOCKER.replace("8000", "8001")),
        ("<DocType>RVCER", "<DocType>DRVLC"),
        ("JVBERi0xLjQK", "PGh0bWw+"),
        ('Status="1"', 'Status="01"'),
        ("PullURIResponse", "PullDocResponse"),
    ],
)
async def test_an_answer_to_something_else_is_no_document(was, becomes) -> None:
    assert isinstance(await _read(ANSWER.replace(was, becomes)), ContractBroken)
