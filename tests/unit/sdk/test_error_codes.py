"""An error document is read by its code: a listed one by what is to be done, any other as a broken contract."""

import orjson
import pytest

from aggregator.sdk.coded import Codes
from aggregator.sdk.errors import ContractBroken, Misconfigured, OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.wire import Reply

CODES = Codes(
    whose="the office", reasons={"not_found": "not_found", "full": "refused"}, shed=frozenset({"too_many"}),
    credentials=frozenset({"who"}), our_fault=frozenset({"no_key"}), trouble=frozenset({"busy"}),
)  # fmt: skip
STRICT = Codes(whose="the gateway", reasons=CODES.reasons, no_with_4xx_alone=True)


def answer(status, body, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": "application/json", **named}, orjson.dumps(body))


def error(code, **more):
    return {"error": {"code": code, **more}}


@pytest.mark.parametrize(
    ("status", "code", "raised"),
    [
        (409, "full", Refused), (200, "full", Refused), (500, "full", Refused),
        (429, "too_many", Unavailable), (503, "too_many", ContractBroken),
        (401, "who", Misconfigured), (500, "who", ContractBroken),
        (422, "no_key", Misconfigured),
        (500, "busy", OutcomeUnknown), (200, "busy", OutcomeUnknown),
        (400, "never_heard_of", ContractBroken), (500, "never_heard_of", ContractBroken),
    ],
)  # fmt: skip
def test_a_write_is_read_by_its_code(status, code, raised):
    with pytest.raises(raised) as caught:
        CODES.read(answer(status, error(code)), effect=True)
    assert type(caught.value) is raised


def test_a_read_in_trouble_is_an_outage_and_no_doubt():
    with pytest.raises(Unavailable):
        CODES.read(answer(500, error("busy")), effect=False)


def test_a_refusal_brings_the_fields_and_the_record_it_names():
    body = error("full", id="AG-7", fields={"slot": "taken"})
    with pytest.raises(Refused) as caught:
        CODES.read(answer(409, body), effect=True)
    assert (caught.value.reason, caught.value.reference, caught.value.fields) == ("refused", "AG-7", {"slot": "taken"})


def test_a_gateway_that_repeats_old_answers_is_believed_only_under_4xx():
    with pytest.raises(Refused):
        STRICT.read(answer(409, error("full")), effect=True)
    with pytest.raises(ContractBroken):
        STRICT.read(answer(500, error("full")), effect=True)


def test_when_to_come_back_is_kept():
    with pytest.raises(Unavailable) as caught:
        CODES.read(answer(429, error("too_many"), retry_after="7"), effect=True)
    assert (caught.value.retry_after_s, caught.value.throttled) == (7.0, True)


def test_an_error_object_of_another_shape_is_a_doubt_even_under_200():
    for body in ({"error": "sorry"}, {"exception": "NullPointerException"}, {"error": {"message": "no code"}}):
        with pytest.raises(OutcomeUnknown):
            CODES.read(answer(200, body), effect=True)


def test_only_a_listed_miss_reads_as_none():
    assert CODES.read_or_none(answer(404, error("not_found"))) is None
    assert CODES.read_or_none(answer(200, {"id": "AG-7"})) == {"id": "AG-7"}
    with pytest.raises(Refused):
        CODES.read_or_none(answer(409, error("full")))
    with pytest.raises(ContractBroken):
        CODES.read_or_none(answer(404, {}))
    with pytest.raises(ContractBroken):
        CODES.read_or_none(answer(200, None))


def test_a_long_code_is_told_by_its_length_alone():
    with pytest.raises(ContractBroken) as caught:
        CODES.read(answer(400, error("Asha Das of Plot 7 has already applied")), effect=True)
    assert "Asha" not in str(caught.value)
