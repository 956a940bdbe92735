"""A driver is found by its place, `adapters/<kind>/<driver>`, and imported by dotted name: the core names none."""

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

from aggregator.registry.agency import AgencyFacts, Manifest
from aggregator.registry.locate import Path
from aggregator.registry.manifest import read_manifest
from aggregator.registry.problems import Problem
from aggregator.registry.source import Source
from aggregator.sdk.adapter import Declared, operations_of
from aggregator.sdk.callback import Expected, Mailbox, Notice
from aggregator.sdk.wire import Wire

ROOT = "adapters"


@dataclass(frozen=True, slots=True)
class Product:
    """One driver, imported and with its manifest read."""

    dotted: str
    cls: type
    operations: Mapping[str, Declared]
    manifest: Manifest


class DriverBroken(Exception):
    """A driver's own code failed where we load it. Says what and where, without any value it was given."""

    def __init__(self, what: str, file: str = "", line: int = 1) -> None:
        super().__init__(what)
        self.file = file
        self.line = line


class NoMailbox:
    """For looking at drivers, and for places nobody pushes to: whoever waits here waits in vain."""

    def __init__(self, _agency: str = "") -> None: ...

    @contextmanager
    def expect(self, awaited: str) -> Iterator[Expected]:  # noqa: ARG002 - as the port wants it
        yield self

    async def arrived(self, timeout_s: float) -> Notice:  # noqa: ARG002 - as the port wants it
        raise TimeoutError


@dataclass(slots=True)
class Drivers:
    """The drivers under one root package; each is read once per reading of the registry."""

    root: str = ROOT
    sources: list[Source] = field(default_factory=list)
    folders: list[File] = field(default_factory=list)
    _read: dict[str, Product | None] = field(default_factory=dict)

    def find(self, kind: str, driver: str, path: Path, source: Source) -> Product | None:
        """The product an agency's block names, or None with the reason reported at `path`."""
        kinds = _packages(self.root)
        if kind not in kinds:
            source.unknown_value((*path, "kind"), "kind", kind, kinds)
            return None
        drivers = _packages(f"{self.root}.{kind}")
        if driver not in drivers:
            source.unknown_value((*path, "driver"), f"driver of kind {kind}", driver, drivers)
            return None
        dotted = f"{self.root}.{kind}.{driver}"
        if dotted not in self._read:
            self._read[dotted] = self._product(dotted, (*path, "driver"), source)
        return self._read[dotted]

    def _product(self, dotted: str, path: Path, source: Source) -> Product | None:
        cls: type | None = None
        try:
            cls = imported(dotted)
        except DriverBroken as exc:
            source.wrong(path, f"cannot be used: {exc}")
        operations = operations_of(cls) if cls else None
        folder = _folder(dotted)
        self.folders.append(folder)
        read = read_manifest(folder, operations)
        self.sources += read.sources
        if cls is None or read.manifest is None:
            return None
        return Product(dotted, cls, operations or {}, read.manifest)


def imported(dotted: str) -> type:
    """The class `Driver` of a driver's package. Raises DriverBroken."""
    try:
        module = importlib.import_module(dotted)
    except Exception as exc:  # foreign code may raise anything while it is imported; it is raised on, with its name
        raise DriverBroken(f"{dotted} fails on import: {type(exc).__name__}: {exc}") from exc
    cls = getattr(module, "Driver", None)
    if not isinstance(cls, type):
        raise DriverBroken(f"{dotted} has no class Driver")
    return cls


def constructed(cls: type, facts: AgencyFacts, wire: Wire, mailbox: Mailbox) -> Any:
    """The driver, made with its wire and settings, and the mailbox if it takes one. Raises DriverBroken.

    Slow where contracts are parsed: call it in a thread.
    """
    try:
        if "mailbox" in inspect.signature(cls).parameters:
            return cls(wire, facts.settings, mailbox=mailbox)
        return cls(wire, facts.settings)
    except Exception as exc:  # as above: raised on, without what the settings hold
        told = _without(str(exc), facts.settings.secrets.values())
        raise DriverBroken(
            f"fails to start: {type(exc).__name__}: {told}",
            str(getattr(exc, "file", "")),
            getattr(exc, "line", None) or 1,
        ) from exc


def broken_at(exc: DriverBroken, path: Path, source: Source) -> Problem:
    """The problem of an agency whose driver did not start: at its own file if it named one, else at the block."""
    if exc.file:
        return Problem(exc.file, exc.line, 1, str(exc))
    spot = source.positions.value((*path, "driver"))
    return Problem(source.name, spot.line, spot.column, f"driver {exc}", width=spot.width)


def _packages(dotted: str) -> list[str]:
    spec = importlib.util.find_spec(dotted)
    places = spec.submodule_search_locations if spec else None
    return [found.name for found in pkgutil.iter_modules(places) if found.ispkg] if places else []


def _folder(dotted: str) -> File:
    spec = importlib.util.find_spec(dotted)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return File(places[0]) if places else File(*dotted.split("."))


def _without(text: str, values: Any) -> str:
    for value in values:
        text = text.replace(value, "••••")
    return text
