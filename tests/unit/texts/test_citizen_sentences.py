"""What a citizen reads is complete in every language, and never fails."""

import pytest

from aggregator.sdk.status import Status
from aggregator.texts import UNSAID, arguments, languages, missing, say, texts

STATES = (
    "ready",
    "ready_again",
    "sending",
    "pending",
    "confirmed",
    "rejected",
    "in_doubt",
    "absent_once",
    "absent",
    "needs_human",
    "needs_human_doubt",
    "needs_human_stale",
    "conflict",
    "expired",
    "cancelled",
)
TRANSLATED = languages[1:]


@pytest.mark.parametrize("language", languages)
@pytest.mark.parametrize("state", STATES)
def test_every_state_of_an_operation_has_a_sentence_in_every_language(language, state):
    assert texts(language)[f"state.{state}"]


@pytest.mark.parametrize("language", languages)
@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_label_and_a_sentence_in_every_language(language, status):
    assert texts(language)[f"status.{status.lower()}"]
    assert texts(language)[f"status_sentence.{status.lower()}"]


def test_no_sentence_is_missing_in_a_language():
    assert missing() == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_language_has_a_sentence_that_the_source_does_not_have(language):
    assert not texts(language).keys() - texts("en").keys()


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_takes_the_same_arguments_as_its_source(language):
    apart = {key for key, text in texts("en").items() if arguments(text) != arguments(texts(language).get(key, text))}
    assert apart == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_is_not_the_english_again(language):
    same = {key for key, text in texts(language).items() if text == texts("en")[key]}
    assert same == set()


@pytest.mark.parametrize("language", languages)
def test_arguments_are_plain_names_so_that_a_value_can_never_be_reached_into(language):
    names = {name for text in texts(language).values() for name in arguments(text)}
    assert all(name.isidentifier() for name in names)


@pytest.mark.parametrize("language", languages)
def test_a_plain_sister_asks_for_less_than_the_sentence_it_stands_in_for(language):
    spoken = texts(language)
    for key in spoken:
        if key.endswith("_plain"):
            assert arguments(spoken[key]) < arguments(spoken[key.removesuffix("_plain")]), key


def test_a_doubt_always_says_not_to_apply_again():
    for state in ("in_doubt", "absent_once", "needs_human", "needs_human_doubt"):
        assert "Do not apply again" in say(f"state.{state}", "en", agency="RTO", time="10:00", desk="D", date="1")
        assert "दोबारा आवेदन न करें" in say(f"state.{state}", "hi", agency="RTO")
        assert "ପୁଣି ଆବେଦନ କରନ୍ତୁ ନାହିଁ" in say(f"state.{state}", "or", agency="RTO")


def test_codes_and_times_are_put_into_the_reader_s_words():
    said = say("state.READY", "en", agency="the RTO", reason="agency_away", time="2026-11-21T04:30:30Z")
    assert said.startswith("Received. We have not sent it to the RTO yet: they are not answering at the moment.")
    assert "21-11-2026 10:00:30" in said
    hindi = say("state.ready", "hi", agency="RTO", reason="agency_away", time="2026-11-21T04:30:30Z")
    assert "वे अभी उत्तर नहीं दे रहे हैं" in hindi


def test_an_age_is_said_in_the_largest_unit_that_does_not_mislead():
    ages = {"0": "a moment", "90": "90 seconds", "120": "2 minutes", "7200": "2 hours", "172800": "2 days"}
    for age, words in ages.items():
        said = say("state.confirmed", "en", agency="RTO", reference="OD9", age=age, words="IN_PROGRESS")
        assert f"told us {words} ago: In progress" in said


def test_a_status_comes_with_what_it_asks_of_the_citizen():
    said = say("state.confirmed", "en", agency="RTO", reference="OD9", age="300", words="AWAITING_PAYMENT")
    assert said.endswith(
        "5 minutes ago: Waiting for payment. A fee or a bill is open. The agency goes on once it is paid."
    )
    assert say("status_sentence.awaiting_payment", "or") in say(
        "state.confirmed", "or", agency="RTO", reference="OD9", age="300", words="AWAITING_PAYMENT"
    )


def test_a_sentence_without_its_arguments_gives_way_to_its_plain_sister():
    assert say("state.ready", "en", agency="RTO") == say("state.ready_plain", "en", agency="RTO")
    assert say("state.ready", "en", agency="RTO", reason="", time="") == say("state.ready_plain", "en", agency="RTO")


def test_a_citizen_never_reads_a_brace():
    for language in languages:
        for key in texts(language):
            said = say(key, language)
            assert "{" not in said
            assert "}" not in said
    assert UNSAID in say("state.sending", "en")


def test_words_from_an_agency_are_never_read_as_a_template():
    said = say("state.confirmed", "en", agency="RTO", reference="{agency}", age="5", words="{0.__class__}")
    assert "{agency}" in said
    assert "{0.__class__}" in said


def test_a_reason_nobody_listed_does_not_cost_the_citizen_the_page():
    assert say("reason.brand_new", "en") == say("reason.other", "en")
    assert say("fact.chassis_upto", "or") == "chassis upto"


def test_a_language_we_do_not_speak_is_answered_in_english():
    assert say("status.COMPLETED", "ta") == "Completed"


def test_translations_without_a_native_source_say_so():
    from importlib.resources import files  # noqa: PLC0415 - of this test alone

    for language in TRANSLATED:
        header = files("aggregator.texts").joinpath(f"{language}.toml").read_text(encoding="utf-8")[:300]
        assert "unverified = true" in header


def test_the_parts_of_a_list_have_one_name_and_a_number():
    assert say("fact.stop_3", "en") == "Stop 3"
    assert say("fact.stop_12", "hi") == "स्टॉप 12"
    assert say("fact.no_such_3", "en") == "no such 3"
