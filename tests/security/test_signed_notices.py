"""S15. What agencies and the payment gateway push to us: genuine to the last byte, of now, and counted once.

The vector is the one the authors of Standard Webhooks publish with their libraries. Controls: a check over re-encoded
JSON, which refuses genuine bytes and takes changed ones; and one that looks at the signature alone, which takes a
recording of last year.
"""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from adapters.agencyapi.standard.signature import NotSigned, key_of, signature, verified
from adapters.gateway.cashfree import inbound
from aggregator.sdk.callback import Callback, Unverified

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"another secret of this very size.").decode()
EVENT, STAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
PUBLISHED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
AT = datetime.fromtimestamp(int(STAMP), UTC)
SIGNED = {"webhook-id": EVENT, "webhook-timestamp": STAMP, "webhook-signature": PUBLISHED}
GATEWAY_SECRET = "gateway secret of the city"
MONEY = json.dumps({
    "type": "PAYMENT_SUCCESS_WEBHOOK",
    "data": {
        "order": {"order_id": "ord_7"},
        "payment": {"payment_status": "SUCCESS", "payment_amount": 664.0, "cf_payment_id": 7},
    },
}).encode()  # fmt: skip


def agency(body=BODY, received=AT, keys=(SECRET,), **headers):
    """Whether an agency's notice is believed."""
    named = SIGNED | {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        return verified(Callback("requests", named, body, received), [key_of(key) for key in keys]) == EVENT
    except NotSigned:
        return False


def gateway(body=MONEY, received=AT, stamp=STAMP, given="", secret=GATEWAY_SECRET):
    """Whether the gateway's notice is believed."""
    given = given or inbound.signature(GATEWAY_SECRET, STAMP, MONEY)
    headers = {"x-webhook-timestamp": stamp, "x-webhook-signature": given}
    try:
        return inbound.notice_of(Callback("", headers, body, received), secret).reference == "ord_7"
    except Unverified:
        return False


def each_byte_changed(value):
    """The value with one bit of one byte turned, for every byte; text stays text."""
    raw = value.encode() if isinstance(value, str) else value
    for at, byte in enumerate(raw):
        turned = raw[:at] + bytes([byte ^ 1]) + raw[at + 1 :]
        yield turned.decode() if isinstance(value, str) else turned


@pytest.mark.figure("S15", "in")
def test_the_published_vector_is_ours_and_ours_is_the_librarys(figure):
    assert signature(key_of(SECRET), EVENT, STAMP, BODY) == PUBLISHED == Webhook(SECRET).sign(EVENT, AT, BODY.decode())
    assert agency()
    assert gateway()
    figure.measured("the published vector agrees")


@pytest.mark.figure("S15", "in")
def test_every_changed_byte_of_a_notice_is_noticed(figure):
    tries = [agency(body=body) for body in each_byte_changed(BODY)]
    for name, value in SIGNED.items():
        tries += [agency(**{name.replace("-", "_"): changed}) for changed in each_byte_changed(value)]
    tries += [gateway(body=body) for body in each_byte_changed(MONEY)]
    tries += [gateway(stamp=stamp) for stamp in each_byte_changed(STAMP)]
    tries += [gateway(given=given) for given in each_byte_changed(inbound.signature(GATEWAY_SECRET, STAMP, MONEY))]
    tries += [agency(body=BODY + b"\n"), agency(webhook_signature=""), agency(keys=[OTHER]), gateway(secret="other")]
    assert not any(tries)
    figure.measured(f"{len(tries)} of {len(tries)} changes of one byte or key noticed")


@pytest.mark.figure("S15", "in")
def test_a_notice_of_another_time_is_none(figure):
    for off_s, good in ((-301, False), (-300, True), (300, True), (301, False), (31_536_000, False)):
        assert agency(received=AT + timedelta(seconds=off_s)) is good, off_s
    # The gateway repeats an unanswered notice for hours, and what it says is asked for anew in any case.
    for off_s, good in ((-301, False), (86_400, True), (86_401, False)):
        assert gateway(received=AT + timedelta(seconds=off_s)) is good, off_s
    figure.measured("older or newer than its window: none taken")


@pytest.mark.figure("S15", "in")
def test_while_a_secret_is_exchanged_both_are_good_and_afterwards_one(figure):
    by_the_new = Webhook(OTHER).sign(EVENT, AT, BODY.decode())
    assert agency(keys=[SECRET, OTHER])
    assert agency(keys=[SECRET, OTHER], webhook_signature=by_the_new)
    assert agency(keys=[SECRET], webhook_signature=f"{by_the_new} {PUBLISHED}")
    assert not agency(keys=[OTHER])
    figure.measured("two secrets while one is exchanged")


@pytest.mark.figure("S15", "in")
async def test_a_notice_played_back_a_hundred_times_is_one_event(town, figure):
    case = (await town.open()).json
    told = json.dumps({"event": "e1", "number": "N1"}).encode()
    for _ in range(100):
        assert (
            await town.raw("POST", "/callbacks/office", data=told, headers={"X-Signed": "by the office"})
        ).status < 300
    await town.inbox.work()
    events = (await town.ask("GET", f"/cases/{case['id']}/events")).json["items"]
    assert [event["type"] for event in events].count("callback.received") == 1
    figure.measured("played back 100 times: 1 event")


def over_json(body, given):
    """The control: what is signed is the document, not its bytes."""
    again = json.dumps(json.loads(body), separators=(",", ":")).encode()
    return hmac.compare_digest(signature(key_of(SECRET), EVENT, STAMP, again), given)


@pytest.mark.figure("S15", "in")
def test_the_controls_a_check_over_re_encoded_json_and_one_without_time(figure):
    assert not over_json(BODY, PUBLISHED), "it refuses the published vector"
    compact = signature(key_of(SECRET), EVENT, STAMP, b'{"test":2432232314}')
    taken = [body for body in (b'{"test": 2432232314}', b'{"test":1,"test":2432232314}', b'{"t\\u0065st":2432232314}')
             if over_json(body, compact)]  # fmt: skip
    assert len(taken) == 3, "and takes bytes nobody signed"
    a_year_later = Callback("", SIGNED, BODY, AT + timedelta(days=365))
    assert signature(key_of(SECRET), EVENT, STAMP, a_year_later.body) == PUBLISHED, "the signature alone still holds"
    figure.control("checked over re-encoded JSON: the vector refused, 3 of 3 changed bodies taken")
