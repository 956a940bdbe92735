"""What an agency of the simulation has to do with: its surroundings, and what arrives at its door."""

from collections.abc import Callable
from typing import Any, Protocol


class World(Protocol):
    """What an agency needs of its surroundings: the time, a later moment, the city's door, somebody who takes notes."""

    def now(self) -> float: ...

    def later(self, delay_s: float, do: Callable[[], None]) -> None: ...

    def push(self, agency: str, body: bytes, sig: str) -> None: ...

    def doubted(self, agency: str, ref: str) -> bool: ...

    def note(self, *what: Any) -> None: ...


class Call(Protocol):
    """One request that has arrived. Nothing said means silence."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    told: Any
    """Called when the answer has arrived."""

    def reply(self, status: int, body: bytes, kind: str = "application/json", after_s: float = 0.0) -> None: ...

    def reset(self, after_s: float = 0.0) -> None: ...
