"""Who may tell us that a request has changed: checked against the library of those who wrote the specification."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from adapters.agencyapi.standard import Driver
from adapters.agencyapi.standard.signature import WINDOW_S, key_of, signature
from aggregator.sdk.adapter import Settings
from aggregator.sdk.callback import Callback, Notifies, Unverified
from aggregator.sdk.status import Status
from aggregator.sdk.testing.conformance import Answering
from aggregator.sdk.wire import Reply

PAGE = (Path(__file__).parents[3] / "docs" / "agency-api.md").read_text("utf-8")
SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, yes").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret of this very size.").decode()
AT = datetime(2026, 1, 15, 4, 30, tzinfo=UTC)
RECORD = {
    "id": "AG-0000001",
    "reference": "REF-1",
    "service": "feedback",
    "status": "IN_PROGRESS",
    "message": "At the desk",
    "updated_at": "2026-01-15T10:00:00+05:30",
    "sequence": 2,
}
BODY = json.dumps({"type": "request.updated", "request": RECORD}).encode()


def _driver(**secrets):
    wire = Answering(Reply(200, {}, b""))
    return Driver(wire, Settings("https://agency.example", {}, {"token": "t", "callback_secret": SECRET} | secrets))


def _pushed(body=BODY, secret=SECRET, at=AT, event_id="evt_1", received=AT, **headers):
    signed = {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, at, body.decode()),
    }
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Callback("requests", signed | named, body, received)


def test_the_driver_takes_notices():
    assert isinstance(_driver(), Notifies)


def test_a_notice_signed_by_the_specifications_own_library_is_believed_as_a_hint():
    notice = _driver().notified(_pushed())
    assert (notice.event_id, notice.reference, notice.agency_reference) == ("evt_1", "REF-1", "AG-0000001")
    assert notice.reading is not None
    assert (notice.reading.status, notice.reading.at) == (Status.IN_PROGRESS, AT)
    assert json.loads(notice.ack.body) == {"received": True}


def test_our_own_signature_is_the_librarys():
    ours = signature(key_of(SECRET), "evt_1", str(int(AT.timestamp())), BODY)
    assert ours == Webhook(SECRET).sign("evt_1", AT, BODY.decode())


@pytest.mark.parametrize(
    ("callback", "why"),
    [
        (_pushed(secret=OTHER), "the signature is not theirs"),
        (_pushed(body=BODY.replace(b"AG-0000001", b"AG-0000002"), webhook_signature="v1,AAAA"), "not theirs"),
        (_pushed(webhook_id="evt_2"), "not theirs"),
        (_pushed(received=AT + timedelta(seconds=WINDOW_S + 1)), "outside the window"),
        (_pushed(received=AT - timedelta(seconds=WINDOW_S + 1)), "outside the window"),
        (_pushed(webhook_timestamp="yesterday"), "not complete"),
        (_pushed(webhook_timestamp="١٧٦٨٤٥١٤٠٠"), "not complete"),
        (_pushed(webhook_signature=""), "not complete"),
        (_pushed(webhook_id=""), "not complete"),
    ],
)
def test_what_is_not_provably_theirs_has_no_effect(callback, why):
    with pytest.raises(Unverified, match=why) as caught:
        _driver().notified(callback)
    assert caught.value.ack.status == 401


def test_one_byte_more_in_the_body_is_another_body():
    genuine = _pushed()
    with pytest.raises(Unverified):
        _driver().notified(Callback(genuine.path, genuine.headers, genuine.body + b"\n", AT))


def test_the_window_is_open_to_its_edges():
    for seconds in (-WINDOW_S, WINDOW_S):
        assert _driver().notified(_pushed(received=AT + timedelta(seconds=seconds))).event_id == "evt_1"


def test_while_a_secret_changes_both_are_good():
    driver = _driver(callback_secret_next=OTHER)
    for secret in (SECRET, OTHER):
        assert driver.notified(_pushed(secret=secret)).event_id == "evt_1"
    both = " ".join(Webhook(secret).sign("evt_1", AT, BODY.decode()) for secret in (OTHER, SECRET))
    assert _driver().notified(_pushed(webhook_signature=both)).event_id == "evt_1"


def test_an_agency_without_a_secret_is_told_that_we_take_nothing():
    with pytest.raises(Unverified) as caught:
        _driver(callback_secret="").notified(_pushed())
    assert caught.value.ack.status == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"type":"request.updated"}',
        b'{"request":{"id":"AG-1"}}',
        b'{"request":{"id":"AG-1","reference":"REF-1"}}',
        b'{"request":{"id":7,"reference":"REF-1","status":"SUBMITTED"}}',
        b'{"request":{"id":"A","id":"B","reference":"REF-1","status":"SUBMITTED"}}',
        b'{"request":{"id":"A","reference":"REF-1","status":"SUBMITTED","updated_at":"soon"}}',
    ],
)
def test_a_genuine_notice_that_cannot_be_read_is_kept_for_people(body):
    with pytest.raises(Unverified) as caught:
        _driver().notified(_pushed(body=body))
    assert caught.value.ack.status == 400


def test_a_word_nobody_listed_is_unknown_and_moves_nothing():
    body = BODY.replace(b"IN_PROGRESS", b"PARKED")
    reading = _driver().notified(_pushed(body=body)).reading
    assert reading is not None
    assert (reading.status, reading.agency_code) == (Status.UNKNOWN, "PARKED")


@pytest.mark.parametrize("secret", ["plain", "whsec_!!!", "whsec_c2hvcnQ="])
def test_a_callback_secret_that_is_none_is_found_when_the_city_starts(secret):
    with pytest.raises(ValueError, match="callback secret") as caught:
        _driver(callback_secret=secret)
    assert secret.removeprefix("whsec_") not in str(caught.value)


def test_the_vector_in_the_guide_is_right():
    head, _, body = PAGE.split("```http\nPOST /callbacks", 1)[1].split("```", 1)[0].strip().partition("\n\n")
    headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", PAGE.split("test vector", 1)[1])[0]
    assert Webhook(secret).sign("evt_00000042", datetime.fromtimestamp(1768451400, UTC), body) in headers.values()
    received = datetime.fromtimestamp(1768451400, UTC)
    notice = _driver(callback_secret=secret).notified(Callback("requests", headers, body.encode(), received))
    assert notice.agency_reference == "AG-0000001"
