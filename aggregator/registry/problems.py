"""A mistake in a file names the file, line, column and key, what was there and what would be right; all at once.

The line of a secret is never shown, and no value of a secret is ever part of a message.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

ERROR = "error"
WARNING = "warning"
_HIDDEN = "      (the line of a secret is not shown)"
_LONGEST = 160
_RED, _YELLOW, _BOLD, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `line` and `column` count from 1; `excerpt` is the line itself, empty if it may not be shown."""

    file: str
    line: int
    column: int
    message: str
    excerpt: str = ""
    width: int = 1
    severity: str = ERROR
    secret: bool = False

    @property
    def caret(self) -> str:
        """The marks to put under `excerpt`, as wide on a terminal as the letters above them."""
        before = self.excerpt[: self.column - 1]
        marked = self.excerpt[self.column - 1 : self.column - 1 + self.width]
        padding = "".join("\t" if letter == "\t" else " " * _cells(letter) for letter in before)
        return padding + "^" * max(1, sum(_cells(letter) for letter in marked))


class RegistryRefused(Exception):
    """The files have errors; nothing was loaded. `problems` holds all of them, warnings too."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(summary(self.problems))


def errors_in(problems: Iterable[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity == ERROR]


def summary(problems: list[Problem]) -> str:
    """`2 errors, 1 warning. Nothing was loaded.`; empty when there is nothing to say."""
    errors = len(errors_in(problems))
    counts = [(errors, ERROR), (len(problems) - errors, WARNING)]
    said = ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count)
    if not said:
        return ""
    return f"{said}. Nothing was loaded." if errors else f"{said}."


def render(problems: list[Problem], *, colour: bool) -> str:
    """What `aggregator registry check` prints: each problem with its line, then the count."""
    if not problems:
        return ""
    return "\n".join([*(_rendered(problem, colour=colour) for problem in problems), summary(problems)]) + "\n"


def meant(word: str, known: Iterable[str]) -> str:
    """` Did you mean "deadline_s"?`, or nothing when no known word is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f' Did you mean "{near[0]}"?' if near else ""


def _rendered(problem: Problem, *, colour: bool) -> str:
    tone = _RED if problem.severity == ERROR else _YELLOW
    place = f"{_clean(problem.file)}:{problem.line}:{problem.column}:"
    word = f"{tone}{problem.severity}:{_PLAIN}" if colour else f"{problem.severity}:"
    place = f"{_BOLD}{place}{_PLAIN}" if colour else place
    head = f"{place} {word} {_clean(problem.message)}"
    if problem.secret:
        return head + _HIDDEN
    if not problem.excerpt or problem.column > _LONGEST:
        return head
    marks = f"{tone}{problem.caret}{_PLAIN}" if colour else problem.caret
    return f"{head}\n{problem.line:>5} | {_clean(problem.excerpt[:_LONGEST])}\n      | {marks[:_LONGEST]}"


def _clean(text: str) -> str:
    """A file must not move the operator's cursor: control characters are shown as what they are not."""
    return "".join("\ufffd" if unicodedata.category(letter) == "Cc" and letter != "\t" else letter for letter in text)


def _cells(letter: str) -> int:
    if unicodedata.category(letter) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1
