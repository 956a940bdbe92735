"""Logs are events with fields, one JSON object a line, told once at the edge where the fact is known.

Rooms use the standard library's loggers (`log.warning("agency.unavailable", extra={...})`); structlog renders them.
Libraries that log bodies or SQL are capped at WARNING by code, whatever level is asked for, and their text is left out:
it may quote what a citizen typed.
"""

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

CAPPED = ("zeep", "aiohttp", "httpx", "httpcore", "asyncio", "aiosqlite", "asyncpg", "urllib3", "requests")
OURS = "aggregator"
_RECORD = ("level", "timestamp", "event", "logger")


def configure(stream: TextIO, *, level: str = "INFO", as_json: bool = True) -> None:
    """Sends all logging to `stream`. Raises ValueError for a level that does not exist."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_before(), processors=[_without_internals, _renderer(as_json=as_json)]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    cap()


def cap() -> None:
    """Holds the talkative libraries at WARNING."""
    for name in CAPPED:
        logging.getLogger(name).setLevel(logging.WARNING)


def _before() -> list[Any]:
    return [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        _no_foreign_text,
    ]


def _no_foreign_text(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Another library's sentence becomes its logger's name: we cannot know whom it quotes."""
    event.pop("exc_info", None)
    event.pop("stack_info", None)
    if str(event.get("logger", "")).partition(".")[0] == OURS:
        return event
    return {**_kept(event), "event": "library.message"}


def _kept(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in (*_RECORD, "_record", "_from_structlog") if name in event}


def _without_internals(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("_record", None)
    event.pop("_from_structlog", None)
    return event


def _renderer(*, as_json: bool) -> Any:
    return structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
