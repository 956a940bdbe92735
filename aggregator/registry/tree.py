"""registry.toml and the files it includes are read as one; an id belongs to exactly one of them."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path as File
from typing import Any

from aggregator.registry.locate import Path, Spot
from aggregator.registry.problems import Problem
from aggregator.registry.source import Source, read_toml
from aggregator.registry.tables import INCLUDED, REGISTRY


@dataclass(frozen=True, slots=True)
class Entry:
    """One `[agencies.x]` or `[services.x]`: its table, and where it stands."""

    block: Mapping[str, Any]
    path: Path
    source: Source


@dataclass(slots=True)
class Tree:
    """All files together. `watched` also names files that were looked for; `patterns` may match new ones later."""

    city: Mapping[str, Any] = field(default_factory=dict)
    agencies: dict[str, Entry] = field(default_factory=dict)
    organisations: dict[str, Entry] = field(default_factory=dict)
    services: dict[str, Entry] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    watched: list[File] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)

    @property
    def root(self) -> Source:
        return self.sources[0]


def name_of(file: File) -> str:
    """How a file is called in messages: relative to where the operator stands, if it is below."""
    whole, here = file.absolute(), File.cwd()
    return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(whole)


def read_tree(path: File) -> Tree:
    """Reads and checks the shape of everything; mistakes are in the sources."""
    tree = Tree()
    _read(tree, path, ())
    tree.organisations = {
        name: entry
        for name, entry in tree.agencies.items()
        if "backends" in entry.block and "driver" not in entry.block
    }
    for name in tree.organisations:
        del tree.agencies[name]
    if tree.root.data:
        city = tree.root.data.get("city")
        tree.city = city if isinstance(city, Mapping) else {}
    return tree


def unreadable(file: File, exc: OSError) -> Source:
    """A source that holds nothing but the reason why."""
    source = Source(name_of(file), file)
    source.problems.append(Problem(source.name, 1, 1, f"cannot be read: {os.strerror(exc.errno or 0)}"))
    return source


def _read(tree: Tree, file: File, above: tuple[File, ...]) -> None:
    tree.watched.append(file)
    try:
        source = read_toml(file, name_of(file))
    except OSError as exc:
        tree.sources.append(unreadable(file, exc))
        return
    tree.sources.append(source)
    if not source.data:
        if not source.problems and not above:
            REGISTRY.check({}, (), source)
        return
    (INCLUDED if above else REGISTRY).check(source.data, (), source)
    _adopt(tree.agencies, "agencies", source)
    _adopt(tree.services, "services", source)
    _include(tree, source, (*above, file.resolve()))


def _adopt(known: dict[str, Entry], section: str, source: Source) -> None:
    blocks = source.data.get(section)
    if not isinstance(blocks, Mapping):
        return
    for name, block in blocks.items():
        if name in known:
            other = known[name]
            spot: Spot = other.source.positions.key(other.path)
            source.wrong(
                (section, name), f'"{name}" is also in {other.source.name}:{spot.line}', on_key=True, bare=True
            )
        elif isinstance(block, Mapping):
            known[name] = Entry(block, (section, name), source)


def _include(tree: Tree, source: Source, above: tuple[File, ...]) -> None:
    patterns = source.data.get("include")
    for index, pattern in enumerate(patterns if isinstance(patterns, list) else ()):
        if not isinstance(pattern, str):
            continue
        at: Path = ("include", index)
        whole = str(source.file.parent / pattern)
        tree.patterns.append(whole)
        matching = glob(whole)  # noqa: PTH207 - a pattern may be absolute, which Path.glob refuses
        files = [File(found) for found in sorted(matching)] if has_magic(pattern) else [File(whole)]
        if not files:
            source.wrong(at, "matches no file")
        for file in files:
            _include_one(tree, source, at, file, above)


def _include_one(tree: Tree, source: Source, at: Path, file: File, above: tuple[File, ...]) -> None:
    if file.resolve() in above:
        start = above.index(file.resolve())
        circle = " -> ".join(name_of(one) for one in (*above[start:], file))
        source.wrong(at, f"goes in a circle: {circle}")
    elif file.resolve() in _already(tree.sources):
        source.wrong(at, f"names {name_of(file)}, which is included already")
    elif not file.is_file():
        tree.watched.append(file)
        source.wrong(at, f"names {name_of(file)}, which is not there")
    else:
        _read(tree, file, above)


def _already(sources: Iterable[Source]) -> set[File]:
    return {source.file.resolve() for source in sources}
