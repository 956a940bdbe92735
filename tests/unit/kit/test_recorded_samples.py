"""A sample is an answer without its people. What cannot be replaced is not recorded."""

import base64
import json

import pytest

from aggregator.sdk.model import Absent, Order, Reading, Receipt
from aggregator.sdk.status import Status
from aggregator.sdk.testing.people import left_in, spellings
from aggregator.sdk.testing.recording import NotRecorded, expectation, sample_of, slug
from aggregator.sdk.wire import Reply

ORDER = Order(
    reference="REF-1",
    service="fresh",
    form={
        "given_name": "Sarojini Mahapatra",
        "mobile": "9437012345",
        "date_of_birth": "1984-03-27",
        "address": {"line1": "Qr 5, Unit 4", "pin": "751001"},
        "scheme": "Normal",
    },
)
JSON = {"content-type": "application/json; charset=utf-8"}


def _sample(body, headers=JSON, *, livemode=False):
    reply = Reply(200, headers, body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode())
    return sample_of("track", "in_progress", "SCR", reply, ORDER, livemode=livemode)


def test_the_citizen_is_replaced_in_every_spelling_and_the_rest_stays():
    told = {"st": "SCR", "who": "SAROJINI MAHAPATRA", "dob": "27/03/1984", "cell": "9437012345", "scheme": "Normal"}
    sample = _sample(told)
    assert json.loads(sample.body) == {
        "st": "SCR", "who": "Test Citizen", "dob": "01/01/1990", "cell": "9000000000", "scheme": "Normal",
    }  # fmt: skip
    assert sample.replaced == {"name": 1, "mobile": 1, "date of birth": 1}
    assert sample.name == "track.in_progress.scr.json"


def test_people_the_form_does_not_know_are_told_by_their_fields():
    sample = _sample({"fatherName": "Gopabandhu Das", "ownerAddress": "Unit 4, Bhubaneswar", "status": "SCR"})
    assert b"Gopabandhu" not in sample.body
    assert b"Bhubaneswar" not in sample.body
    assert json.loads(sample.body)["status"] == "SCR"


def test_odd_bytes_around_a_value_are_kept_as_they_came():
    body = b'\xef\xbb\xbf\n{ "name" :"Sarojini Mahapatra" , "x":"\xe9" }'
    assert _sample(body).body == b'\xef\xbb\xbf\n{ "name" :"Test Citizen" , "x":"\xe9" }'


def test_xml_keeps_its_shape():
    xml = b"<a><owner>Gopabandhu Das</owner><st>SCR</st></a>"
    sample = _sample(xml, {"content-type": "text/xml; charset=utf-8"})
    assert (sample.name, sample.body) == (
        "track.in_progress.scr.xml", b"<a><owner>Test Citizen</owner><st>SCR</st></a>",
    )  # fmt: skip
    assert sample.beside == ""


@pytest.mark.parametrize(
    "body",
    [
        {
            "blob": base64.b64encode(
                b"<r><n>Sarojini Mahapatra</n><m>of the old town, number 12, Cuttack</m></r>"
            ).decode()
        },
        {"note": "call 9861098610 for the officer"},
    ],
    ids=["inside a block of Base64", "a stranger's mobile number"],
)
def test_what_cannot_be_replaced_is_not_recorded_and_not_repeated(body):
    with pytest.raises(NotRecorded) as caught:
        _sample(body)
    assert "Sarojini" not in str(caught.value)
    assert "9861" not in str(caught.value)


def test_a_real_agency_s_block_of_base64_is_never_recorded_unread():
    blob = base64.b64encode(bytes(range(100))).decode()
    assert _sample({"b": blob}).body
    with pytest.raises(NotRecorded):
        _sample({"b": blob}, livemode=True)


def test_another_status_or_label_goes_into_the_file_beside():
    reply = Reply(422, {"content-type": "text/html", "set-cookie": "s=1"}, b"<html>no</html>")
    sample = sample_of("track", "refused", "", reply, ORDER, livemode=False)
    assert sample.name == "track.refused.html"
    assert json.loads(sample.beside) == {"status": 422, "headers": {"content-type": "text/html"}}


def test_a_name_that_is_taken_is_not_written_over(tmp_path):
    sample = _sample({"st": "SCR"})
    assert sample.write(tmp_path / "samples").name == "track.in_progress.scr.json"
    with pytest.raises(FileExistsError):
        sample.write(tmp_path / "samples")


def test_the_file_name_is_the_assertion():
    assert expectation(Reading(Status.IN_PROGRESS, "SCR")) == ("in_progress", "SCR")
    assert expectation([Receipt("A1", "RCVD")]) == ("receipt", "RCVD")
    assert expectation([]) == ("absent", "")
    assert expectation(Absent())[0] == "value"
    assert slug("Under processing - at RTO (level 2)") == "under_processing_at_rto_level_2"


def test_spellings_know_how_agencies_write_dates():
    assert {"27/03/1984", "27-03-1984", "27-Mar-1984", "19840327"} <= spellings("1984-03-27")
    assert left_in("born 27-Mar-1984", ORDER) == ["date_of_birth"]
    assert left_in("scheme Normal, reference REF-1", ORDER) == []
