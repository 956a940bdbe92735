"""The vault's key is exchanged by two commands while servers work: none is restarted, and no citizen notices (S11)."""

from pathlib import Path

import pytest

from aggregator.citizens.keyring import KeyRing
from aggregator.citizens.pairwise import Pairwise
from aggregator.citizens.vault import KeyRefused, Tampered, Vault, add_key, read_keys, version_of
from aggregator.cli import main
from aggregator.sdk.clock import ManualClock, SystemChance
from aggregator.settings import Settings
from aggregator.store.keyfile import KeyFile
from aggregator.wiring.keys import vault_keys, vault_of

HERE = {"table": "citizen", "row": "", "column": "profile"}
PLACE = {"table": "setting", "row": "a", "column": "value"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_env({}, data_dir=tmp_path / "data")


@pytest.fixture
def data(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How a command is told of this city."""
    registry = tmp_path / "registry.toml"
    registry.write_text("")
    monkeypatch.delenv("AGGREGATOR_VAULT_KEY", raising=False)
    return ["--data", str(settings.data_dir), "--registry", str(registry)]


class Server:
    """A process that opened its vault before anything was exchanged."""

    def __init__(self, settings: Settings, *, hears: bool = True) -> None:
        known = vault_keys(settings, SystemChance())
        self.clock = ManualClock()
        self.vault = vault_of(settings, known) if hears else Vault.of(known)
        self.file = KeyFile(settings.keys)
        self.ring = KeyRing(self.vault, self.file, self.clock, SystemChance())
        self.names = Pairwise(known[0])

    def forgets(self) -> None:
        """What it keeps of keys is over."""
        self.clock.advance(3600.0)


def test_servers_hear_of_the_new_key_and_citizens_notice_nothing(settings, data, capsys):
    one, other = Server(settings), Server(settings)
    sealed = one.ring.seal("psn_A", {"name": "Asha Das"}, **HERE)
    index, name = one.ring.index("+919000000000", "mobile"), one.names.of("psn_A", "portal")
    before = one.vault.seal(b"ours", **PLACE)

    assert main(["vault", "add", *data]) == 0
    assert main(["vault", "rewrap", *data]) == 0
    assert "1 citizens' keys are wrapped by key 2" in capsys.readouterr().out
    for server in (one, other):
        server.forgets()
        assert server.ring.open("psn_A", sealed, **HERE) == {"name": "Asha Das"}
        assert server.vault.open(before, **PLACE) == b"ours"
        assert version_of(server.vault.seal(b"ours", **PLACE)) == 2, "from now on it seals with the new key"
        assert server.ring.index("+919000000000", "mobile") == index
    assert Server(settings).names.of("psn_A", "portal") == name, "portals know their citizens by the same names"
    assert main(["vault", "keys", *data]) == 0
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()[1:]] == ["0", "1"]


def test_the_control_a_server_that_does_not_ask_again_loses_its_citizens(settings, data):
    deaf = Server(settings, hears=False)
    sealed = deaf.ring.seal("psn_A", {"name": "Asha Das"}, **HERE)
    assert main(["vault", "add", *data]) == 0
    assert main(["vault", "rewrap", *data]) == 0
    deaf.forgets()
    with pytest.raises(Tampered):
        deaf.ring.open("psn_A", sealed, **HERE)


def test_the_old_key_alone_opens_no_citizen_any_more(settings, data):
    server = Server(settings)
    sealed = server.ring.seal("psn_A", {"name": "Asha Das"}, **HERE)
    old = read_keys(settings.data_dir / "vault.key")
    assert main(["vault", "add", *data]) == 0
    assert main(["vault", "rewrap", *data]) == 0
    thief = KeyRing(Vault.of(old), KeyFile(settings.keys), ManualClock(), SystemChance())
    with pytest.raises(Tampered):
        thief.open("psn_A", sealed, **HERE)


def test_a_key_file_that_cannot_be_read_meanwhile_costs_no_more_than_the_answer(settings, data):
    server = Server(settings)
    server.ring.seal("psn_A", {"name": "Asha Das"}, **HERE)
    assert main(["vault", "add", *data]) == 0
    text = Server(settings).vault.seal(b"new", **PLACE)
    (settings.data_dir / "vault.key").chmod(0o640)
    with pytest.raises(Tampered):
        server.vault.open(text, **PLACE)
    (settings.data_dir / "vault.key").chmod(0o600)
    assert server.vault.open(text, **PLACE) == b"new"


def test_a_key_of_the_environment_is_exchanged_there(data, monkeypatch, capsys):
    monkeypatch.setenv("AGGREGATOR_VAULT_KEY", "x")
    assert main(["vault", "add", *data]) == 2
    assert "AGGREGATOR_VAULT_KEY: put a new one behind it there" in capsys.readouterr().err


def test_before_the_first_start_there_is_nothing_to_exchange(data, capsys):
    assert main(["vault", "rewrap", *data]) == 2
    assert "nothing is wrapped yet" in capsys.readouterr().err


def test_a_vault_takes_as_many_keys_as_its_first_byte_can_name(settings):
    vault_keys(settings, SystemChance())
    path = settings.data_dir / "vault.key"
    for number in range(2, 256):
        assert add_key(path, chance=SystemChance()) == number
    assert len(read_keys(path)) == 255
    with pytest.raises(KeyRefused, match="a vault takes 255"):
        add_key(path)
    assert len(read_keys(path)) == 255, "nothing was written"
