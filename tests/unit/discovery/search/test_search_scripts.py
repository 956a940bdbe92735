"""One word in five scripts and as many spellings is one word."""

import pytest

from aggregator.discovery.search.script import romanised, words
from aggregator.discovery.search.sound import bones, root, sound


@pytest.mark.parametrize("spelling", ["ଲାଇସେନ୍ସ", "लाइसेंस", "لائسنس", "licence", "license", "lisens", "laisens"])
def test_a_licence_has_the_same_bones_in_every_script(spelling: str) -> None:
    assert bones(sound(spelling)) == "lsns"


@pytest.mark.parametrize(
    ("one", "other"),
    [("pani", "paani"), ("bijli", "bijlee"), ("sadak", "saddak"), ("vivah", "wivah"), ("zameen", "jamin"),
     ("ଜନ୍ମ", "janma"), ("पानी", "pani"), ("ପାଣି", "paani"), ("नक्शा", "naksha"), ("phone", "fon")],
)  # fmt: skip
def test_spellings_of_one_word_sound_alike(one: str, other: str) -> None:
    assert sound(one) == sound(other)


def test_words_that_differ_by_a_vowel_that_matters_do_not_sound_alike() -> None:
    assert sound("pani") != sound("pin")
    assert sound("kutta") != sound("katta")


def test_joiners_decompositions_and_cases_do_not_change_a_word() -> None:
    assert words("ଡ୍\u200dରାଇଭିଂ") == words("ଡ୍ରାଇଭିଂ")
    assert words("प\u093cढ़ाई") != []
    assert words("सड़क") == words("सड\u093cक")
    assert words("PASSPORT") == words("Passport")


@pytest.mark.parametrize("digits", ["୨୦୨୬", "२०२६", "۲۰۲۶", "2026"])
def test_digits_of_every_script_are_one(digits: str) -> None:
    assert words(digits) == ["2026"]


def test_dots_between_letters_are_no_full_stops() -> None:
    assert words("lodge F.I.R. now") == ["lodge", "fir", "now"]
    assert words("Learner's") == ["learners"]


def test_marks_and_emoji_are_no_words() -> None:
    assert words("!!! 🚗 -- ؟") == []


def test_a_nukta_is_heard() -> None:
    assert romanised("सड़क") == "sarak"[:2] + "raka"


def test_cases_and_tenses_share_a_root() -> None:
    assert root(sound("ରାସ୍ତାରେ")) == root(sound("ରାସ୍ତା"))
    assert root(sound("katiba")) == root(sound("katichi"))
    assert root(sound("गड्ढों")) == root(sound("गड्ढे"))
