"""What one seed came to."""

import hashlib
from dataclasses import dataclass


@dataclass
class Outcome:
    """What one seed came to."""

    seed: int
    profile: str
    wrong: list[str]
    trace: list[str]
    hours: float
    steps: int
    crashes: int
    effects: int
    doubts: int

    @property
    def digest(self) -> str:
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()[:16]
