"""An operator sees every mistake at once, with its place, what was there and what would be right."""

import pytest

from aggregator.registry.load import load
from aggregator.registry.problems import WARNING, Problem, RegistryRefused, render

POLICY = "deadline_s = 20"

# what the operator changed; from what; the message; what stands above the caret
MISTAKES = {
    "a number too large": (POLICY, "deadline_s = 600", "deadline_s must be at most 60, got 600", "600"),
    "a number too small": (POLICY, "max_rps = 0", "max_rps must be at least 0.01, got 0", "0"),
    "a number that is none": (POLICY, "deadline_s = nan", "deadline_s must be at least 0.1, got nan", "nan"),
    "text for a number": (POLICY, 'deadline_s = "20"', 'deadline_s must be a number, got "20"', '"20"'),
    "a fraction of a call": (POLICY, "max_concurrency = 1.5", "max_concurrency must be a whole number, got 1.5", "1.5"),
    "true for a number": (POLICY, "deadline_s = true", "deadline_s must be a number, got true", "true"),
    "a slip in a key": (
        POLICY,
        "dedline_s = 20",
        'unknown key "dedline_s" in agency "rto" policy. Did you mean "deadline_s"?',
        "dedline_s",
    ),
    "numbers that contradict": (
        POLICY,
        "max_wait_s = 30",
        "max_wait_s must be shorter than deadline_s: waiting is part of it",
        "30",
    ),
    "shares over one": (
        POLICY,
        "share_polling = 0.4",
        "the three shares must add up to 1, got 1.3",
        "0.4",
    ),
    "an unknown driver": (
        '"wheels"',
        '"weels"',
        'unknown driver of kind rto "weels". Did you mean "wheels"?',
        '"weels"',
    ),
    "an unknown kind": ('kind = "rto"', 'kind = "rtoo"', 'unknown kind "rtoo". Did you mean "rto"?', '"rtoo"'),
    "an agency nobody has": ('["rto"]', '["rtp"]', 'unknown agency "rtp". Did you mean "rto"?', '"rtp"'),
    "an agency twice": ('["rto"]', '["rto", "rto"]', 'agencies names "rto" twice', '"rto"'),
    "no agency at all": ('["rto"]', "[]", "agencies is an empty list", "[]"),
    "an offer nobody makes": (
        'offer = "transfer"',
        'offer = "transfers"',
        'unknown offer of rto/wheels "transfers". Did you mean "transfer"?',
        '"transfers"',
    ),
    "an operation nobody has": (
        "operations.submit",
        "operations.submitt",
        'unknown operation "submitt" in agency "rto" operations. Did you mean "submit"?',
        "submitt",
    ),
    "an option nobody reads": ("office =", "ofice =", 'unknown option "ofice" in agency "rto" options', "ofice"),
    "an option of another type": ('"OD-02"', "2", "office must be of type string, got 2", "2"),
    "an agency id in capitals": (
        "[agencies.rto]\n",
        "[agencies.rto]\n[agencies.RTO]\n",
        'the name "RTO" must look',
        "RTO",
    ),
    "a service id without a dot": ('"rto.transfer"', '"transfer"', 'the name "transfer" must look like', '"transfer"'),
    "an ftp address": (
        "https://rto.example/api",
        "ftp://rto.example",
        "url must begin with https://",
        '"ftp://rto.example"',
    ),
    "an address without a host": (
        "https://rto.example/api",
        "https:///api",
        "url has no host to call",
        '"https:///api"',
    ),
    "a port that is none": (
        "https://rto.example/api",
        "https://rto.example:x",
        "url is not an address",
        '"https://rto.example:x"',
    ),
    "a query in the base address": ("example/api", "example/api?k=1", "url must be a base address", None),
    "a zone nobody knows": ("Asia/Kolkata", "Asia/Kolkatta", "timezone must be an IANA name", '"Asia/Kolkatta"'),
    "back ends beside a driver of its own": (
        'url = "https',
        'backends = ["a"]\nurl = "https',
        'unknown key "backends"',
        "backends",
    ),
    "no English": ('title = { en = "RTO", ', "title = { ", "title has no English (en)", "title"),
    "an unknown language": ('title = { en = "RTO"', 'title = { ta = "x", en = "RTO"', 'unknown language "ta"', "ta"),
    "a missing key": ('url = "https://rto.example/api"\n', "", '"url" is missing in agency "rto"', "rto"),
    "an unknown section": ("[city]", "[citty]\n[city]", 'unknown key "citty". Did you mean "city"?', "citty"),
    "a unit of time nobody has": (
        'category = "vehicle"',
        'category = "vehicle"\ntime_limit = { amount = 3, unit = "DAYS", start_event = { en = "x", hi = "x" } }',
        'unit must be one of MINUTE, HOUR, DAY, WORKING_DAY, got "DAYS"',
        '"DAYS"',
    ),
    "rupees with a fraction": (
        'category = "vehicle"',
        'category = "vehicle"\nfee.rows = [{ title = { en = "x", or = "x", hi = "x" }, amount_paise = 15.5 }]',
        "amount_paise must be a whole number, got 15.5",
        "15.5",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_place_and_what_would_be_right(toytown, mark, mistake: str) -> None:
    old, new, message, letters = MISTAKES[mistake]
    toytown.edit(old, new)
    found = [problem for problem in toytown.check() if message in problem.message]
    assert found, render(toytown.check(), colour=False)
    assert letters is None or mark(found[0]) == letters
    with pytest.raises(RegistryRefused):
        toytown.load()


def test_a_sound_city_has_no_problems(toytown) -> None:
    assert toytown.check() == []
    assert render([], colour=False) == ""


def test_all_mistakes_are_told_at_once_and_nothing_is_loaded(toytown) -> None:
    for old, new in ((POLICY, "deadline_s = 600\ndedline_s = 2"), ('"transfer"\n', '"trasfer"\n')):
        toytown.edit(old, new)
    text = render(toytown.check(), colour=False)
    for message in ("at most 60", '"dedline_s"', 'offer of rto/wheels "trasfer"'):
        assert message in text
    assert text.endswith("3 errors. Nothing was loaded.\n")
    assert toytown.wires == {}


def test_the_operators_page_shows_the_line_and_a_caret_under_the_value(toytown) -> None:
    toytown.edit(POLICY, "deadline_s = 600")
    line = toytown.path.read_text(encoding="utf-8").split("\n").index("deadline_s = 600") + 1
    assert render(toytown.check(), colour=False) == (
        f"registry.toml:{line}:14: error: deadline_s must be at most 60, got 600\n"
        f"   {line} | deadline_s = 600\n"
        "      |              ^^^\n"
        "1 error. Nothing was loaded.\n"
    )


def test_the_caret_stands_under_its_letters_after_combining_and_wide_ones() -> None:
    problem = Problem("f", 1, 15, "m", 'or = "ଓଡ଼ିଆ" x', 1)
    assert len(problem.caret) < len(problem.excerpt)
    wide = Problem("f", 1, 5, "m", "\t好好 x", 1)
    assert wide.caret == "\t     ^"


def test_a_file_cannot_move_the_operators_cursor() -> None:
    text = render([Problem("f", 1, 1, "got \x1b[2J", "x = \x1b[2J", 1)], colour=False)
    assert "\x1b" not in text
    assert "\x1b[31m" in render([Problem("f", 1, 1, "m", "x", 1)], colour=True)


def test_a_syntax_error_has_file_line_and_column_too(toytown) -> None:
    toytown.edit('name = "Toytown"', "name = Toytown")
    (problem,) = toytown.check()
    assert (problem.file, problem.line, problem.column) == ("registry.toml", 2, 8)
    assert problem.message.startswith("not valid TOML: ")


def test_a_registry_that_is_not_there_is_said_so(toytown) -> None:
    toytown.path.unlink()
    assert [problem.message for problem in toytown.check()] == ["cannot be read: No such file or directory"]


def test_bytes_that_are_no_utf_8_are_shown_by_place(toytown) -> None:
    toytown.path.write_bytes(b'[city]\nname = "\xff"\n')
    (problem,) = toytown.check()
    assert (problem.line, problem.column, problem.message) == (2, 9, "not UTF-8")


def test_an_empty_registry_asks_for_its_city(toytown) -> None:
    toytown.path.write_text("", encoding="utf-8")
    assert [problem.message for problem in toytown.check()] == ['"city" is missing']


def test_a_missing_translation_is_a_warning_and_the_city_loads(toytown) -> None:
    toytown.edit(', or = "ଆରଟିଓ"', "")
    (problem,) = toytown.check()
    assert problem.severity == WARNING
    assert "no translation into or" in problem.message
    assert toytown.load().agencies["rto"].title["en"] == "RTO"
    assert render([problem], colour=False).endswith("1 warning.\n")


def test_plain_http_to_a_real_agency_is_a_warning(toytown) -> None:
    toytown.edit("https://rto.example", "http://rto.example")
    (problem,) = toytown.check()
    assert problem.severity == WARNING


def test_a_loaded_registry_holds_what_the_files_say(toytown) -> None:
    registry = load(toytown.path, toytown.parts(), env=toytown.env, drivers=toytown.root)
    agency, service = registry.agencies["rto"], registry.services["rto.transfer"]
    assert agency.settings.option("office") == "OD-02"
    assert agency.settings.option("page_rows") == 20
    assert agency.livemode
    assert agency.enabled
    assert agency.capabilities == ("submits", "finds")
    assert agency.operations["submit"].max_apply_delay_s == 300
    assert (service.kind, service.operation, service.agencies) == ("APPLICATION", "submit", ("rto",))
    assert "plate" in service.form["properties"]
    assert registry.city.name == "Toytown"


def test_two_agencies_may_share_one_driver(toytown) -> None:
    text = toytown.path.read_text(encoding="utf-8")
    first = text[text.index("[agencies.rto]") : text.index("[services")]
    toytown.write(text.replace('["rto"]', '["rto", "rto_puri"]') + first.replace("agencies.rto", "agencies.rto_puri"))
    toytown.edit('office = "OD-02"', 'office = "OD-13"')
    registry = toytown.load()
    assert registry.services["rto.transfer"].agencies == ("rto", "rto_puri")
    one, two = registry.agencies["rto"], registry.agencies["rto_puri"]
    assert (one.settings.option("office"), two.settings.option("office")) == ("OD-13", "OD-02")
    assert one.guarded is not two.guarded
    assert one.guarded.driver is not two.guarded.driver
    assert set(toytown.wires) == {"rto", "rto_puri"}


def test_a_disabled_agency_is_known_and_never_wired(toytown) -> None:
    toytown.edit('kind = "rto"\n', 'kind = "rto"\nenabled = false\n')
    toytown.env.clear()
    assert [problem.severity for problem in toytown.check()] == [WARNING]
    agency = toytown.load().agencies["rto"]
    assert not agency.enabled
    assert toytown.wires == {}
    assert agency.guarded.admits_in_s("submit") > 0
