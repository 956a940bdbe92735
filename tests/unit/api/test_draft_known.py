"""A profile in the words of forms: every spelling a form may want, the fullest first."""

from aggregator.api.draft_known import spellings
from aggregator.citizens.person import Address, Profile


def test_a_profile_is_offered_in_every_spelling_forms_ask_for() -> None:
    made = spellings(
        Profile(
            name="Test Middle Citizen", mobile="+919000000000", gender="FEMALE", date_of_birth="1990-01-01",
            address=Address(line="Plot 7", area="Ward 12", city="Bhubaneswar", pin_code="751001"),
        )
    )  # fmt: skip
    assert made["mobile"] == ["+919000000000", "9000000000"]
    assert (made["given_name"], made["surname"]) == (["Test Middle"], ["Citizen"])
    assert made["gender"][0] == "F"
    assert made["address"] == ["Plot 7, Ward 12, Bhubaneswar, 751001"]
    assert made["email"] == []


def test_one_name_is_a_given_name() -> None:
    made = spellings(Profile(name="Ravi"))
    assert (made["given_name"], made["surname"]) == (["Ravi"], [])
