"""The command line: one file per group, and one rule for endings: 0 done, 1 not done, 2 change something first.

A group is imported when it is asked for: `sandbox stop` need not wait for an HTTP server's libraries.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.table import coloured, paint

GROUPS = (
    "serve", "demo", "sandbox", "registry", "catalogue", "adapter", "portal", "citizens", "cases", "payments",
    "worklist", "nominee", "agency", "vault",
    "feed", "doctor", "backup", "restore", "audit", "search",
)  # fmt: skip
PLACES = (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)
"""A folder or file that was named and cannot be used: the user's to change."""
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code. Never ends in a traceback for a mistake of the user's."""
    words = sys.argv[1:] if argv is None else argv
    arguments = parser(words[:1]).parse_args(words)
    from aggregator.registry.problems import RegistryRefused, render  # noqa: PLC0415 - after the group, which may not need it

    try:
        return int(arguments.run(arguments))
    except Failure as exc:
        sys.stderr.write(f"{paint('aggregator:', 'red', stream=sys.stderr)} {exc}\n")
        return exc.code
    except RegistryRefused as exc:
        sys.stderr.write(render(exc.problems, colour=coloured(sys.stderr)))
        return BAD_USAGE
    except PLACES as exc:
        sys.stderr.write(f"{paint('aggregator:', 'red', stream=sys.stderr)} {exc.filename}: {exc.strerror}\n")
        return BAD_USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has seen enough; closing stdout again at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def parser(asked: Sequence[str]) -> argparse.ArgumentParser:
    """The group that is asked for adds its commands; all of them do when none is recognised."""
    top = argparse.ArgumentParser(
        prog="aggregator", description="One service interface before a city's agencies. Start with: aggregator demo"
    )
    groups = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in GROUPS:
        if name in asked or not set(asked) & set(GROUPS):
            import_module(f"aggregator.cli.{name}").add(groups)
    return top
