"""What a service costs this citizen: whole paise, and what nobody knows is said."""

import pytest

from aggregator.discovery.fees import NoSuchVariant, quoted
from aggregator.registry.agency import Fee, FeeRow


def row(title: str, paise: int, per: str = "", **when: str) -> FeeRow:
    return FeeRow({"en": title}, paise, when, per)


def test_an_unknown_fee_is_not_nothing() -> None:
    assert quoted(None, {}).result == "UNKNOWN"
    assert quoted(Fee("INR", (row("None", 0),)), {}).result == "NOTHING_DUE"


def test_answers_decide_which_rows_are_added_up() -> None:
    fee = Fee("INR", (row("Base", 150_000), row("Urgent", 200_000, scheme="Tatkaal")))
    assert quoted(fee, {"scheme": "Normal"}).total_paise == 150_000
    urgent = quoted(fee, {"scheme": "Tatkaal"})
    assert (urgent.result, urgent.total_paise) == ("FIXED", 350_000)


def test_an_amount_for_each_is_multiplied_and_nothing_else_is() -> None:
    fee = Fee("INR", (row("A month", 12_345, per="months"),))
    assert quoted(fee, {"months": 3}).total_paise == 37_035
    for odd in (None, -3, "3", True, 2.5):
        assert quoted(fee, {"months": odd}).total_paise == 12_345


def test_where_the_form_does_not_decide_somebody_has_to_choose() -> None:
    fee = Fee("INR", (row("Motor cycle", 15_000), row("Car", 30_000)))
    open_ = quoted(fee, {})
    assert (open_.result, open_.due, [one.amount_paise for one in open_.variants]) == ("CHOOSE", (), [15_000, 30_000])
    assert quoted(fee, {}, 2).total_paise == 30_000
    with pytest.raises(NoSuchVariant):
        quoted(fee, {}, 3)
