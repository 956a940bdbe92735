"""What `aggregator doctor` says of one thing it looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`grade` is good, doubtful or bad; `said` ends with the remedy where there is one."""

    grade: str
    what: str
    said: str
