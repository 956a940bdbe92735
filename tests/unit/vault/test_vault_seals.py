"""CR-3 and CR-4: a sealed value opens only where it was put; an index is equal only for equal value and purpose."""

import base64
import hashlib
import hmac
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aggregator.citizens.vault import KEY_BYTES, KeyRefused, Tampered, Vault, keys_from, load_or_create_keys, read_keys

ROOT = Path(__file__).parents[3]
KEY = bytes(range(32))
PLACE = {"table": "citizen", "row": "ctz_1", "column": "phone_sealed"}
PHONE = b"+916742391010"


@pytest.fixture
def vault() -> Vault:
    return Vault(KEY)


@pytest.mark.parametrize("plain", [b"", PHONE, "ସହାୟତା".encode(), bytes(100_000)])
def test_a_sealed_value_opens_in_its_row(vault, plain):
    assert vault.open(vault.seal(plain, **PLACE), **PLACE) == plain


def test_the_same_number_sealed_twice_looks_different(vault):
    assert len({vault.seal(PHONE, **PLACE) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "elsewhere", [{"row": "ctz_2"}, {"column": "email_sealed"}, {"table": "leg"}, {"table": "citizenc", "row": "tz_1"}]
)
def test_cr3_a_value_moved_to_another_row_column_or_table_does_not_open(vault, elsewhere):
    sealed = vault.seal(PHONE, **PLACE)
    with pytest.raises(Tampered):
        vault.open(sealed, **{**PLACE, **elsewhere})


def test_cr3_control_without_associated_data_a_swapped_row_goes_unnoticed():

    cipher = AESGCM(KEY)
    first_row = cipher.encrypt(bytes(12), b"first citizen", None)
    assert cipher.decrypt(bytes(12), first_row, None) == b"first citizen"  # read back for any row that holds it


def test_cr3_no_flipped_bit_survives(vault):
    raw = bytearray(base64.urlsafe_b64decode(vault.seal(PHONE, **PLACE)))
    for bit in range(len(raw) * 8):
        raw[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Tampered):
            vault.open(base64.urlsafe_b64encode(raw).decode(), **PLACE)
        raw[bit // 8] ^= 1 << bit % 8


def test_cr3_no_other_spelling_of_the_text_opens(vault):
    for size in range(3):
        sealed = vault.seal(b"x" * size, **PLACE)
        for place in range(len(sealed)):
            for other in "AQgw_-=":
                if sealed[place] != other:
                    with pytest.raises(Tampered):
                        vault.open(sealed[:place] + other + sealed[place + 1 :], **PLACE)


@pytest.mark.parametrize("sealed", ["", "A", "AQ==", "ସହାୟତା", "\ud800", "not base64!", "AAAA" * 20, "/w==" * 3])
def test_what_was_never_sealed_does_not_open(vault, sealed):
    with pytest.raises(Tampered):
        vault.open(sealed, **PLACE)


def test_a_refusal_names_the_place_and_never_the_person(vault):
    with pytest.raises(Tampered) as caught:
        vault.open(vault.seal(PHONE, **PLACE), **{**PLACE, "row": "ctz_2"})
    assert str(caught.value) == "citizen.phone_sealed: does not open in its row"


def test_another_key_opens_nothing(vault):
    with pytest.raises(Tampered):
        Vault(bytes(32)).open(vault.seal(PHONE, **PLACE), **PLACE)


def test_a_rotated_key_still_opens_what_the_old_one_sealed(vault):
    old = vault.seal(PHONE, **PLACE)
    rotated = Vault(bytes(32), version=2, older={1: KEY})
    assert rotated.open(old, **PLACE) == PHONE
    assert not rotated.is_current(old)
    assert rotated.is_current(rotated.seal(PHONE, **PLACE))
    with pytest.raises(Tampered):
        Vault(bytes(32), version=2).open(old, **PLACE)


def test_cr3_an_old_text_relabelled_as_new_does_not_open(vault):
    raw = base64.urlsafe_b64decode(vault.seal(PHONE, **PLACE))
    relabelled = base64.urlsafe_b64encode(b"\x02" + raw[1:]).decode()
    with pytest.raises(Tampered):
        Vault(KEY, version=2, older={1: KEY}).open(relabelled, **PLACE)


def test_cr4_one_number_has_one_index_per_purpose(vault):
    index = vault.index("+916742391010", "phone")
    assert index == vault.index("+916742391010", "phone")
    assert len(index) == 64
    assert set(index) <= set("0123456789abcdef")
    assert index != vault.index("+916742391010", "email")
    assert index != Vault(bytes(32)).index("+916742391010", "phone")


def test_cr4_the_index_does_not_normalise_that_is_the_callers_duty(vault):
    assert vault.index("0674 2391010", "phone") != vault.index("+916742391010", "phone")


def test_cr4_purpose_and_value_cannot_run_into_each_other(vault):
    assert vault.index("bc", "a") != vault.index("c", "ab")


def test_cr4_the_index_key_is_not_the_master_key(vault):

    assert vault.index("v", "p") not in {hmac.new(KEY, text, hashlib.sha256).hexdigest() for text in (b"v", b"pv")}


def test_a_new_key_file_is_private_and_read_back(tmp_path: Path):
    path = tmp_path / "data" / "vault.key"
    key = load_or_create_keys(path)
    assert [len(one) for one in key] == [KEY_BYTES]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_keys(path) == key
    assert [file.name for file in path.parent.iterdir()] == ["vault.key"]


def test_a_key_file_others_may_read_is_refused_with_the_remedy(tmp_path: Path):
    path = tmp_path / "vault.key"
    load_or_create_keys(path)
    path.chmod(0o640)
    with pytest.raises(KeyRefused, match=r"others may read it \(mode 640\)\. Use: chmod 600"):
        load_or_create_keys(path)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "holds 0 bytes"), (base64.b64encode(bytes(16)), "holds 16 bytes"), (b"%%%%", "is not Base64")],
)
def test_a_key_file_without_exactly_one_key_is_refused(tmp_path: Path, content, why):
    path = tmp_path / "vault.key"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(KeyRefused, match=why):
        load_or_create_keys(path)


def test_a_folder_in_the_keys_place_is_refused(tmp_path: Path):
    with pytest.raises(KeyRefused, match="cannot be read"):
        read_keys(tmp_path)


def test_a_key_comes_from_the_environment_or_a_file(tmp_path: Path):
    path = tmp_path / "vault.key"
    key = load_or_create_keys(path)
    assert keys_from({"file": str(path)}, {}) == key
    assert keys_from({"env": "VAULT_KEY"}, {"VAULT_KEY": base64.b64encode(KEY).decode() + "\n"}) == (KEY,)


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ({"env": "VAULT_KEY"}, "VAULT_KEY is not set"),
        ({"env": "SHORT"}, "holds 3 bytes"),
        ({"file": "/nonexistent/key"}, "cannot be read"),
        ({}, "is { env"),
        ({"env": "A", "file": "b"}, "is { env"),
        ({"key": "c2VjcmV0"}, "is { env"),
    ],
)
def test_a_reference_that_leads_to_no_key_says_why_and_shows_no_secret(reference, why):
    with pytest.raises(KeyRefused, match=why) as caught:
        keys_from(reference, {"SHORT": "c2Vj"})
    assert "c2V" not in str(caught.value)


@pytest.mark.parametrize("key", [b"", bytes(16), bytes(33)])
def test_a_master_key_of_the_wrong_length_is_refused(key):
    with pytest.raises(KeyRefused):
        Vault(key)


@pytest.mark.parametrize("version", [0, 256])
def test_a_key_version_fits_its_byte(version):
    with pytest.raises(KeyRefused):
        Vault(KEY, version=version)


def test_many_processes_booting_at_once_agree_on_one_key(tmp_path: Path):
    path = tmp_path / "vault.key"
    script = (
        "import sys; from pathlib import Path; from aggregator.citizens.vault import load_or_create_keys; "
        "print(load_or_create_keys(Path(sys.argv[1]))[0].hex())"
    )

    booting = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for _ in range(3)
    ]
    assert len({process.communicate(timeout=20)[0] for process in booting}) == 1
