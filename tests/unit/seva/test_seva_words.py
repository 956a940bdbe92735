"""The passport authority's words become the city's, or UNKNOWN; never the nearest."""

import re

import pytest

from adapters.passport.seva.records import reading
from adapters.passport.seva.vocabulary import KEYS, PHRASES, STATES
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.status import OURS, Status

FILE_NO, BORN = "SI9990000000001", "01/01/1990"
ROW = {"FILE_NO": FILE_NO, "DATE_OF_BIRTH": BORN, "APP_SUB_DATE": "05/01/2026", "LAST_MODIFIED_DATEZ": None}
SAID = {
    "Your application has been submitted": (Status.SUBMITTED, ""),
    "Your application has been received at the Passport Seva Kendra": (Status.ACKNOWLEDGED, "PSK"),
    "Appointment has been scheduled for 20/01/2026": (Status.SCHEDULED, "APPOINTMENT"),
    "application is under review at regional  passport office.": (Status.IN_PROGRESS, "RPO"),
    "Police Verification has been initiated": (Status.IN_PROGRESS, "POLICE"),
    "Pending for Police Verification": (Status.IN_PROGRESS, "POLICE"),
    "Police Report Has Not Been Received": (Status.IN_PROGRESS, "POLICE"),
    "Passport has been printed before police verification of the applicant": (Status.IN_PROGRESS, "POLICE_PRE_PRINTED"),
    "Police report has been found clear": (Status.IN_PROGRESS, "POLICE_DONE"),
    "Please furnish the proof of stay": (Status.AWAITING_CITIZEN, "DOCUMENTS"),
    "Show cause": (Status.AWAITING_CITIZEN, "DOCUMENTS"),
    "Passport application has been granted": (Status.APPROVED, "GRANTED"),
    "Passport has been printed": (Status.APPROVED, "PRINTED"),
    "Passport has been dispatched on 19-01-2026 via Speed Post. The tracking number is EE123456785IN": (
        Status.DISPATCHED,
        "",
    ),
    "The passport has been delivered": (Status.COMPLETED, ""),
    "The passport has been returned undelivered": (Status.AWAITING_CITIZEN, "RETURNED"),
    "Adverse police report": (Status.IN_PROGRESS, "POLICE_ADVERSE"),
    "Refused": (Status.REJECTED, ""),
    "rejected": (Status.REJECTED, ""),
    "Closed on account of non appearance": (Status.WITHDRAWN, "NON_APPEARANCE"),
    "Impounded": (Status.REJECTED, "IMPOUNDED"),
    "Application is under consideration of the competent authority": (Status.UNKNOWN, ""),
    "Police station has been informed": (Status.UNKNOWN, ""),
    "": (Status.UNKNOWN, ""),
}


def _read(message, key=None, **row):
    return reading(
        {"applicationStatus": [{**ROW, "STATUS_MESSAGE": message, "TXT_MSG_KEY": key, **row}]}, FILE_NO, BORN
    )


@pytest.mark.parametrize(("message", "expected"), SAID.items())
def test_what_the_authority_says_is_what_the_citizen_reads(message, expected):
    got = _read(message)
    assert (got.status, got.detail) == expected


@pytest.mark.parametrize("message", SAID)
def test_no_sentence_fits_two_meanings(message):
    plain = " ".join(message.split()).removesuffix(".")
    assert len([pattern for pattern in PHRASES if re.fullmatch(pattern, plain, re.IGNORECASE)]) <= 1


def test_every_phrase_of_the_vocabulary_is_said_by_somebody():
    plain = [" ".join(message.split()).removesuffix(".") for message in SAID]
    silent = [p for p in PHRASES if not any(re.fullmatch(p, message, re.IGNORECASE) for message in plain)]
    assert silent == [r"clarification"]


def test_no_word_of_the_agency_means_a_status_of_ours():
    words = [*KEYS.values(), *PHRASES.values(), *STATES.values()]
    assert not {word[0] if isinstance(word, tuple) else word for word in words} & OURS


def test_the_key_is_believed_before_the_phrase():
    got = _read("पासपोर्ट भेज दिया गया है", "trackstatus.dispatched")
    assert (got.status, got.agency_code) == (Status.DISPATCHED, "trackstatus.dispatched")


def test_an_unlisted_key_leaves_the_word_to_the_phrase():
    assert _read("Passport has been printed", "trackstatus.printed").status is Status.APPROVED


def test_an_unlisted_key_without_a_phrase_is_kept_as_it_came():
    got = _read("", "trackstatus.scanned")
    assert (got.status, got.agency_code) == (Status.UNKNOWN, "trackstatus.scanned")


def test_an_adverse_police_report_is_not_told_in_passing():
    assert _read("Adverse police report").withheld


def test_a_speed_post_number_is_shown_only_with_its_check_digit():
    dispatched = "Passport has been dispatched on 19-01-2026 via Speed Post. The tracking number is {}"
    assert _read(dispatched.format("EE123456785IN")).facts["speed_post"] == "EE123456785IN"
    assert "speed_post" not in _read(dispatched.format("EE123456789IN")).facts


def test_impossible_seconds_leave_the_minute():
    got = _read("Passport has been printed", LAST_MODIFIED_DATEZ="15/01/2026 05:02:62604")
    assert got.at is not None
    assert got.at.isoformat() == "2026-01-14T23:32:00+00:00"


@pytest.mark.parametrize("stranger", [{"FILE_NO": "SI9990000000002"}, {"DATE_OF_BIRTH": "02/01/1990"}])
def test_another_citizens_file_is_never_shown(stranger):
    with pytest.raises(ContractBroken):
        _read("Passport has been printed", **stranger)
