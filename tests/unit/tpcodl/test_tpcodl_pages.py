"""A page of the old portal is read whole or not at all."""

import pytest

from adapters.electricity.tpcodl import Driver
from adapters.electricity.tpcodl.payload import fields_of, payments, summary
from aggregator.sdk.adapter import Settings
from aggregator.sdk.errors import ContractBroken, OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.model import Order
from aggregator.sdk.testing.conformance import Answering
from aggregator.sdk.wire import Reply

SAMPLE = "10-2019,155,.41,10-2019,00074-44,664,25-10-2019,0"
FORM = {"consumer_id": "900S00001", "mobile": "9000000001", "complaint_type": "NS", "text": "No power"}


def page(payload, status=200, tag="body"):
    return Reply(status, {"content-type": "text/html"}, f"<html><{tag}>{payload}</{tag}></html>".encode())


def driver(reply):
    wire = Answering(reply)
    sent = []
    inner = wire.send

    async def send(method, url, **more):
        sent.append((method, url, more["effect"]))
        return await inner(method, url, **more)

    wire.send = send
    return Driver(
        wire, Settings("http://portal.example", {"company_id": "SIM", "user": "sim"}, {"password": "p w&x"})
    ), sent


@pytest.mark.parametrize("tag", ["body", "BODY", 'Body bgcolor="white"'])
def test_the_payload_stands_between_body_tags_of_any_case(tag):
    closing = tag.split()[0]
    reply = Reply(200, {}, f"<html><{tag}>\r\n 1|9|| \r\n</{closing}></html>".encode())
    assert fields_of(reply, write=False) == ["1", "9", "", ""]


def test_entities_are_decoded_after_the_page_was_judged():
    assert fields_of(page("1|1|A &amp; B|&lt;rear&gt;"), write=False)[2:] == ["A & B", "<rear>"]


def test_a_bare_error_text_is_an_outage_for_a_read_and_a_doubt_for_a_complaint():
    with pytest.raises(Unavailable):
        fields_of(page("java.sql.SQLException: Closed Connection"), write=False)
    with pytest.raises(OutcomeUnknown):
        fields_of(page("java.sql.SQLException: Closed Connection"), write=True)


@pytest.mark.parametrize("payload", ["", "<form>sign in</form>", "1|1|<script>x</script>|y"])
def test_markup_or_nothing_between_the_tags_is_somebody_elses_page(payload):
    with pytest.raises(ContractBroken) as caught:
        fields_of(page(payload), write=False)
    assert caught.value.garbled


def test_a_page_cut_off_before_its_end_is_not_read():
    with pytest.raises(ContractBroken):
        fields_of(Reply(200, {}, b"<html><body>1|1|TEST CITIZEN|Plot"), write=False)


def test_the_published_row_reads_as_it_is_printed():
    (row,) = payments(SAMPLE)
    assert (row.units, row.balance_paise, row.receipt_no, row.amount_paise) == (155, 41, "00074-44", 66400)
    assert (row.bill_month.isoformat(), row.paid_on.isoformat()) == ("2019-10-01", "2019-10-25")


def test_rows_are_walked_one_by_one_where_the_old_app_strides_over_them():
    """The control first: fields in strides of ten, as the utility's own app takes them, lose a payment."""
    rows = [SAMPLE, SAMPLE.replace("00074-44", "00075-44").replace("25-10-2019", "25-11-2019")]
    strided = ",".join(rows).split(",")[::10]
    assert len(strided) == 2
    assert "00075-44" not in strided
    assert [row.receipt_no for row in payments(";".join(rows) + ";")] == ["00075-44", "00074-44"]


@pytest.mark.parametrize("cells", [7, 9, 10])
def test_a_row_of_another_length_breaks_the_whole_history(cells):
    row = (SAMPLE + ",1,2,3").split(",")[:cells]
    with pytest.raises(ContractBroken):
        payments(f"{SAMPLE};{','.join(row)}")


def test_negative_balances_without_a_zero_are_paise():
    (row,) = payments(SAMPLE.replace(".41", "-.24"))
    assert row.balance_paise == -24


def test_the_last_payment_is_told_in_full_and_the_others_as_lines():
    facts = summary(payments(SAMPLE)).values
    assert facts["last_paid_on"] == "2019-10-25"
    assert facts["last_amount_paise"] == "66400"
    assert facts["payments"] == "2019-10-25 664.00 00074-44"


async def test_whoever_types_a_strangers_id_learns_neither_name_nor_address():
    asked, _ = driver(page("1|1|RITA DEMO|Plot 7, Demo Colony"))
    facts = await asked.lookup(Order("", "consumer_check", FORM))
    assert facts.values == {"consumer_id": "900S00001", "owner_name": "R*** D***"}
    assert facts.masked == {"owner_name"}


async def test_a_complaint_is_one_get_with_an_effect_and_carries_our_reference_for_people():
    asked, sent = driver(page("1|0000000001|Complaint registered"))
    receipt = await asked.complain(Order("REF-7", "supply_complaint", FORM))
    assert receipt.agency_reference == "0000000001"
    ((method, url, effect),) = sent
    assert (method, effect) == ("GET", True)
    assert "Text=No+power+%28ref+REF-7%29" in url


async def test_a_number_that_is_no_consumers_is_refused_before_anything_is_sent():
    asked, sent = driver(page("1|0000000001|Complaint registered"))
    with pytest.raises(Refused):
        await asked.complain(Order("REF-7", "supply_complaint", {**FORM, "consumer_id": "900X00001"}))
    assert sent == []


async def test_no_error_message_shows_the_consumer_or_the_password():
    asked, _ = driver(page("7|7|7|7"))
    with pytest.raises(ContractBroken) as caught:
        await asked.history(Order("", "payment_history", FORM))
    assert "900" not in str(caught.value)
    assert "p w" not in str(caught.value)
