"""Operators may give agencies less of citizens' documents than the driver could pass on, and never more."""

import json

import pytest

AUTHOR = (
    '\n[documents]\nmax_bytes = 1000000\nmax_total_bytes = 3000000\nmedia_types = ["application/pdf", "image/png"]\n'
)
PLACE = "[agencies.rto.poll]\nevery_s = 60\n"
PHOTO = {
    "type": "string", "format": "uri", "contentMediaType": "image/png",
    "title": {"en": "Photo", "or": "ଫଟୋ", "hi": "फ़ोटो"},
}  # fmt: skip


@pytest.fixture
def town(toytown):
    """Toytown, whose driver passes documents on and asks for a photograph."""
    toytown.edit("[services.transfer]", AUTHOR + "\n[services.transfer]", toytown.driver / "adapter.toml")
    return toytown


def with_photo(town):
    file = town.driver / "forms" / "transfer.json"
    form = json.loads(file.read_text("utf-8"))
    form["properties"]["photo"] = PHOTO
    file.write_text(json.dumps(form), "utf-8")


def narrow(town, lines):
    town.edit("[services.", f"[agencies.rto.documents]\n{lines}\n\n[services.")


def overall(town, lines):
    town.edit("[agencies.rto]", f"[documents]\n{lines}\n\n[agencies.rto]")


def limits(town):
    got = town.load().agencies["rto"].documents
    return got.max_bytes, got.max_total_bytes, got.media_types


def test_without_a_word_the_author_s_limits_hold(town):
    assert limits(town) == (1_000_000, 3_000_000, ("application/pdf", "image/png"))
    assert town.load().document_bytes == 5_242_880


def test_an_agency_and_the_city_take_away_and_the_least_holds(town):
    narrow(town, 'max_bytes = 400000\nmedia_types = ["application/pdf"]')
    overall(town, "max_bytes = 500000\nmax_total_bytes = 2000000")
    assert limits(town) == (400_000, 2_000_000, ("application/pdf",))
    assert town.load().document_bytes == 500_000


WIDER = {
    "a larger document": (
        "max_bytes = 1000001",
        "max_bytes is greater than the driver's 1000000, got 1000001. An agency block may only lower it",
    ),
    "more in all": ("max_total_bytes = 4000000", "max_total_bytes is greater than the driver's 3000000"),
    "another kind": ('media_types = ["image/jpeg"]', 'media_types adds "image/jpeg" to the driver\'s list'),
    "no kind": ("media_types = []", "media_types is an empty list"),
    "a kind nobody opens": ('media_types = ["text/html"]', "media_types"),
    "a slip": ("max_byte = 5", 'unknown key "max_byte"'),
}


@pytest.mark.parametrize("name", WIDER)
def test_more_than_the_author_promised_is_refused(town, name):
    lines, message = WIDER[name]
    narrow(town, lines)
    [problem] = town.check()
    assert message in problem.message
    assert problem.line > 0


def test_limits_on_a_driver_that_passes_nothing_on_are_a_mistake(toytown):
    narrow(toytown, "max_bytes = 10")
    [problem] = toytown.check()
    assert "the driver passes none on" in problem.message


@pytest.mark.parametrize("where", [narrow, overall])
def test_a_limit_that_shuts_out_what_a_form_asks_for_is_refused(town, where):
    with_photo(town)
    assert town.check() == []
    where(town, 'media_types = ["application/pdf"]')
    [problem] = town.check()
    assert 'leaves out image/png, which "transfer" of wheels asks for (photo)' in problem.message


def test_a_limit_that_leaves_an_agency_nothing_is_refused(town):
    overall(town, 'media_types = ["image/jpeg"]')
    [problem] = town.check()
    assert 'leaves agency "rto" no kind of document that it takes' in problem.message
