"""The command line of payments on a database of its own: files in, what does not match out."""

from pathlib import Path

import pytest

from aggregator.cli import main

ROOT = Path(__file__).parents[3]


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    return ["--data", str(tmp_path / "data"), "--registry", str(ROOT / "registry.toml")]


def test_a_new_city_has_no_payments_and_everything_matches(places: list[str], capsys: pytest.CaptureFixture) -> None:
    assert main(["payments", "list", "--open", *places]) == 0
    assert main(["payments", "items", *places]) == 0
    assert capsys.readouterr().out.split("\n")[:2] == ["  no payments", "  everything matches"]


def test_a_line_about_nobody_becomes_an_item_with_an_owner_and_stays_one(
    places: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "biller.csv"
    path.write_text("kind,reference,number,amount_paise\nposting,NOBODY,N1,66400\n")
    for _ in range(2):
        assert main(["payments", "reconcile", "--day", "2026-11-21", "--file", f"tpcodl={path}", *places]) == 0
    told = capsys.readouterr().out
    assert "1 lines of tpcodl for 2026-11-21, 1 new" in told
    assert "1 lines of tpcodl for 2026-11-21, 0 new" in told
    assert told.count("worklist:tpcodl") == 2


def test_a_bad_file_is_refused_with_every_line_and_nothing_is_taken_in(
    places: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "gateway.csv"
    path.write_text("kind,number,amount_paise\npayment,P1,1.5\nrefund,,7\n")
    assert main(["payments", "reconcile", "--day", "2026-11-21", "--file", f"paygate={path}", *places]) == 2
    said = capsys.readouterr().err
    assert "line 2: amount_paise" in said
    assert "line 3: number is empty" in said
    assert main(["payments", "reconcile", "--file", "nothing", *places]) == 2
    assert main(["payments", "show", "pay_NOBODY", *places]) == 2
