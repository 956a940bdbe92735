"""The same words find the same five services whatever database the city runs on."""

from pathlib import Path

from aggregator.settings import Settings
from aggregator.wiring import running

ROOT = Path(__file__).parents[3]
WORDS = (
    "electricity bill payment", "drivng licens renwal", "ଜନ୍ମ ପ୍ରମାଣପତ୍ର", "गाड़ी का चालान", "پاسپورٹ کی تجدید",
    "mo gadi ra nama badaliba", "street light not working", "certificate", "train ticket", "father died",
)  # fmt: skip


async def top_five(url: str, folder: Path) -> dict[str, list[str]]:
    settings = Settings.from_env(
        {"AGGREGATOR_DATABASE": url}, data_dir=folder / "data", registry_path=ROOT / "registry.toml"
    )
    async with running(settings) as city:
        return {words: [hit.item.id for hit in (await city.search.ask(words, 5)).hits] for words in WORDS}


async def test_the_same_words_find_the_same_five_on_sqlite_and_postgresql(
    sqlite_url: str, postgres_url: str, tmp_path: Path
) -> None:
    on_sqlite = await top_five(sqlite_url, tmp_path / "one")
    on_postgres = await top_five(postgres_url, tmp_path / "two")
    assert on_sqlite == on_postgres
    assert sum(len(found) == 5 for found in on_sqlite.values()) >= 7
    assert on_sqlite["train ticket"] == []
