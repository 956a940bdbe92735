"""Which of citizens' documents an agency gets: the author says what it takes, and operators may only take away.

An agency's block narrows its own driver; `[documents]` at the top of registry.toml narrows every agency, and what is
taken in at all. A limit that leaves a form's own document without a place is refused when the files are read, and not
by the citizen's upload.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aggregator.registry.agency import AgencyFacts, Forwarding, Manifest
from aggregator.registry.locate import Path
from aggregator.registry.shape import ListOf, Number, Table, Text
from aggregator.registry.source import Source, shown

MEDIA_TYPES = ("application/pdf", "image/jpeg", "image/png")
MOST_BYTES = 5 * 1_048_576
"""The largest document that is ever taken in."""
_SIZES = ("max_bytes", "max_total_bytes")


def _table(doc: str, needed: tuple[str, ...] = (), most: int = 50 * 1_048_576) -> Table:
    return Table(
        doc=doc,
        needed=needed,
        keys={
            "max_bytes": Number(doc="Largest single document", least=1, most=most, whole=True),
            "max_total_bytes": Number(doc="All documents of one case", least=1, most=50 * 1_048_576, whole=True),
            "media_types": ListOf(item=Text(choices=MEDIA_TYPES), at_least=1, doc="Kinds the agency opens"),
        },
    )


DECLARED = _table("Which of citizens' documents the driver passes on; left out: none", needed=(*_SIZES, "media_types"))
NARROWED = _table("Less of citizens' documents than the driver could pass on")
OVERALL = _table("Less of citizens' documents, for every agency; max_bytes also for uploads", most=MOST_BYTES)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a limit stands."""

    path: Path
    source: Source


def narrowed(manifest: Manifest, block: Mapping[str, Any], path: Path, source: Source) -> Forwarding | None:
    """What this agency gets after its own block. Whatever would widen the driver's word is reported and left out."""
    given, at = block.get("documents"), (*path, "documents")
    declared = manifest.documents
    if not isinstance(given, Mapping) or source.has_errors_under(at):
        return declared
    if declared is None:
        source.wrong(at, "limits documents, and the driver passes none on", on_key=True, bare=True)
        return None
    made = declared
    for key in _SIZES:
        if key in given and given[key] > getattr(declared, key):
            source.wrong(
                (*at, key),
                f"is greater than the driver's {getattr(declared, key)}, got {given[key]}."
                " An agency block may only lower it",
            )
        elif key in given:
            made = replace(made, **{key: given[key]})
    added = [kind for kind in given.get("media_types", ()) if kind not in declared.media_types]
    if added:
        source.wrong(
            (*at, "media_types"),
            f"adds {', '.join(map(shown, added))} to the driver's list. An agency block may only take kinds away",
        )
    elif "media_types" in given:
        made = replace(made, media_types=tuple(given["media_types"]))
    _check_forms(manifest, made.media_types, Place((*at, "media_types"), source))
    return made


def limited(agencies: Mapping[str, AgencyFacts], root: Source) -> tuple[dict[str, AgencyFacts], int]:
    """The agencies under the city's own limit, and how large a document may be that is taken in, in bytes."""
    given = root.data.get("documents")
    if not isinstance(given, Mapping) or root.has_errors_under(("documents",)):
        return dict(agencies), MOST_BYTES
    made = {name: replace(facts, forwarding=_least(facts, given, root)) for name, facts in agencies.items()}
    return made, int(given.get("max_bytes", MOST_BYTES))


def _least(facts: AgencyFacts, given: Mapping[str, Any], root: Source) -> Forwarding | None:
    own = facts.documents
    if own is None:
        return None
    kinds = tuple(kind for kind in own.media_types if kind in given.get("media_types", own.media_types))
    place = Place(("documents", "media_types"), root)
    if not kinds:
        root.wrong(place.path, f'leaves agency "{facts.id}" no kind of document that it takes')
    else:
        _check_forms(facts.manifest, kinds, place)
    return Forwarding(
        max_bytes=min(own.max_bytes, given.get("max_bytes", own.max_bytes)),
        max_total_bytes=min(own.max_total_bytes, given.get("max_total_bytes", own.max_total_bytes)),
        media_types=kinds,
    )


def _check_forms(manifest: Manifest, kinds: Iterable[str], place: Place) -> None:
    """A form that asks for one kind of file must still get it."""
    for offer in manifest.offers.values():
        for name, field in offer.form["properties"].items():
            wanted = field.get("contentMediaType", "")
            if wanted and wanted != "application/octet-stream" and wanted not in kinds:
                place.source.wrong(
                    place.path, f'leaves out {wanted}, which "{offer.key}" of {manifest.name} asks for ({name})'
                )
                return
