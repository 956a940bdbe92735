"""A transcript keeps the shape of an exchange and loses its people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.sdk.clock import ManualClock
from aggregator.sdk.redact import mask, mask_body, mask_headers, mask_url
from aggregator.sdk.trace import MARK, TraceWire
from aggregator.sdk.wire import Reply, Sent, WireError

CANARIES = ["Ramesh", "9000000000", "ରମେଶ", "999900000016", "OD99ZZ0001", "hunter2"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"name":"Ramesh","mobile":9000000000,"deep":[{"x":"999900000016"}],"9000000000":{"status":"OD99ZZ0001"}}',
        '{"owner":"ରମେଶ","password":"hunter2"}'.encode(),
        b'<a name="Ramesh" status="9000000000"><owner>Ramesh</owner> 9000000000 <code>999900000016</code></a>',
        '<a xmlns="urn:x"><n>ରମେଶ</n></a>'.encode(),
        b"Ramesh|9000000000|OD99ZZ0001",
        b"{torn: Ramesh 9000000000",
        b"<torn>Ramesh 9000000000",
        b'<?xml version="1.0" encoding="utf-8"?><!DOCTYPE a [<!ENTITY e "Ramesh">]><a>&e;</a>',
        b"mobile=9000000000&name=Ramesh",
        b"Ramesh" * 50_000,
    ],
)
def test_no_citizen_is_left_in_a_masked_body(body):
    masked = mask_body(body)
    assert not [canary for canary in CANARIES if canary in masked]


@pytest.mark.parametrize(
    "body",
    [
        b'{"password":"hunter2-of-ours","clientSecret":"hunter2-of-ours"}',
        b'<w:Password xmlns:w="urn:w" Type="urn:text">hunter2-of-ours</w:Password>',
    ],
)
def test_of_a_secret_not_even_the_shape_is_left(body):
    assert mask("hunter2-of-ours") not in mask_body(body)
    assert "(hidden)" in mask_body(body)


def test_codes_in_fields_that_hold_codes_are_shown():
    masked = mask_body(
        b'{"status":"SCR","errorCode":"E-77","RspCd":"Failure","stautsMessage":"OK","rc_status":"ACTIVE"}'
    )
    for shown in ('"SCR"', '"E-77"', '"Failure"', '"ACTIVE"'):
        assert shown in masked
    assert "<ResultCode>101</ResultCode>" in mask_body(b"<a><ResultCode>101</ResultCode></a>")


@given(st.text())
def test_a_mask_keeps_neither_letters_nor_digits(text):
    assert not {char for char in mask(text) if char.isalnum()} - {"x", "X", "0"}
    assert len(mask(text)) == len(text)


def test_credentials_in_headers_are_only_counted():
    masked = mask_headers({"Authorization": "Bearer hunter2", "Content-Type": "text/xml", "X-Anything": "Ramesh"})
    assert masked == {"Authorization": "(14 characters)", "Content-Type": "text/xml", "X-Anything": "(6 characters)"}


def test_a_url_shows_its_way_and_not_its_numbers():
    url = "http://user:hunter2@agency.example:8080/v2/requests/OD99ZZ0001?dob=1990-01-01&name=Ramesh"
    assert mask_url(url) == "http://agency.example:8080/v2/requests/XX00XX0000?..."
    assert mask_url(url, whole_query=False).endswith("?xxx=0000-00-00&xxxx=Xxxxxx")


class Slow:
    """Takes its time and tells of its phases."""

    def __init__(self, clock, answer):
        self._clock, self._answer = clock, answer

    async def send(self, method, url, *, headers, body, effect=True, cap=0):
        mark = MARK.get()
        for phase in ("connection", "head", "body"):
            self._clock.advance(0.25)
            mark(phase)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


async def test_a_transcript_has_both_sides_and_the_time_of_each_phase():
    clock = ManualClock()
    wire = TraceWire(Slow(clock, Reply(200, {"content-type": "application/json"}, b'{"name":"Ramesh"}')), clock)
    await wire.send("POST", "http://agency.example/x?q=1", headers={"Accept": "*/*"}, body=b'{"mobile":"9000000000"}')
    (kept,) = wire.transcript
    assert kept.phases_s == {"connection": 0.25, "head": 0.5, "body": 0.75, "end": 0.75}
    told = str(kept)
    assert "> POST http://agency.example/x?..." in told
    assert "< 200" in told
    assert '"Xxxxxx"' in told
    assert not [canary for canary in CANARIES if canary in told]


async def test_a_failed_exchange_is_in_the_transcript_too():
    clock = ManualClock()
    wire = TraceWire(Slow(clock, WireError(Sent.MAYBE, "ServerDisconnectedError")), clock)
    with pytest.raises(WireError):
        await wire.send("GET", "http://agency.example/x", headers={}, body=None)
    assert "! ServerDisconnectedError, sent=maybe" in str(wire.transcript[0])
