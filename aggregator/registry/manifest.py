"""adapter.toml is checked as strictly as registry.toml: an author's slip is found before a city trusts the driver."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path as File
from typing import Any

from aggregator.registry.agency import AGENCY_CODE, FACTOR, Forwarding, Manifest, Offer, Option, Watched
from aggregator.registry.form import checked
from aggregator.registry.locate import Path
from aggregator.registry.source import Source, read_json, read_toml, shown
from aggregator.registry.tables import MANIFEST, TYPES
from aggregator.registry.tree import name_of, unreadable
from aggregator.sdk.adapter import Declared

_CODE_OPERATIONS = ("send_code", "check_code")


@dataclass(slots=True)
class ManifestRead:
    """What reading a driver's folder gave; `manifest` is None when it cannot be used at all."""

    manifest: Manifest | None = None
    sources: list[Source] = field(default_factory=list)


def read_manifest(folder: File, operations: Mapping[str, Declared] | None) -> ManifestRead:
    """The author's facts in `folder`. `operations` is None when the driver could not be imported."""
    read = ManifestRead()
    file = folder / "adapter.toml"
    try:
        source = read_toml(file, name_of(file))
    except OSError as exc:
        read.sources.append(unreadable(file, exc))
        return read
    read.sources.append(source)
    if not source.data and source.problems:
        return read
    MANIFEST.check(source.data, (), source)
    _check_place(source, folder)
    _check_contracts(source, folder)
    offers = _offers(source, folder, operations, read.sources)
    if not source.has_errors_under(("driver",)):
        read.manifest = _manifest(source, offers)
    return read


def is_type(value: Any, wanted: str) -> bool:
    """Whether a TOML value has one of the types an option may have."""
    if isinstance(value, bool):
        return wanted == "boolean"
    return isinstance(value, TYPES[wanted])


def _manifest(source: Source, offers: dict[str, Offer]) -> Manifest:
    driver = source.data["driver"]
    return Manifest(
        name=driver["name"],
        kind=driver["kind"],
        version=driver["version"],
        protocol=driver["protocol"],
        title=driver["title"],
        summary=driver["summary"],
        options=_options(source),
        secrets={name: bool(one.get("required")) for name, one in _tables(source, "secrets")},
        offers=offers,
        quality=dict(source.data.get("quality", {})),
        digest=sha256(source.text.encode()).hexdigest(),
        documents=_forwarding(source, offers),
    )


def _forwarding(source: Source, offers: Mapping[str, Offer]) -> Forwarding | None:
    """What the driver passes on. A form that asks for a document nobody passes on is a mistake."""
    given = source.data.get("documents")
    if given is None:
        for offer in offers.values():
            asking = [name for name, field in offer.form["properties"].items() if "contentMediaType" in field]
            if asking:
                source.wrong(
                    ("services", offer.key, "form"),
                    f"asks for a document ({asking[0]}), and adapter.toml has no [documents]: none would be passed on",
                )
        return None
    if source.has_errors_under(("documents",)):
        return None
    return Forwarding(
        max_bytes=given["max_bytes"],
        max_total_bytes=given["max_total_bytes"],
        media_types=tuple(given["media_types"]),
    )


def _tables(source: Source, section: str) -> list[tuple[str, Any]]:
    """The sound entries of a section."""
    found = source.data.get(section)
    if not isinstance(found, Mapping):
        return []
    return [(name, one) for name, one in found.items() if not source.has_errors_under((section, name))]


def _check_place(source: Source, folder: File) -> None:
    driver = source.data.get("driver")
    for key, expected in (("name", folder.name), ("kind", folder.parent.name)):
        given = driver.get(key) if isinstance(driver, Mapping) else None
        if isinstance(given, str) and given != expected:
            source.wrong(("driver", key), f'must be "{expected}", as the folder is called, got {shown(given)}')


def _options(source: Source) -> dict[str, Option]:
    made: dict[str, Option] = {}
    for name, one in _tables(source, "settings"):
        choices = tuple(one.get("choices", ()))
        path: Path = ("settings", name)
        given: list[tuple[str, Any]] = [("default", one.get("default")), *(("choices", choice) for choice in choices)]
        for key, value in given:
            if value is not None and not is_type(value, one["type"]):
                source.wrong((*path, key), f"must be of type {one['type']}, got {shown(value)}")
        made[name] = Option(
            type=one["type"], required=one.get("required", False), default=one.get("default"), choices=choices
        )
    return made


def _check_contracts(source: Source, folder: File) -> None:
    """A pinned file that changed is another contract: the driver was not written for it."""
    for name, pinned in _tables(source, "contracts"):
        path: Path = ("contracts", name)
        try:
            found = sha256((folder / name).read_bytes()).hexdigest()
        except OSError:
            source.wrong(path, f'"{name}" is not beside adapter.toml', on_key=True, bare=True)
            continue
        if found != pinned:
            source.wrong(path, f'"{name}" is not the pinned file: its sha256 is {found}', bare=True)


def _offers(
    source: Source, folder: File, operations: Mapping[str, Declared] | None, sources: list[Source]
) -> dict[str, Offer]:
    made: dict[str, Offer] = {}
    for key, one in _tables(source, "services"):
        path: Path = ("services", key)
        if operations is not None and one["operation"] not in operations:
            source.unknown_value((*path, "operation"), "operation of the driver", one["operation"], operations)
            continue
        form = _form(source, (*path, "form"), folder, one["form"], sources)
        if form is not None:
            actions = tuple(one["actions"]) if "actions" in one else None
            watched = _watched(one.get("watched_leg"))
            ends, leave = one.get("ends_with", ""), one.get("consent", "")
            if ends and ends not in form.get("properties", {}):
                source.unknown_value((*path, "ends_with"), "field of the form", ends, form.get("properties", {}))
            proofs = _proofs(source, (*path, "proofs"), one, operations)
            made[key] = Offer(
                key, one["kind"], one["operation"], one["title"], form, watched, actions, ends, leave, proofs
            )
    return made


def _proofs(
    source: Source, path: Path, offer: Mapping[str, Any], operations: Mapping[str, Declared] | None
) -> tuple[str, ...]:
    """A code that nobody can send or check proves nothing; only what is asked can be linked."""
    proofs = tuple(offer.get("proofs", (FACTOR,)))
    lacking = [name for name in _CODE_OPERATIONS if operations is not None and name not in operations]
    if AGENCY_CODE in proofs and offer["kind"] != "ENQUIRY":
        source.wrong(path, f"stands at an offer of kind {offer['kind']}; only an ENQUIRY's record can be linked")
    elif AGENCY_CODE in proofs and lacking:
        source.wrong(path, f"has {AGENCY_CODE}, and the driver has no operation {' and no '.join(lacking)}")
    return proofs


def _watched(given: Mapping[str, Any] | None) -> Watched | None:
    return Watched(given["begins"], tuple(given["done"])) if given else None


def _form(source: Source, path: Path, folder: File, name: str, sources: list[Source]) -> Mapping[str, Any] | None:
    file = folder / name
    if not file.resolve().is_relative_to(folder.resolve()):
        source.wrong(path, f"must be a file beside adapter.toml, got {shown(name)}")
        return None
    try:
        form = read_json(file, name_of(file))
    except OSError:
        source.wrong(path, f"names {shown(name)}, which is not there")
        return None
    sources.append(form)
    return checked(form)
