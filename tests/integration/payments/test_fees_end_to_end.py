"""A case's fee, from the quote to the agency's own book: the real server, the gateway and the agencies on sockets."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "chaos"))

from agencies import call, registry_for_fire, simulators
from harness import City, Promise
from patience import wait_for
from payers import captured, fee_of, given_back

AGENCIES = ("passport", "rto", "odisha_police", "bmc", "bscl", "paygate")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("fees")
    with simulators(folder, AGENCIES) as agencies:
        running = City(folder, registry_for_fire(folder), agencies, seed=1, speed=1.0)
        running.start()
        try:
            yield running
        finally:
            running.kill()


def applied(city: City, agency: str, mobile: str = "9000000000", **form: Any) -> Promise:
    """An application that its agency has."""
    promise = city.wish()
    promise.agency, promise.mobile, promise.form = agency, mobile, form
    assert wait_for(lambda: city.submit(promise, wait_s=5))
    wait_for(lambda: city.case(promise)["legs"][0]["effect"] == "done")
    return promise


@pytest.mark.slow
@pytest.mark.parametrize(
    ("agency", "rupees", "goes_on"),
    [
        ("passport", "1500.00", "ACKNOWLEDGED"),
        ("rto", "550.00", "ACKNOWLEDGED"),
        ("odisha_police", "50.00", "AWAITING_PAYMENT"),  # their register says the next word a day later
        ("bmc", "1418.80", "SCHEDULED"),
    ],
)
def test_a_fee_is_collected_once_and_the_agency_goes_on(city: City, agency: str, rupees: str, goes_on: str) -> None:
    promise = applied(city, agency)
    if agency == "rto":  # both parties consent before the office asks for money
        for party in ("SELLER", "BUYER"):
            consent(city, promise, party)
    payer = fee_of(promise)
    wait_for(lambda: payer.ask(city, wait_s=5)[0] in {201, 202})
    assert payer.seen["amount"]["amount"] == rupees
    assert (payer.seen["bill"], payer.seen["for_case_id"]) == ("fee", promise.case_id)
    wait_for(lambda: payer.look(city)["phase"] == "WAITING")
    again = fee_of(promise)
    again.key += "-again"
    status, told = again.ask(city)
    assert (status, told["code"], told["number"]) == (409, "payment-in-doubt", payer.seen["number"])
    assert "Waiting for your bank" in told["detail"]
    payer.at_the_bank()
    wait_for(lambda: payer.look(city)["phase"] == "POSTED")
    reference = payer.id.removeprefix("pay_")
    assert [row["our_ref"] for row in city.agencies[agency].acted() if row["operation"] == "pay"] != []
    wait_for(lambda: city.case(promise)["status"] == goes_on)
    assert reference in captured(city.agencies["paygate"])
    assert given_back(city.agencies["paygate"]) == []
    status, told = again.ask(city)
    assert (status, told["code"]) == (409, "action-not-possible")
    assert "has the fee already" in told["detail"]


@pytest.mark.slow
def test_where_an_agency_has_no_place_for_a_payment_nothing_is_collected_and_that_is_said(city: City) -> None:
    status, told = fee_of(applied(city, "bscl")).ask(city)
    assert (status, told["code"], told["effect"]) == (409, "action-not-possible", "none")
    assert "no place for a payment" in told["detail"]


def consent(city: City, promise: Promise, party: str) -> None:
    form = {"party": party, "otp_txn": "SIM-OTP-1", "consented_at": "2026-01-15T10:00:00+05:30"}
    headers = {"Idempotency-Key": f"c-{promise.key}-{party}", "Prefer": "wait=10"}
    path = f"/v1/cases/{promise.case_id}/actions"
    status, told = call(city.port, "POST", path, {"action": "CONSENT", "form": form}, headers)
    assert status in {200, 202}, told
