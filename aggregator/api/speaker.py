"""Who speaks to a citizen, and in which language: an API call, or a plain page without scripts."""

from datetime import datetime
from typing import Protocol


class Speaker(Protocol):
    """What turning a recorded fact into a sentence needs."""

    def say(self, key: str, **args: str) -> str: ...

    def agency_title(self, agency_id: str) -> str: ...

    def now(self) -> datetime: ...
