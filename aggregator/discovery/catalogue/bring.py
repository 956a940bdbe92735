"""Data others gathered becomes our rows. What editors wrote stays: only what the data says of a row is replaced.

The data is a folder with services.json, complaint_types.json, localities.json, ortps_rules.json and holidays_*.json.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aggregator.discovery.catalogue import load
from aggregator.discovery.catalogue.wording import Wording

Row = dict[str, Any]
_VERIFIED = {True: "yes", False: "no", "partly": "partly"}
_MERGED = ("title", "sources")
_ORDER = (
    "id", "day", "title", "name", "city", "text", "description", "category", "group", "department", "organisation",
    "agency", "life_events", "audience", "channels", "documents", "fee", "time_limit", "officers", "eligibility",
    "same_as", "parts", "statutory_refs", "superseded_by", "aliases", "keywords", "catch_all",
)  # fmt: skip


@dataclass(slots=True)
class Brought:
    """Rows by file, in their order, and every word of the data that we have none for."""

    files: dict[str, list[Row]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def bring(data: Path, wording: Wording) -> Brought:
    """The data's rows in our words. Raises OSError and json.JSONDecodeError."""
    given = _json(data / "services.json")
    complaints = _json(data / "complaint_types.json")
    services = [_service(row, wording) for row in given["services"]]
    replaced = _names_of_replaced(services)
    for row in services:
        names = [name for name in replaced.get(row["id"], ()) if name.casefold() != row["title"]["en"].casefold()]
        if names:
            row["aliases"] = list(dict.fromkeys(names))
    kept = [row for row in services if "superseded_by" not in row]
    _inherit_exclusions(kept, {row["id"]: row for row in services})
    extra = [_holiday_source(_json(file)) for file in _holidays(data)] + [_complaint_source(complaints)]
    found = Brought(
        {
            load.SOURCES: [*_sources(given["sources"], given["generated"], wording), *extra],
            load.SERVICES: kept,
            load.SUPERSEDED: [row for row in services if "superseded_by" in row],
            load.COMPLAINTS: [_complaint(row, wording) for row in complaints["complaint_types"]],
            load.LOCALITIES: _localities(_json(data / "localities.json")),
            load.RULES: _rules(_json(data / "ortps_rules.json")),
            load.HOLIDAYS: [row for file in _holidays(data) for row in _days(_json(file))],
        }
    )
    found.unknown = sorted(wording.unknown)
    return found


def merged(new: Iterable[Row], old: Mapping[str, Row]) -> list[Row]:
    """The new rows with what editors added to the old ones; rows only editors know stay at the end."""
    rows = []
    known = set()
    for row in new:
        before = old.get(_key(row), {})
        known.add(_key(row))
        both = {name: {**before.get(name, {}), **row[name]} for name in _MERGED if isinstance(row.get(name), dict)}
        rows.append({**before, **row, **both})
    return rows + [row for key, row in old.items() if key not in known]


def printed(rows: Iterable[Row]) -> str:
    """The rows as they stand in a file: one a line, keys in one order."""
    return "".join(json.dumps(_ordered(row), ensure_ascii=False) + "\n" for row in rows)


def _key(row: Row) -> str:
    return str(row.get("id") or row.get("day"))


def _ordered(row: Row) -> Row:
    place = {name: number for number, name in enumerate(_ORDER)}
    return {key: row[key] for key in sorted(row, key=lambda one: (place.get(one, len(_ORDER)), one))}


def _json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _holidays(data: Path) -> list[Path]:
    return sorted(data.glob("holidays_*.json"))


def _service(given: Mapping[str, Any], wording: Wording) -> Row:
    id_ = given["id"]
    whose = wording.word("agencies", given["agency"]) or {}
    table = {} if "department" in whose else wording.word("departments", given["department"]) or {}
    standing = {"audience": ["resident"], "category": given["category"], **table, **wording.standing(id_)}
    title = {"en": wording.corrected(given["name_en"])}
    title |= {language: given[f"name_{language}"] for language in ("or", "hi") if given.get(f"name_{language}")}
    events = wording.tables["life_events"]
    found = [events.get(one, one) for one in given["life_events"]] or standing.get("life_events", [])
    row: Row = {
        "id": id_,
        "title": title,
        "category": standing["category"],
        "department": whose.get("department") or table.get("id", ""),
        "organisation": whose.get("organisation", ""),
        "life_events": list(dict.fromkeys(found)),
        "audience": standing["audience"],
        "channels": wording.words("channels", given["channels"]),
        "documents": wording.words("documents", given["documents"]),
        "fee": _fee(given["fee"]),
        "statutory_refs": given["statutory_refs"],
        "superseded_by": given.get("covered_by", []),
        "sources": {"title": given["sources"]},
        **wording.tables["links"].get(id_, {}),
    }
    _add_limit(row, given, wording)
    _add_sources(row, given["sources"], wording)
    return {key: value for key, value in row.items() if value not in (None, [], {}, "")}


def _add_limit(row: Row, given: Mapping[str, Any], wording: Wording) -> None:
    limit = given["time_limit"]
    if limit is None:
        return
    structure = wording.limit(limit["text"])
    if structure is None:
        return
    row["time_limit"] = {**structure, "text": wording.corrected(limit["text"])}
    row["sources"]["time_limit"] = [limit["source"]]
    officers = {
        ours: wording.corrected(limit[theirs])
        for ours, theirs in (
            ("designated", "designated_officer"), ("appeal", "appellate_authority"),
            ("revision", "revisional_authority"),
        )
        if limit.get(theirs)
    }  # fmt: skip
    if officers:
        row["officers"] = officers
        row["sources"]["officers"] = [limit["source"]]
    newer = wording.newer(row["id"])
    if newer is not None:
        earlier = {"fact": "time_limit", "source": limit["source"], "superseded_by": newer["source"]}
        row["earlier"] = [{**earlier, "value": row["time_limit"]}]
        row["time_limit"] = dict(newer["limit"])
        row["sources"]["time_limit"] = [newer["source"]]


def _add_sources(row: Row, names: list[str], wording: Wording) -> None:
    for fact in ("fee", "documents"):
        if row.get(fact):
            holding = [name for name in wording.tables["facts"][fact] if name in names]
            row["sources"][fact] = holding[:1] or names


def _fee(given: Mapping[str, Any] | None) -> Row | None:
    if given is None:
        return None
    rows = [_fee_row(title, amount) for title, amount in given["rows"]]
    return {"currency": given["currency"], "rows": rows} | ({"rule": given["rule"]} if "rule" in given else {})


def _fee_row(title: str, amount: Any) -> Row:
    made: Row = {"title": {"en": title[:1].upper() + title[1:]}}
    if isinstance(amount, int | float):
        return {**made, "amount_paise": round(amount * 100)}
    least, dash, most = str(amount).partition("-")
    if dash and least.isdigit() and most.isdigit():
        return {**made, "amount_paise": int(least) * 100, "most_paise": int(most) * 100}
    return {**made, "rule": {"en": str(amount)}}


def _names_of_replaced(services: Iterable[Row]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for row in services:
        for id_ in row.get("superseded_by", ()):
            names.setdefault(id_, []).append(row["title"]["en"])
    return names


def _inherit_exclusions(kept: Iterable[Row], known: Mapping[str, Row]) -> None:
    """A row told in short still excludes what the table's own row of the same limit excludes."""
    for row in kept:
        limit = row.get("time_limit", {})
        for id_ in row.get("statutory_refs", ()):
            full = known.get(id_, {}).get("time_limit", {})
            same = all(full.get(key) == limit.get(key) for key in ("amount", "unit", "start_event"))
            if same and "exclusions" in full:
                limit.setdefault("exclusions", full["exclusions"])


def _complaint(given: Mapping[str, Any], wording: Wording) -> Row:
    row = {
        "id": given["id"],
        "title": {"en": wording.corrected(given["name_en"])},
        "category": "complaint",
        "group": wording.word("groups", given["group"]),
        "department": wording.word("branches", given["department"]),
        "organisation": "bmc",
        "life_events": ["problem"],
        "audience": ["resident"],
        "sources": {"title": [_COMPLAINTS]},
        **wording.tables["links"].get(given["id"], {}),
    }
    return row | ({"catch_all": True} if given["catch_all"] else {})


_COMPLAINTS = "SERVICEDEFS"


def _complaint_source(given: Mapping[str, Any]) -> Row:
    return {
        "id": _COMPLAINTS, "title": given["source"], "as_of": "2022", "verified": "yes", "note": given["sla_note"],
    }  # fmt: skip


def _sources(given: Mapping[str, Any], read_on: str, wording: Wording) -> list[Row]:
    dates = wording.tables["source_dates"]
    rows = [
        {
            "id": id_,
            "title": source["ref"],
            "as_of": dates.get(id_, read_on),
            "verified": _VERIFIED[source["verified"]],
            **({"note": source["note"]} if "note" in source else {}),
        }
        for id_, source in given.items()
    ]
    acts = {"id": "ORTPSRULES", "title": "questions and answers of the state ORTPS portal", "as_of": "2017"}
    tenants = {"id": "LOCATIONS", "title": "ward and location master data of SUJOG", "as_of": "2022"}
    return [*rows, {**acts, "verified": "yes"}, {**tenants, "verified": "yes"}]


def _holiday_source(given: Mapping[str, Any]) -> Row:
    return {
        "id": f"HOLIDAYS{given['holidays'][0]['date'][:4]}", "title": given["source"], "as_of": "2025-11-12",
        "verified": "partly", "note": given["note"],
    }  # fmt: skip


def _localities(given: Mapping[str, Any]) -> list[Row]:
    city = [
        {"id": f"city_{one['code'].lower()}", "name": one["name"], "city": True}
        for one in given["bhubaneswar"]["localities"]
    ]
    around = [
        {"id": f"area_{one['code'].lower()}", "name": one["name"], "city": False} for one in given["bda_localities"]
    ]
    return city + around


def _rules(given: Mapping[str, Any]) -> list[Row]:
    names = {"days": "days", "max_days": "most_days"}
    rows = []
    for one in given["rules"]:
        row = {"id": one["id"], "text": one["rule"], "source": "ORTPSRULES"}
        row |= {ours: one[theirs] for theirs, ours in names.items() if theirs in one}
        amount = one.get("inr", one.get("inr_per_day"))
        rows.append(row if amount is None else {**row, "amount_paise": amount * 100})
    return rows


_MOON = ("Id-ul-Fitr", "Id-ul-Zuha", "Muharram")


def _days(given: Mapping[str, Any]) -> list[Row]:
    source = _holiday_source(given)["id"]
    return [
        {"day": one["date"], "title": {"en": one["name"]}, "source": source, "verified": "partly"}
        | ({"moon_dependent": True} if one["name"] in _MOON else {})
        for one in given["holidays"]
    ]
