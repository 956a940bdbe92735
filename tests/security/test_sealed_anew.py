"""What was sealed under one key is sealed under the citizens' own while the city works."""

from pathlib import Path
from typing import Any

import pytest
from api_town import GOOD_FORM, running_town
from figures import Figure
from forgotten_lives import DRAFTS, copied, forgotten, keys, lived, ring, values
from sealing import MASTER, OneKey, sealing

from aggregator.citizens.envelopes import Erased
from aggregator.citizens.reseal import OF_CASE, OF_DOCUMENT, Resealing
from aggregator.citizens.vault import Tampered, Vault
from aggregator.sdk.clock import SystemClock
from aggregator.store import Store
from aggregator.store.keyfile import KeyFile

__all__ = ["keys"]  # fixtures


@pytest.mark.figure("S12", "cases")
async def test_what_was_sealed_under_one_key_is_sealed_anew_while_the_city_works(
    sqlite_store: Store, sqlite_url: str, tmp_path: Path, keys: KeyFile, figure: Figure
) -> None:
    one, envelopes = OneKey(Vault(MASTER)), sealing(keys=ring(keys))
    async with running_town(sqlite_store, keys=keys.path, envelopes=one) as town:
        await lived(town)
        await town.open("k-9")
    await sqlite_store.write(lambda run: run("update cases set sealed_for = citizen_id"))
    backup = copied(sqlite_store, sqlite_url, tmp_path / "before.db")
    old = [each for each in values(backup) if each[0] is not DRAFTS]
    assert all(not envelopes.named(sealed) for *_, sealed in old)
    await Resealing(sqlite_store, envelopes, SystemClock()).run()
    after = copied(sqlite_store, sqlite_url, tmp_path / "after.db")
    anew = [each for each in values(after) if each[0] is not DRAFTS]
    assert len(anew) == len(old)
    assert all(envelopes.named(sealed) for *_, sealed in anew)
    for (place, row, column, was), (*_, now) in zip(old, anew, strict=True):
        at = {"table": place.table, "row": row, "column": column}
        assert one.open(was, **at) == envelopes.open(now, **at)
    async with running_town(sqlite_store, keys=keys.path) as town:
        assert (await town.open("k-9")).status in {200, 201}, "the answer of an old key is still given"
    figure.measured(f"{len(anew)} of {len(anew)} values of an older version sealed anew while cases are read")


async def test_on_both_engines_nothing_is_left_under_the_vaults_own_key(store: Store, keys: KeyFile) -> None:
    async with running_town(store, keys=keys.path, envelopes=OneKey(Vault(MASTER))) as town:
        await lived(town)
        await town.open("k-9")
    await store.write(lambda run: run("update cases set sealed_for = citizen_id"))
    envelopes = sealing(keys=ring(keys))

    async def under_the_vault() -> int:
        left = 0
        for place in (*OF_CASE, *OF_DOCUMENT):
            rows = await store.read(f"select {', '.join(place.columns)} from {place.table}")  # noqa: S608 - a fixed list
            texts = [row[column] for row in rows for column in place.columns if row[column]]
            left += sum(not envelopes.named(text) for text in texts)
        return left

    assert await under_the_vault() > 10
    await Resealing(store, envelopes, SystemClock()).run()
    assert await under_the_vault() == 0
    await Resealing(store, envelopes, SystemClock()).run()  # done: it ends at once


async def test_a_portal_that_still_names_a_forgotten_citizen_is_told_there_is_none(
    sqlite_store: Store, keys: KeyFile
) -> None:
    async with running_town(sqlite_store, keys=keys.path) as town:
        name = await lived(town)
        await forgotten(town)
        for path, body in (
            ("/services/office.permit/drafts", {"citizen_id": name}),
            ("/cases", {"citizen_id": name, "service_id": "office.permit", "form": GOOD_FORM}),
        ):
            got = await town.ask("POST", path, json=body, Idempotency_Key="k-77")
            assert (got.status, [one["code"] for one in got.json["errors"]]) == (400, ["no_such_citizen"])


async def test_a_destroyed_key_makes_no_new_case(keys: KeyFile) -> None:
    ours = ring(keys)
    envelopes = sealing(keys=ours)
    await envelopes.key_for("ctz_gone")
    ours.destroy("ctz_gone")
    with pytest.raises(Erased):
        await envelopes.key_for("ctz_gone")
    with pytest.raises(Erased):
        envelopes.seal(b"x", owner="ctz_gone", table="cases", row="r", column="form_sealed")


async def test_an_envelope_opens_in_its_own_place_alone_and_says_nothing_of_who_it_was_moved_to(keys: KeyFile) -> None:
    envelopes = sealing(keys=ring(keys))
    place: dict[str, Any] = {"table": "cases", "row": "case_1", "column": "form_sealed"}
    sealed = envelopes.seal(b"plain", owner=await envelopes.key_for("ctz_a"), **place)
    assert (envelopes.open(sealed, **place), envelopes.named(sealed)) == (b"plain", "ctz_a")
    await envelopes.key_for("ctz_b")
    for moved in ({**place, "table": "leg"}, {**place, "row": "case_2"}, {**place, "column": "x"}):
        with pytest.raises(Tampered):
            envelopes.open(sealed, **moved)
    for at in range(len(sealed)):
        turned = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        with pytest.raises(Tampered):
            envelopes.open(turned, **place)
