"""What operators do without a server: the doctor, portals, agencies, settings that cannot be used."""

import json
import socket

import pytest
from command_city import registry
from joserfc.jwk import ECKey

from aggregator.citizens.keyring import wrapped_key
from aggregator.citizens.vault import Vault, load_or_create_keys
from aggregator.cli import main
from aggregator.cli.places import checked
from aggregator.store.keyfile import KeyFile

__all__ = ["registry"]  # fixtures


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
