"""The second name is another person's, however the first one spells himself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.citizens.four_eyes import NoName, code_of, folded
from aggregator.citizens.vault import Vault

VAULT = Vault(bytes(32))
SAME = [
    ("Asha Das", "asha das"),
    ("Asha Das", "  ASHA   DAS "),
    ("A. Das", "a das"),
    ("Das, Asha", "Asha Das"),
    ("मिनती दास", "मिनती  दास."),
    ("ମିନତୀ ଦାସ", "ଦାସ ମିନତୀ"),
]


def naive(one: str, other: str) -> bool:
    """The control: what most four-eyes checks do."""
    return one == other


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_person_spelt_twice_is_one_person(one: str, other: str) -> None:
    assert not naive(one, other), "the control lets the same person approve twice"
    assert code_of(VAULT, one) == code_of(VAULT, other)


def test_two_persons_are_two() -> None:
    assert code_of(VAULT, "Asha Das") != code_of(VAULT, "Usha Das")
    assert code_of(VAULT, "मिनती दास") != code_of(VAULT, "मनीता दास")


@pytest.mark.parametrize("nobody", ["", "  ", "...", "-"])
def test_nobody_cannot_decide(nobody: str) -> None:
    with pytest.raises(NoName):
        folded(nobody)


@given(st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=12))
def test_folding_a_folded_name_changes_nothing(name: str) -> None:
    assert folded(folded(name)) == folded(name)


def test_a_code_says_nothing_of_the_name_without_the_key() -> None:
    assert code_of(VAULT, "Asha Das") != code_of(Vault(b"1" * 32), "Asha Das")
    assert "das" not in code_of(VAULT, "Asha Das")
