"""A person's mistake costs one clear sentence and the right exit code, never a traceback."""

import pytest
from command_city import registry

from aggregator.cli import main

__all__ = ["registry"]  # fixtures


def test_an_unknown_command_is_bad_usage():
    with pytest.raises(SystemExit) as caught:
        main(["dance"])
    assert caught.value.code == 2


def test_a_city_without_a_registry_is_told_how_to_begin_one(tmp_path, capsys):
    assert main(["registry", "check", str(tmp_path)]) == 2
    assert "aggregator registry init" in capsys.readouterr().err


def test_the_first_registry_passes_its_own_check(tmp_path, capsys):
    assert main(["registry", "init", str(tmp_path / "city")]) == 0
    assert main(["registry", "check", str(tmp_path / "city")]) == 0
    assert "1 agency, 1 service" in capsys.readouterr().out


def test_a_registry_that_exists_is_never_overwritten(registry, capsys):
    registry.write_text("# mine")
    assert main(["registry", "init", str(registry.parent)]) == 2
    assert registry.read_text() == "# mine"
    assert "left as it is" in capsys.readouterr().err


def test_every_mistake_in_a_registry_is_shown_at_its_place_at_once(registry, capsys):
    text = registry.read_text().replace("deadline_s = 25 ", "deadline_s = 600").replace("max_rps", "max_rsp")
    registry.write_text(
        text.replace('{ env = "RTO_SHARED_SECRET", sandbox = "sim-vahan-secret-01" }', '"hunter2-hunter2"')
    )
    assert main(["registry", "check", str(registry)]) == 2
    said = capsys.readouterr().out
    assert "deadline_s must be at most 60, got 600" in said
    assert 'unknown key "max_rsp"' in said
    assert 'Did you mean "max_rps"?' in said
    assert "shared_secret is written in the file" in said
    assert "hunter2" not in said
    assert "3 errors. Nothing was loaded." in said


def test_a_server_that_is_not_there_is_one_sentence(capsys):
    assert main(["cases", "list", "--url", "http://127.0.0.1:9"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "aggregator serve" in said


def test_an_address_that_is_none_is_bad_usage(capsys):
    assert main(["cases", "list", "--url", "the server"]) == 2
    assert "'the server' is not an address" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["trafic", "track"], "no agency 'trafic'"),
        (["rto", "dance"], "rto cannot 'dance'. It can: "),
        (["rto", "track", "--set", "mobile"], "--set takes NAME=VALUE"),
    ],
)
def test_a_call_that_cannot_be_is_refused_before_anybody_is_called(registry, words, sentence, capsys):
    assert main(["adapter", "call", *words, "--registry", str(registry), "--data", str(registry.parent)]) == 2
    assert sentence in capsys.readouterr().err


def test_a_write_at_the_real_agency_wants_to_be_meant(registry, capsys, monkeypatch):
    monkeypatch.setenv("RTO_SHARED_SECRET", "a-real-one")
    registry.write_text(
        registry.read_text()
        .replace("sandbox = true", "sandbox = false")
        .replace(', sandbox = "sim-vahan-secret-01"', "")
    )
    asked = ["adapter", "call", "rto", "submit", "--registry", str(registry), "--data", str(registry.parent)]
    assert main(asked) == 2
    assert "Say --really if you mean it" in capsys.readouterr().err


def test_an_agency_that_is_down_fails_the_call_in_words(registry, capsys):
    asked = ["adapter", "call", "rto", "probe", "--registry", str(registry), "--data", str(registry.parent)]
    assert main([*asked, "--url", "http://127.0.0.1:9", "--trace"]) == 1
    said = capsys.readouterr().out
    assert "Unavailable" in said
    assert "Traceback" not in said


def test_the_list_of_drivers_says_what_repeating_would_do(registry, capsys):
    assert main(["adapter", "list", "--registry", str(registry)]) == 0
    assert "submit (keyed)" in capsys.readouterr().out
