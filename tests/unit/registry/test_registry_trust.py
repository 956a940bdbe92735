"""An agency's own authority and its pinned keys: what is wrong with them is told where it stands, before any call."""

from datetime import UTC, datetime, timedelta

import pytest
import trustme

PINS = ["sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "sha256/RQeZkB42znUfsDIIFWIRiYEcKl7nHwNFwWCrnMMJbVc="]


def trusting(town, lines):
    town.edit("[services.", f"[agencies.rto.tls]\n{lines}\n\n[services.")


@pytest.fixture
def town(toytown):
    """Toytown, whose agency speaks TLS."""
    (toytown.path.parent / "own.pem").write_bytes(trustme.CA().cert_pem.bytes())
    (toytown.path.parent / "words.pem").write_text("nothing of the kind")
    old = trustme.CA().issue_cert(
        "x", not_before=datetime.now(UTC) - timedelta(days=9), not_after=datetime.now(UTC) - timedelta(days=1)
    )
    (toytown.path.parent / "old.pem").write_bytes(old.cert_chain_pems[0].bytes())
    return toytown


def test_without_a_word_the_machine_s_authorities_and_any_key_are_believed(town):
    trust = town.load().agencies["rto"].trust
    assert (trust.ca_pem, trust.pins) == ("", ())


def test_what_the_block_says_is_what_the_wire_is_made_with(town):
    trusting(town, f'ca_file = "own.pem"\npins = ["{PINS[0]}", "{PINS[1]}"]')
    assert town.check() == []
    agency = town.load().agencies["rto"]
    assert agency.trust.pins == tuple(PINS)
    assert "BEGIN CERTIFICATE" in agency.trust.ca_pem
    assert agency.trust in agency.way  # a changed pin makes a new wire


WRONG = {
    "no such file": ('ca_file = "gone.pem"', "which cannot be read"),
    "no certificate": ('ca_file = "words.pem"', "which holds no certificate"),
    "all ended": ('ca_file = "old.pem"', "whose certificates have all ended"),
    "no pin": ("pins = []", "is an empty list"),
    "another digest": ('pins = ["sha1/abc", "sha256/abc"]', 'must look like "sha256/"'),
    "the same twice": (f'pins = ["{PINS[0]}", "{PINS[0]}"]', "is there twice"),
    "one alone": (f'pins = ["{PINS[0]}"]', "when it is changed nothing is sent any more"),
    "a slip": (f'pin = ["{PINS[0]}"]', 'unknown key "pin"'),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_by_file_line_and_column(town, name):
    lines, message = WRONG[name]
    trusting(town, lines)
    found = [one for one in town.check() if message in one.message]
    assert found, [one.message for one in town.check()]
    assert found[0].file.endswith("registry.toml")
    assert (found[0].line > 1, found[0].column > 0) == (True, True)


def test_pins_at_an_address_without_tls_are_a_mistake(toytown):
    toytown.edit('url = "https://', 'url = "http://')
    trusting(toytown, f'pins = ["{PINS[0]}", "{PINS[1]}"]')
    assert any("where nobody proves anything" in one.message for one in toytown.check())
