"""`aggregator catalogue`: the editors' commands. Whatever changes files only says so until it is told `--write`."""

import json
import sys
import tomllib
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Mapping
from os import environ
from pathlib import Path
from typing import Any

from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.places import add_registry, registry_of
from aggregator.cli.registry import counted
from aggregator.cli.table import coloured, paint, table
from aggregator.discovery.catalogue import load
from aggregator.discovery.catalogue.bring import Brought, bring, merged, printed
from aggregator.discovery.catalogue.check import Desk, warnings_of
from aggregator.discovery.catalogue.compose import Offers, compose
from aggregator.discovery.catalogue.coverage import coverage_of
from aggregator.discovery.catalogue.rows import Change, changes, rows_of
from aggregator.discovery.catalogue.sheet import taken_over, written
from aggregator.discovery.catalogue.wording import Wording
from aggregator.registry.load import Draft, read
from aggregator.registry.problems import errors_in, render
from aggregator.sdk.clock import SystemClock

SHEETS = (load.SERVICES, load.COMPLAINTS)


def add(groups: Any) -> None:
    group = groups.add_parser("catalogue", help="facts on services, complaint types, offices: check, bring in, compare")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    checking = _command(commands, "check", "every mistake at once, and what an editor should look at", check)
    checking.add_argument("--quiet", action="store_true", help="mistakes only")
    bringing = _command(commands, "import", "take over a folder of gathered data, or an edited .csv sheet", take_over)
    bringing.add_argument("data", type=Path)
    bringing.add_argument("--write", action="store_true", help="change the files; without it only the changes are told")
    giving = _command(
        commands, "export", "a .csv sheet of services and complaint types for people who edit in one", give
    )
    giving.add_argument("sheet", type=Path)
    comparing = _command(commands, "diff", "what differs between two folders of facts, fact by fact", compare)
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path, nargs="?", help="by default the registry's folder")
    _command(commands, "coverage", "how much is known, in which language, and how far services go with us", cover)


def _command(commands: Any, name: str, about: str, run: Any) -> ArgumentParser:
    parser: ArgumentParser = commands.add_parser(name, help=about)
    add_registry(parser)
    parser.set_defaults(run=run)
    return parser


def check(arguments: Namespace) -> int:
    draft, folder = _place(arguments)
    reading = load.read(folder)
    problems = list(reading.problems)
    if not reading.fatal and not arguments.quiet:
        problems += warnings_of(reading.facts, Desk(SystemClock().now().date(), draft.services))
    sys.stdout.write(
        render(problems, colour=coloured(sys.stdout)).replace("Nothing was loaded.", _fate(reading, draft))
    )
    if errors_in(problems):
        return BAD_USAGE
    services = sum(one.kind == "service" for one in reading.facts.entries.values())
    complaints = len(reading.facts.entries) - services
    print(
        f"{paint('ok', 'green')}  {folder}: {services} services, {complaints} complaint types, "
        f"{len(reading.facts.superseded)} superseded rows, {counted(len(reading.facts.offices), 'office', 'offices')}"
    )
    return 0


def take_over(arguments: Namespace) -> int:
    _, folder = _place(arguments)
    if not arguments.data.exists():
        raise Failure(f"there is no {arguments.data}", BAD_USAGE)
    files = (
        _from_sheet(arguments.data, folder) if arguments.data.suffix == ".csv" else _from_data(arguments.data, folder)
    )
    found = {name: list(changes(rows_of(folder / name), _by_id(rows))) for name, rows in files.items()}
    for name, changed in found.items():
        _tell(name, changed)
    if not any(found.values()):
        print("nothing differs")
    elif arguments.write:
        for name, rows in files.items():
            (folder / name).write_text(printed(rows), encoding="utf-8")
        print(f"{paint('ok', 'green')}  written. Look at it with: aggregator catalogue check")
    else:
        print("nothing was written; add --write to take it over")
    return 0


def give(arguments: Namespace) -> int:
    _, folder = _place(arguments)
    rows = [row for name in SHEETS for row in rows_of(folder / name).values()]
    arguments.sheet.write_text(written(rows), encoding="utf-8")
    print(f"{paint('ok', 'green')}  {arguments.sheet}: {counted(len(rows), 'entry', 'entries')}")
    return 0


def compare(arguments: Namespace) -> int:
    after = arguments.after or _place(arguments)[1]
    differing = 0
    for name in load.FILES:
        if name.endswith(".jsonl"):
            changed = list(changes(_rows(arguments.before / name), _rows(after / name)))
            differing += len(changed)
            _tell(name, changed, all_of_them=True)
    print(f"{counted(differing, 'difference', 'differences')}")
    return 0


def cover(arguments: Namespace) -> int:
    draft, folder = _place(arguments)
    reading = load.read(folder)
    reading.refuse(broken="refuse")
    catalogue = compose(reading.facts, Offers(draft.services, draft.facts))
    for heading, lines in coverage_of(catalogue).headings.items():
        rows = [[name, str(number), str(whole), f"{100 * number // max(whole, 1)} %"] for name, number, whole in lines]
        print(f"{table([heading, 'have', 'of', 'share'], rows)}\n")
    return 0


def _place(arguments: Namespace) -> tuple[Draft, Path]:
    """The registry's files and the folder they name. Raises Failure, RegistryRefused."""
    path = registry_of(arguments)
    draft = read(path, env=environ)
    draft.refuse_errors()
    if draft.catalogue is None:
        raise Failure(f'{path} names no catalogue. Add [catalogue] with folder = "catalogue/facts"', BAD_USAGE)
    return draft, draft.catalogue.folder


def _fate(reading: load.Reading, draft: Draft) -> str:
    rule = draft.catalogue.broken if draft.catalogue is not None else "skip"
    if reading.fatal or rule == "refuse" or reading.too_many:
        return "A city would keep the catalogue it has."
    return f"A city would leave out {counted(reading.broken, 'entry', 'entries')}."


def _from_data(data: Path, folder: Path) -> Mapping[str, list[dict[str, Any]]]:
    try:
        brought: Brought = bring(data, Wording.read(folder))
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as exc:
        raise Failure(f"{data} is not the data this knows: {type(exc).__name__}: {exc}", BAD_USAGE) from exc
    if brought.unknown:
        lines = "\n".join(f"  {word}" for word in brought.unknown)
        raise Failure(f"{folder / 'import.toml'} lacks words of the data:\n{lines}\nNothing was taken over", BAD_USAGE)
    return {name: merged(rows, _rows(folder / name)) for name, rows in brought.files.items()}


def _from_sheet(sheet: Path, folder: Path) -> Mapping[str, list[dict[str, Any]]]:
    before = {name: _rows(folder / name) for name in SHEETS}
    every = [row for rows in before.values() for row in rows.values()]
    try:
        text = sheet.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        raise Failure(f"{sheet} is not UTF-8. Save it as CSV UTF-8", BAD_USAGE) from exc
    rows, problems = taken_over(text, str(sheet), every)
    if problems:
        raise Failure(render(problems, colour=coloured(sys.stderr)).rstrip(), BAD_USAGE)
    return {name: [row for row in rows if row["id"] in known] for name, known in before.items()}


def _rows(file: Path) -> dict[str, dict[str, Any]]:
    try:
        return rows_of(file)
    except ValueError as exc:
        raise Failure(str(exc), BAD_USAGE) from exc


def _by_id(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {str(row.get("id") or row.get("day")): row for row in rows}


def _tell(name: str, changed: list[Change], *, all_of_them: bool = False, most: int = 20) -> None:
    if not changed:
        return
    counts = Counter(one.what for one in changed)
    print(f"{name}: " + ", ".join(f"{number} {what}" for what, number in sorted(counts.items())))
    for one in changed if all_of_them else changed[:most]:
        print(
            f"  {one.id}  {one.what}" + (f" {one.key}: {_short(one.before)} -> {_short(one.after)}" if one.key else "")
        )
    if not all_of_them and len(changed) > most:
        print(f"  ... and {len(changed) - most} more")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if value is not None else "nothing"
    return text if len(text) <= 70 else text[:67] + "..."
