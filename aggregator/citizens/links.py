"""A link says: this citizen is that record at that agency. It fills forms and answers "everything of mine".

Here are the sandbox's sample citizens, read from a file beside the registry. Verified links of real citizens take
their place behind the same port; what uses them does not change.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Link:
    """One agency's identifiers of one citizen, under the names its forms use. Personal data: never logged."""

    agency: str
    identifiers: Mapping[str, str]


class Links(Protocol):
    """Whose links these are, by pairwise id."""

    def of(self, citizen_id: str) -> tuple[Link, ...] | None:
        """The citizen's links, in the order they were made; None for a citizen nobody knows."""
        ...


class BadLinks(ValueError):
    """The file of sample citizens cannot be used; the message says where and why."""


class SandboxLinks:
    """The sample citizens of a sandbox."""

    def __init__(self, citizens: Mapping[str, tuple[Link, ...]]) -> None:
        self._citizens = dict(citizens)

    @classmethod
    def read(cls, path: Path) -> "SandboxLinks":
        """From a file like sandbox/citizens.toml; none at all where it is missing. Raises BadLinks."""
        if not path.exists():
            return cls({})
        try:
            data = tomllib.loads(path.read_text())
            citizens = {name: _links(block) for name, block in data.get("citizens", {}).items()}
        except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as exc:
            raise BadLinks(f"{path}: {exc}") from None
        return cls(citizens)

    def of(self, citizen_id: str) -> tuple[Link, ...] | None:
        return self._citizens.get(citizen_id)

    def ids(self) -> list[str]:
        """The sample citizens, for whoever tries the sandbox."""
        return list(self._citizens)


class LinksWhile:
    """Links that count only while something holds: sample citizens never stand beside a live agency."""

    def __init__(self, links: Links, holds: Callable[[], bool]) -> None:
        self._links = links
        self._holds = holds

    def of(self, citizen_id: str) -> tuple[Link, ...] | None:
        return self._links.of(citizen_id) if self._holds() else None


def _links(block: Mapping[str, Any]) -> tuple[Link, ...]:
    return tuple(Link(str(link["agency"]), dict(link["identifiers"])) for link in block["links"])
