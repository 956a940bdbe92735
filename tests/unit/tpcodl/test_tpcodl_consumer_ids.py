"""Which consumer is asked about is never a guess."""

import pytest

from adapters.electricity.tpcodl.consumer import consumer_id, division
from aggregator.sdk.errors import Refused
from aggregator.sdk.model import Order


def asked(typed):
    return consumer_id(Order("", "consumer_check", {"consumer_id": typed}))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("900S00001", "900S00001"),
        ("900 s 00001", "900S00001"),
        ("900-S-00001", "900S00001"),
        ("900100001", "900I00001"),
        ("900l00001", "900I00001"),
        ("900i00001", "900I00001"),
        ("900I00001", "900I00001"),
        ("\uff19\uff10\uff10S00001", "900S00001"),  # full-width digits
    ],
)
def test_an_old_consumer_id_is_understood_as_people_write_it(typed, meant):
    assert asked(typed) == meant


@pytest.mark.parametrize(
    "typed", ["900X00001", "900500001", "900L00001", "", "90", "900S", "900S123456789", "90AS00001"]
)
def test_what_the_old_app_would_turn_into_another_consumers_id_is_refused(typed):
    with pytest.raises(Refused) as caught:
        asked(typed)
    assert caught.value.reason == "number_invalid"
    assert caught.value.fields["consumer_id"]


@pytest.mark.parametrize("typed", ["10310012345", "103100123456"])
def test_a_number_of_a_new_bill_is_not_read_as_an_old_one(typed):
    with pytest.raises(Refused) as caught:
        asked(typed)
    assert "new bill" in caught.value.fields["consumer_id"]


def test_the_report_wants_division_and_account_apart():
    assert division("900S00001") == ("900", "S00001")
