"""A fault of our own in a log: its class and where it happened, never its words, for they may quote a citizen."""

import traceback

PLACES = 6
"""So many of the innermost frames are told."""


def told(error: BaseException) -> dict[str, str]:
    """Fields for a log line: `error`, its class; `place`, files and lines, the innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[-PLACES:]
    places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]
    return {"error": type(error).__name__, "place": " ".join(places)}
