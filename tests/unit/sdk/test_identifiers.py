"""Identifiers by shape and check digit, with the published test values; every one of them is obviously invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.in_ import gstin

from aggregator.sdk.form import (
    IDENTIFIERS,
    check_digit,
    fits,
    is_vehicle,
    masked_aadhaar,
    normal,
    normalise,
    s10_check_digit,
    valid_number,
)

GOOD = {
    "mobile": ["9000000000", "+91 90000 00000", "091-9000000000"[1:], "09000000000", "919000000000"],
    "aadhaar": ["999900000016", "999900000028", "9999 0000 0037"],
    "pan": ["ZZZPZ9999Z", "zzzpz9999z"],
    "epic": ["ABC1234566"],
    "pin_code": ["751001", "751 001"],
    "vehicle": ["OD99ZZ0001", "od-99 zz/0001", "DL01AA0101", "OD\u200b99ZZ0001", "\uff2f\uff2499ZZ0001"],
    "vehicle_bh": ["99BH0001ZZ"],
    "driving_licence": ["OD9920990000001", "OD-99 20990000001", "OD09920990000001"],
    "passport_file": ["SI9990000000001"],
    "passport_arn": ["99-0000000001"],
    "passport": ["Z0000001"],
    "postal_item": ["EE123456785IN"],
    "bbps_ref": ["SIMULATORREFERENCE00000000160151000"],
    "bbps_biller": ["SIMU00000ODI01"],
    "bbps_txn": ["SIMU6015100000000001"],
    "bbps_agent": ["SI01SIMU000000000001"],
    "discom_account": ["900000000001"],
    "discom_legacy": ["900S00001"],
    "police_request": ["OP99EMV0000001"],
    "rto_application": ["OD99A0000000001"],
    "digit_request": ["OD-PGR-2099-01-01-000001"],
    "cnic": ["3120200000019"],
}

BAD = {
    "mobile": ["5000000000", "900000000", "90000000000", "९०००००००००", ""],
    "aadhaar": ["123412341234", "999900000017", "199900000016", "99990000001"],
    "pan": ["ZZZQZ9999Z", "ZZZPZ0000Z", "ZZZPZ999Z"],
    "epic": ["ABC1234567", "AB1234566"],
    "pin_code": ["051001", "75100"],
    "vehicle": ["O99ZZ0001", "OD99ZZ00010", "ODZZ0001"],
    "vehicle_bh": ["99BX0001ZZ"],
    "driving_licence": ["OD9918990000001", "OD992099000000"],
    "passport_file": ["SI999000000001", "S99990000000001"],
    "passport_arn": ["990000000001", "99-000000001"],
    "passport": ["00000001"],
    "postal_item": ["EE123456784IN", "EE12345678IN"],
    "bbps_ref": ["SIMULATORREFERENCE"],
    "bbps_biller": ["SIMU00000ODI0"],
    "bbps_txn": ["SIMU601510000000000"],
    "bbps_agent": [""],
    "discom_account": ["90000000000"],
    "discom_legacy": ["900X00001"],
    "police_request": ["OP99EM0000001"],
    "rto_application": ["OD99B0000000001"],
    "digit_request": ["OD-PGR-2099-1-1-000001"],
    "cnic": ["312020000001"],
}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in GOOD.items() for value in values])
def test_a_number_as_citizens_type_it_is_recognised(kind, value):
    assert fits(kind, value)


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in BAD.items() for value in values])
def test_a_number_of_another_shape_or_check_digit_is_noticed(kind, value):
    assert not fits(kind, value)


def test_cr7_every_kind_has_values_that_fit_and_values_that_do_not():
    assert set(GOOD) | {"gstin"} == set(IDENTIFIERS) == set(BAD) | {"gstin"}


def test_cr7_a_tax_number_is_checked_by_the_library():
    body = "21ZZZPZ9999Z1Z"
    number = body + gstin.calc_check_digit(body) if hasattr(gstin, "calc_check_digit") else ""
    assert not fits("gstin", body + "#")
    assert not number or fits("gstin", number)


@pytest.mark.parametrize(
    ("digits", "check"),
    [("12345678", "5"), ("00000001", "4"), ("00000010", "2"), ("99990000", "7"), ("99990001", "5"), ("99990009", "0")],
)
def test_cr7_the_postal_check_digit_has_its_published_values(digits, check):
    assert s10_check_digit(digits) == check
    assert fits("postal_item", f"EE{digits}{check}IN")


def test_leading_zeros_stay():
    assert normal("vehicle", "dl 01 aa 0101") == "DL01AA0101"


def test_prefixes_of_a_mobile_fall_away_and_nothing_else_does():
    assert {normal("mobile", text) for text in GOOD["mobile"]} == {"9000000000"}
    assert normal("mobile", "9100000000") == "9100000000"


def test_both_plate_series_are_plates():
    assert is_vehicle("OD 99 ZZ 0001")
    assert is_vehicle("99 BH 0001 ZZ")
    assert not is_vehicle("0001")


def test_of_an_aadhaar_number_four_digits_are_shown():
    assert masked_aadhaar("9999 0000 0016") == "XXXXXXXX0016"


@given(st.text(alphabet="0123456789", min_size=12, max_size=15))
def test_our_own_numbers_carry_a_digit_that_notices_every_slip(digits):
    number = digits + check_digit(digits)
    assert valid_number(number, len(number))
    assert valid_number(" ".join(number[at : at + 4] for at in range(0, len(number), 4)))
    for at in range(len(number)):
        slipped = number[:at] + str((int(number[at]) + 1) % 10) + number[at + 1 :]
        assert not valid_number(slipped)
    for at in range(len(number) - 1):
        if number[at] != number[at + 1]:
            assert not valid_number(number[:at] + number[at + 1] + number[at] + number[at + 2 :])


@pytest.mark.parametrize("text", ["", "-", "12a4", "१२३४", "1234 5678"])
def test_what_is_no_number_of_ours_is_not_valid(text):
    assert not valid_number(text, 16)


@given(st.text(max_size=40))
def test_normalising_twice_is_normalising_once(text):
    assert normalise(normalise(text)) == normalise(text)
    for identifier in IDENTIFIERS.values():
        identifier.fits(text)
