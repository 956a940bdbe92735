"""Several files are read as one."""

import pytest


def _split(toytown) -> str:
    """Moves the service into a file of its own; returns its text."""
    text = toytown.path.read_text(encoding="utf-8")
    start = text.index("[services")
    toytown.write('include = ["catalogue/*.toml"]\n' + text[:start])
    toytown.write(text[start:], "catalogue/rto.toml")
    return text[start:]


def test_a_service_may_stand_in_an_included_file(toytown) -> None:
    _split(toytown)
    assert toytown.check() == []
    assert set(toytown.load().services) == {"rto.transfer"}


def test_a_mistake_in_an_included_file_is_shown_there(toytown) -> None:
    _split(toytown)
    toytown.edit('offer = "transfer"', 'offer = "trasfer"', toytown.folder / "catalogue/rto.toml")
    (problem,) = toytown.check()
    assert (problem.file, problem.line) == ("catalogue/rto.toml", 6)


def test_an_id_in_two_files_is_refused_with_both_places(toytown) -> None:
    text = _split(toytown)
    toytown.write(text, "catalogue/second.toml")
    (problem,) = toytown.check()
    assert problem.file == "catalogue/second.toml"
    assert problem.message == '"rto.transfer" is also in catalogue/rto.toml:1'


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("nothing/*.toml", "include matches no file"),
        ("missing.toml", "include names missing.toml, which is not there"),
        ("registry.toml", "include goes in a circle: registry.toml -> registry.toml"),
    ],
)
def test_an_include_that_leads_nowhere_or_back_is_refused(toytown, pattern: str, message: str) -> None:
    text = toytown.path.read_text(encoding="utf-8")
    toytown.write(f'include = ["{pattern}"]\n' + text)
    (problem,) = toytown.check()
    assert problem.message == message
    assert problem.line == 1


def test_a_circle_over_two_files_is_shown_whole(toytown) -> None:
    _split(toytown)
    file = toytown.folder / "catalogue/rto.toml"
    file.write_text('include = ["../registry.toml"]\n' + file.read_text(encoding="utf-8"), encoding="utf-8")
    (problem,) = toytown.check()
    assert problem.message.startswith("include goes in a circle: registry.toml -> catalogue/rto.toml -> ")


def test_a_file_included_twice_is_refused(toytown) -> None:
    _split(toytown)
    toytown.edit('["catalogue/*.toml"]', '["catalogue/*.toml", "catalogue/rto.toml"]')
    (problem,) = toytown.check()
    assert problem.message == "include names catalogue/rto.toml, which is included already"


def test_a_syntax_error_in_one_file_hides_no_mistake_of_the_others(toytown) -> None:
    _split(toytown)
    toytown.write("[services\n", "catalogue/broken.toml")
    toytown.edit("deadline_s = 20", "deadline_s = 600")
    messages = [problem.message for problem in toytown.check()]
    assert any("not valid TOML" in message for message in messages)
    assert any("at most 60" in message for message in messages)


def test_a_city_belongs_to_the_first_file(toytown) -> None:
    _split(toytown)
    toytown.write('[city]\nname = "Other"\n', "catalogue/other.toml")
    assert [problem.message for problem in toytown.check()] == ['unknown key "city".']
