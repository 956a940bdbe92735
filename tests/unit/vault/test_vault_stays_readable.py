"""What a city sealed in its first year opens in every later one: the texts below were sealed once and are kept.

A vault that derives, frames or spells anything otherwise passes every test that seals and opens in one go, and loses
the whole city at its next update.
"""

import base64
import os

import pytest

from aggregator.citizens.vault import KeyRefused, Tampered, Vault, version_of
from aggregator.sdk.clock import SeededChance

KEY, SECOND, THIRD = bytes(range(32)), bytes(32), b"\xff" * 32
PLACE = {"table": "citizen", "row": "ctz_1", "column": "phone_sealed"}
PHONE = b"+916742391010"
SEALED = "AfWxZSJKWLeR32rx2Pw84K-03IhdShvgrKNnAmkDx6KNEocF7ArvldTU"
INDEX = "46718b3f703ad83e9f4f3a0f35b8f2e39bacd104106859a89bdeb472bf5ab5f9"


def test_what_the_first_version_sealed_opens() -> None:
    assert Vault(KEY).open(SEALED, **PLACE) == PHONE


def test_citizens_are_found_by_the_index_the_first_version_made() -> None:
    assert Vault(KEY).index("+916742391010", "phone") == INDEX


def test_a_replayed_story_seals_the_same_text() -> None:
    assert Vault(KEY, chance=SeededChance(1)).seal(PHONE, **PLACE) == SEALED
    assert Vault.of((KEY,), chance=SeededChance(1)).seal(PHONE, **PLACE) == SEALED


def test_keys_put_behind_the_first_change_neither_index_nor_what_opens() -> None:
    years = [Vault.of((KEY, SECOND, THIRD)[:count]) for count in (1, 2, 3)]
    assert {vault.index("+916742391010", "phone") for vault in years} == {INDEX}
    sealed = [vault.seal(PHONE, **PLACE) for vault in years]
    assert [version_of(text) for text in sealed] == [1, 2, 3]
    assert [years[2].open(text, **PLACE) for text in sealed] == [PHONE] * 3
    assert [years[2].is_current(text) for text in sealed] == [False, False, True]


def test_a_vault_that_hears_of_a_key_seals_with_it_from_then_on() -> None:
    keys = [(KEY,)]
    vault = Vault.of(keys[-1], again=lambda: keys[-1])
    keys.append((KEY, SECOND, THIRD))
    sealed = Vault.of(keys[-1]).seal(PHONE, **PLACE)
    assert version_of(vault.seal(PHONE, **PLACE)) == 1, "nobody told it yet"
    assert vault.open(sealed, **PLACE) == PHONE
    assert version_of(vault.seal(PHONE, **PLACE)) == 3
    between = Vault.of((KEY, SECOND)).seal(PHONE, **PLACE)
    assert vault.open(between, **PLACE) == PHONE, "it took over all of them, not the last alone"


def test_fewer_keys_than_before_make_no_vault_seal_with_an_older_one() -> None:
    vault = Vault.of((KEY, SECOND), again=lambda: (KEY,))
    with pytest.raises(Tampered):
        vault.open(Vault.of((KEY, SECOND, THIRD)).seal(PHONE, **PLACE), **PLACE)
    assert version_of(vault.seal(PHONE, **PLACE)) == 2


@pytest.mark.parametrize("length", [1, 12, 28])
def test_a_text_too_short_to_be_sealed_says_so(length: int) -> None:
    text = base64.urlsafe_b64encode(b"\x01" + bytes(length - 1)).decode()
    with pytest.raises(Tampered) as caught:
        Vault(KEY).open(text, **PLACE)
    assert str(caught.value) == "citizen.phone_sealed: not sealed by a key of this vault"


def test_what_no_vault_sealed_has_no_version() -> None:
    assert [version_of(text) for text in ("", "not base64!", SEALED + "\n", SEALED[:-1])] == [0] * 4


@pytest.mark.parametrize("version", [0, 256])
def test_a_version_that_fits_no_byte_is_named(version: int) -> None:
    with pytest.raises(KeyRefused) as caught:
        Vault(KEY, version=version)
    assert str(caught.value) == "a key's version is a number from 1 to 255"


@pytest.mark.parametrize("version", [1, 255])
def test_the_first_and_the_last_version_a_byte_can_name_seal_and_open(version: int) -> None:
    vault = Vault(KEY, version=version)
    assert vault.open(vault.seal(PHONE, **PLACE), **PLACE) == PHONE


def test_a_master_key_of_the_wrong_length_is_told_its_length() -> None:
    with pytest.raises(KeyRefused) as caught:
        Vault(os.urandom(16))
    assert str(caught.value) == "a master key has 32 bytes, got 16"
