"""A number for keypads: slips of the fingers are told from numbers nobody has."""

from hypothesis import given
from hypothesis import strategies as st

from aggregator.cases import number
from aggregator.cases.number import Slip
from aggregator.sdk.clock import SeededChance


def test_a_new_number_has_sixteen_digits_and_reads_back_however_it_is_typed() -> None:
    made = number.mint(SeededChance(1))
    assert len(made) == 16
    shown = number.shown(made)
    assert [len(part) for part in shown.split("-")] == [4, 4, 4, 4]
    for typed in (made, shown, shown.replace("-", " "), f" {made} "):
        assert number.read(typed) == made


@given(seed=st.integers(), at=st.integers(0, 15), by=st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(seed: int, at: int, by: int) -> None:
    made = number.mint(SeededChance(seed))
    wrong = made[:at] + str((int(made[at]) + by) % 10) + made[at + 1 :]
    assert number.read(wrong) is Slip.CHECK_DIGIT


@given(seed=st.integers(), at=st.integers(0, 14))
def test_two_swapped_neighbours_are_always_noticed(seed: int, at: int) -> None:
    made = number.mint(SeededChance(seed))
    swapped = made[:at] + made[at + 1] + made[at] + made[at + 2 :]
    assert swapped == made or number.read(swapped) is Slip.CHECK_DIGIT


def test_what_is_no_number_at_all_is_said_to_be_so() -> None:
    assert number.read("4071-9936-2185") is Slip.LENGTH
    assert number.read("4071-9936-2185-O345") is Slip.DIGITS
    assert number.read("୪୦୭୧ ୯୯୩୬ ୨୧୮୫ ୦୩୪୫") is Slip.DIGITS
    assert number.read("") is Slip.DIGITS
