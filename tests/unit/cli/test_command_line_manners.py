"""A person's mistake costs one clear sentence and the right exit code, never a traceback."""

import io
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from aggregator.citizens.keyring import wrapped_key
from aggregator.citizens.vault import Vault, load_or_create_keys
from aggregator.cli import main
from aggregator.cli.over_http import Answer, Server, told
from aggregator.cli.places import checked
from aggregator.cli.table import cells, clean, coloured, paint, table
from aggregator.store.keyfile import KeyFile

ROOT = Path(__file__).parents[3]
FIRST = ROOT / "aggregator" / "cli" / "first_registry.toml"


@pytest.fixture
def registry(tmp_path):
    path = tmp_path / "registry.toml"
    # Nobody listens on port 9; the file's own port may be a neighbour's sandbox.
    path.write_text(FIRST.read_text().replace("127.0.0.1:7102", "127.0.0.1:9"))
    return path


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


def test_the_doctor_finds_what_is_missing_and_names_the_remedy(registry, capsys):
    assert main(["doctor", "--registry", str(registry), "--data", str(registry.parent / "data")]) == 0
    said = capsys.readouterr().out
    assert "the first `aggregator serve` makes it" in said
    assert "start it with `aggregator sandbox start`" in said


def test_the_doctor_knows_whether_the_citizens_keys_are_there_and_fit(registry, capsys):
    data = registry.parent / "data"
    data.mkdir()
    keys = registry.parent / "data.keys"

    def said(code):
        assert main(["doctor", "--registry", str(registry), "--data", str(data)]) == code
        return next(line for line in capsys.readouterr().out.splitlines() if "citizens' keys" in line)

    assert "made at the first start" in said(0)
    vault = Vault.of(load_or_create_keys(data / "vault.key"))
    assert "no case opens again" in said(1)
    file = KeyFile(keys)
    file.keep("ctz_a", wrapped_key(vault, "ctz_a", bytes(32)))
    assert "1 keys" in said(0)
    file.destroy(["ctz_a"], 1)
    file.keep("ctz_b", wrapped_key(Vault(b"1" * 32), "ctz_b", bytes(32)))
    assert "another vault key" in said(1)
    file.close()
    keys.chmod(0o644)
    assert "chmod 600" in said(1)


def test_a_damaged_database_is_a_finding_and_not_a_crash(registry, capsys):
    (registry.parent / "aggregator.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 4000)
    assert main(["doctor", "--registry", str(registry), "--data", str(registry.parent)]) == 1
    assert "restore the last backup" in capsys.readouterr().out


def test_portals_are_registered_rotated_and_revoked_without_a_server(registry, capsys):
    places = ["--registry", str(registry), "--data", str(registry.parent / "data")]
    assert main(["portal", "add", "e-Abhijoga", "--contact", "IT cell", *places]) == 0
    shown = capsys.readouterr().out
    portal, secret = (line.split()[1] for line in shown.splitlines()[:2])
    assert portal.startswith("prt_")
    assert secret.startswith("sk_")

    assert main(["portal", "rotate", portal, *places]) == 0
    assert main(["portal", "list", *places]) == 0
    listed = capsys.readouterr().out
    assert "e-Abhijoga" in listed
    assert secret not in listed

    assert main(["portal", "revoke", portal, *places]) == 0
    assert main(["portal", "revoke", portal, *places]) == 1
    assert "nothing to revoke" in capsys.readouterr().err


def test_a_portal_that_signs_is_registered_by_its_public_keys_and_gets_no_secret(registry, capsys, tmp_path):
    places = ["--registry", str(registry), "--data", str(registry.parent / "data")]
    key = ECKey.generate_key("P-256", private=True)
    public, private = tmp_path / "public.json", tmp_path / "private.json"
    public.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    private.write_text(json.dumps({"keys": [key.as_dict(private=True)]}))
    add = ["portal", "add", "e-Abhijoga", "--contact", "IT cell", *places, "--public-keys"]
    assert main([*add, str(public)]) == 0
    shown = capsys.readouterr().out
    assert "client_id" in shown
    assert "sk_" not in shown
    portal = shown.split()[1]
    assert main(["portal", "rotate", portal, *places, "--public-keys", str(public)]) == 0
    assert "sk_" not in capsys.readouterr().out
    assert main([*add, str(private)]) == 2
    assert "private" in capsys.readouterr().err
    assert main([*add, str(tmp_path / "none.json")]) == 2


def test_an_agency_is_stopped_and_let_go_on_without_a_server(registry, capsys):
    places = ["--registry", str(registry), "--data", str(registry.parent / "data")]
    agency = next(iter(checked(registry).facts))
    asha = ["--by", "Asha Das"]
    assert main(["agency", "stop", agency, *asha, "--reason", "doubles found", "--for", "2h", *places]) == 0
    assert main(["agency", "stopped", *places]) == 0
    shown = capsys.readouterr().out
    assert "doubles found" in shown
    assert main(["agency", "go", agency, *asha, *places]) == 0
    assert main(["agency", "stopped", *places]) == 0
    assert "no agency is stopped" in capsys.readouterr().out
    for wrong in (["nobody", *asha, "--reason", "x"], [agency, "--by", ".", "--reason", "x"]):
        assert main(["agency", "stop", *wrong, *places]) == 2
    assert main(["agency", "stop", agency, *asha, "--reason", "x", "--for", "soon", *places]) == 2
    assert "30m" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("AGGREGATOR_PORT=http", "AGGREGATOR_PORT must be a port number"),
        ("AGGREGATOR_LOG=xml", "AGGREGATOR_LOG must be one of json, text"),
        ("AGGREGATOR_DATABASE=mysql://here", "AGGREGATOR_DATABASE cannot be used: a store is sqlite"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(registry, variable, sentence, monkeypatch, capsys):
    monkeypatch.setenv(*variable.split("=", 1))
    for words in (["serve"], ["portal", "list"], ["doctor"]):
        assert main([*words, "--registry", str(registry), "--data", str(registry.parent)]) == 2
        assert sentence in capsys.readouterr().err


def test_a_data_folder_that_is_a_file_is_a_sentence(registry, capsys):
    places = ["--registry", str(registry), "--data", str(registry)]
    for words in (["serve"], ["sandbox", "start"], ["demo", "--exit"], ["portal", "list"]):
        assert main([*words, *places]) == 2
        assert str(registry) in capsys.readouterr().err


def test_a_taken_port_says_how_to_choose_another(registry, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = str(other.getsockname()[1])
        asked = ["serve", "--port", taken, "--registry", str(registry), "--data", str(registry.parent / "data")]
        assert main(asked) == 2
    assert "Choose another with --port" in capsys.readouterr().err


def test_a_scope_nobody_knows_is_refused(registry, capsys):
    places = ["--registry", str(registry), "--data", str(registry.parent)]
    assert main(["portal", "add", "X", "--contact", "Y", "--scopes", "everything", *places]) == 2
    assert "scopes must be some of" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error():
    words = [sys.executable, "-m", "aggregator.cli", "adapter", "list"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
        listing.stdout.close()
        assert listing.stderr.read() == b""
        assert listing.wait(60) == 0


def test_a_table_lines_up_in_every_script():
    drawn = table(("NAME", "STATE"), [("ଓଡ଼ିଆ", "up"), ("हिन्दी", "down"), ("plain", "stopped")])
    assert (
        len(
            {
                cells(line[: line.rindex(word)])
                for line, word in zip(drawn.splitlines(), ("STATE", "up", "down", "stopped"), strict=True)
            }
        )
        == 1
    )


def test_nothing_from_a_wire_moves_the_cursor():
    assert "\x1b" not in clean("\x1b[2Jgone")
    assert "\x1b" not in table(("A",), [("\x1b[31mred",)])


def test_colour_is_for_terminals_that_want_it(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    assert not coloured(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm")
    assert coloured(Terminal())
    assert not coloured(io.StringIO())
    assert paint("up", stream=Terminal()) == "\x1b[32mup\x1b[0m"
    monkeypatch.setenv("TERM", "dumb")
    assert not coloured(Terminal())


def test_a_problem_document_becomes_one_sentence():
    problem = b'{"title":"Not found","detail":"There is no such case.","code":"not-found"}'
    assert told(Answer(404, {}, problem)) == "Not found. There is no such case (404 not-found)"
    assert told(Answer(502, {}, b"<html>")) == "the server answered 502 without an explanation"
    assert Server("http://127.0.0.1:8080/", "k").url == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    "command", [["agency", "stopped"], ["payments", "list"], ["citizens", "duplicates"], ["audit", "export", "copy"]]
)
def test_a_vault_key_that_cannot_be_used_is_told_by_every_command_that_needs_it(
    command, tmp_path, registry, capsys, monkeypatch
):
    data = tmp_path / "data"
    data.mkdir()
    (data / "vault.key").write_text("no key")
    monkeypatch.chdir(tmp_path)
    assert main([*command, "--data", str(data), "--registry", str(registry)]) == 2
    assert "the vault's key cannot be used" in capsys.readouterr().err
