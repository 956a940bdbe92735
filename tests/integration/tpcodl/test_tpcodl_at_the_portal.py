"""The old portal on a socket: what a citizen learns, and what one complaint does there."""

import pytest

from aggregator.sdk.errors import Misconfigured, OutcomeUnknown, Refused
from aggregator.sdk.model import Absent, Order


def asking(consumer="900S00042"):
    return Order("", "consumer_check", {"consumer_id": consumer, "mobile": "9000000042"})


def complaining(mobile="9000000000", reference="REF-1"):
    form = {
        "consumer_id": "900S00042",
        "mobile": mobile,
        "complaint_type": "NS",
        "text": "No power since 6; lamp & fan",
    }
    return Order(reference, "supply_complaint", form)


async def test_a_citizen_sees_that_the_consumer_id_is_known(counter):
    assert (await counter.driver.lookup(asking())).values["owner_name"] == "T*** C****** 0***"


async def test_an_unknown_consumer_is_an_absence_and_not_an_outage(counter):
    assert await counter.driver.lookup(asking("900S00101")) == Absent("9")
    assert await counter.driver.history(asking("900S00101")) == Absent("0")


async def test_the_same_consumer_has_the_same_payments(counter):
    first, second = [await counter.driver.history(asking()) for _ in range(2)]
    assert first == second
    assert len(first.values["payments"].splitlines()) == 6


async def test_a_wrong_password_calls_the_operator_and_not_the_citizen(counter):
    with pytest.raises(Misconfigured, match="password"):
        await counter.stranger(password="another").history(asking())


async def test_a_missing_company_calls_the_operator(counter):
    with pytest.raises(Misconfigured, match="company_id"):
        await counter.stranger(company_id="").lookup(asking())


async def test_a_complaint_is_registered_once_under_a_number_of_theirs(counter):
    receipt = await counter.driver.complain(complaining())
    (row,) = await counter.control.ledger()
    assert (row["acted"], row["agency_ref"], row["our_ref"]) == (1, receipt.agency_reference, "REF-1")


async def test_a_refused_complaint_changes_nothing(counter):
    with pytest.raises(Refused):
        await counter.driver.complain(complaining("9000000102"))
    assert [row["acted"] for row in await counter.control.ledger()] == [0]


async def test_a_lost_answer_to_a_complaint_is_a_doubt_and_repeating_it_would_have_doubled_it(counter):
    with pytest.raises(OutcomeUnknown):
        await counter.driver.complain(complaining("9000000601"))
    assert [row["acted"] for row in await counter.control.ledger()] == [1]
    # The control: a naive client that tries again registers the complaint twice.
    await counter.driver.complain(complaining("9000000601"))
    assert len(await counter.control.duplicates()) == 1


async def test_a_complaint_that_acts_late_is_never_hidden_by_the_lost_answer(counter):
    with pytest.raises(OutcomeUnknown):
        await counter.driver.complain(complaining("9000000806"))
    assert [row["acted"] for row in await counter.control.ledger()] == [0]
    await counter.control.advance_clock(120)
    assert [row["acted"] for row in await counter.control.ledger()] == [0, 1]
