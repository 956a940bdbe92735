"""`aggregator registry`: the operator's files, checked as a whole before anything is loaded."""

import os
import shutil
import sys
from argparse import Namespace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.places import checked, registry_file
from aggregator.cli.table import coloured, paint
from aggregator.registry.load import check
from aggregator.registry.problems import errors_in, render
from aggregator.texts import missing

FIRST = "first_registry.toml"
CATALOGUE = """
[catalogue]                         # facts and search words of the reference city, to begin with: yours from now on
folder = "catalogue/facts"
"""


def add(groups: Any) -> None:
    group = groups.add_parser("registry", help="the city's registry.toml: check it, begin one")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    checking = commands.add_parser("check", help="every mistake at once, with file, line, column and remedy")
    checking.add_argument("path", nargs="?", type=Path, default=Path("registry.toml"))
    checking.set_defaults(run=check_files)
    beginning = commands.add_parser(
        "init", help="a first registry.toml with one simulated agency, and the reference catalogue"
    )
    beginning.add_argument("directory", type=Path)
    beginning.set_defaults(run=init)


def check_files(arguments: Namespace) -> int:
    path = registry_file(arguments.path)
    problems = check(path, os.environ)
    sys.stdout.write(render(problems, colour=coloured(sys.stdout)))
    if errors_in(problems):
        return BAD_USAGE
    owed = missing()
    if owed:
        print(f"{paint('warning:', 'yellow')} {len(owed)} citizen sentences fall back to English, first: {owed[0]}")
    draft = checked(path)
    print(
        f"{paint('ok', 'green')}  {path}: {counted(len(draft.facts), 'agency', 'agencies')}, "
        f"{counted(len(draft.services), 'service', 'services')}"
    )
    return 0


def init(arguments: Namespace) -> int:
    target = arguments.directory / "registry.toml"
    if target.exists():
        raise Failure(f"{target} is already there and was left as it is", BAD_USAGE)
    try:
        arguments.directory.mkdir(parents=True, exist_ok=True)
        with as_file(files("aggregator.cli").joinpath(FIRST)) as source:
            target.write_text(source.read_text("utf-8") + CATALOGUE, "utf-8")
        for part in ("facts", "lexicon"):
            shutil.copytree(reference() / part, arguments.directory / "catalogue" / part, dirs_exist_ok=True)
    except OSError as exc:
        raise Failure(f"{target} cannot be written: {exc.strerror}. Choose a folder of yours", BAD_USAGE) from exc
    print(f"  {target} is written. Check it with `aggregator registry check {arguments.directory}`,")
    print(f"  try it with `aggregator serve --sandbox --registry {target} --data {arguments.directory / 'data'}`")
    return 0


def reference() -> Path:
    """The reference city's catalogue: inside an installed package, beside the code in a checkout."""
    package = Path(str(files("aggregator")))
    shipped = package / "reference"
    return shipped if shipped.is_dir() else package.parent / "catalogue"


def counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
