"""A secret reaches its driver and nobody's screen."""

import pytest

from aggregator.registry.problems import RegistryRefused, errors_in, render

SECRET = "hunter2-hunter2"
REFERENCE = '{ env = "RTO_API_KEY" }'

LEAKS = {
    "a literal": (REFERENCE, f'"{SECRET}"'),
    "a literal as the variable's name": (REFERENCE, f'{{ env = "{SECRET}" }}'),
    "a literal on a real agency": (REFERENCE, f'{{ env = "X", sandbox = "{SECRET}" }}'),
    "a literal as a file's name": (REFERENCE, f'{{ file = "{SECRET}" }}'),
    "under a key nobody knows": (REFERENCE, f'{{ env = "RTO_API_KEY", value = "{SECRET}" }}'),
    "in the agency's own table": ('kind = "rto"\n', f'kind = "rto"\napi_key = "{SECRET}"\n'),
    "among the options": ('office = "OD-02"', f'office = "OD-02"\npassword = "{SECRET}"'),
    "in the address": ("https://rto.example", f"https://user:{SECRET}@rto.example"),
    "in an address of no known kind": ("https://rto.example", f"ftp://user:{SECRET}@rto.example"),
    "in a text that never ends": (f"api_key = {REFERENCE}", f'api_key = "{SECRET}'),
    "in a text that never ends, under a name of no suspicion": (f"api_key = {REFERENCE}", f'word = "{SECRET}'),
    "in a list": (REFERENCE, f'["{SECRET}"]'),
    "in a table in one line": (
        "[agencies.rto.secrets]\n",
        f'[agencies.other]\nsecrets = {{ api_key = "{SECRET}" }}\n[agencies.rto.secrets]\n',
    ),
    "after a mistake on its own line": (REFERENCE, f'{{ env = 3, sandbox = "{SECRET}" }}'),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_no_mistake_shows_a_secret(toytown, leak: str) -> None:
    toytown.edit(*LEAKS[leak])
    assert SECRET in toytown.path.read_text(encoding="utf-8")
    problems = toytown.check()
    assert errors_in(problems)
    text = render(problems, colour=True)
    assert SECRET not in text
    assert not any(SECRET in repr(problem) for problem in problems)
    with pytest.raises(RegistryRefused) as caught:
        toytown.load()
    assert SECRET not in str(caught.value)


def test_without_the_hidden_lines_the_excerpt_would_show_it(toytown) -> None:
    """The control: an ordinary key's line is shown as it is."""
    toytown.edit("deadline_s = 20", f'deadline_s = "{SECRET}"')
    assert SECRET in render(toytown.check(), colour=False)


def test_a_literal_secret_is_answered_with_the_reference_to_use(toytown) -> None:
    toytown.edit(REFERENCE, f'"{SECRET}"')
    (problem,) = toytown.check()
    assert problem.message == 'api_key is written in the file. Use { env = "RTO_API_KEY" }'
    assert render([problem], colour=False).startswith(
        f"registry.toml:{problem.line}:11: error: api_key is written in the file. "
        'Use { env = "RTO_API_KEY" }      (the line of a secret is not shown)\n'
    )


def test_a_variable_that_is_not_set_is_named(toytown) -> None:
    toytown.env.clear()
    (problem,) = toytown.check()
    assert problem.message == "api_key is missing: RTO_API_KEY is not in the environment"


def test_a_variable_that_is_empty_is_no_secret(toytown) -> None:
    toytown.env["RTO_API_KEY"] = ""
    assert [problem.message for problem in toytown.check()] == ["api_key is empty where it is kept"]


def test_a_secret_may_come_from_a_file_without_its_line_end(toytown) -> None:
    toytown.edit(REFERENCE, '{ file = "keys/rto" }')
    toytown.write(f"{SECRET}\n", "keys/rto").chmod(0o600)
    assert toytown.check() == []
    assert toytown.load().agencies["rto"].settings.secret("api_key") == SECRET
    (toytown.folder / "keys/rto").chmod(0o644)
    assert ["every user of this machine" in problem.message for problem in toytown.check()] == [True]


def test_a_secret_file_that_is_not_there_is_said_so(toytown) -> None:
    toytown.edit(REFERENCE, '{ file = "keys/rto" }')
    (problem,) = toytown.check()
    assert problem.message == "api_key is missing: its file cannot be read (FileNotFoundError)"


def test_a_sandbox_literal_counts_on_a_simulator_until_the_environment_has_one(toytown) -> None:
    toytown.edit('kind = "rto"\n', 'kind = "rto"\nsandbox = true\n')
    toytown.edit(REFERENCE, '{ env = "RTO_API_KEY", sandbox = "published" }')
    assert toytown.load().agencies["rto"].settings.secret("api_key") == toytown.env["RTO_API_KEY"]
    toytown.env.clear()
    agency = toytown.load().agencies["rto"]
    assert agency.settings.secret("api_key") == "published"
    assert not agency.livemode


def test_a_secret_the_driver_needs_may_not_be_left_out(toytown) -> None:
    toytown.edit("[agencies.rto.secrets]\napi_key = " + REFERENCE, "")
    assert [problem.message for problem in toytown.check()] == ['"secrets.api_key" is missing in agency "rto"']


def test_a_secret_the_driver_does_not_know_is_a_slip(toytown) -> None:
    toytown.edit("api_key =", "apikey =")
    assert any('Did you mean "api_key"?' in problem.message for problem in toytown.check())


def test_a_loaded_agency_does_not_print_its_secrets(toytown) -> None:
    registry = toytown.load()
    assert toytown.env["RTO_API_KEY"] not in repr(registry)
