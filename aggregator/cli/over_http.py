"""Commands that look at a running server are portals like any other: they speak the published API and have a key.

The standard library's client in a thread, because aiohttp's belongs to the wire alone.
"""

import asyncio
import http.client
import json
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from aggregator.cli.failure import BAD_USAGE, Failure

DEFAULT_URL = "http://127.0.0.1:8080"
SANDBOX_KEY = "sk_test_portal"
_PATIENCE_S = 70.0
"""Longer than the longest poll the API grants."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The document; None for an empty body."""
        return json.loads(self.body) if self.body else None


class Server:
    """One running server, as a portal with this key sees it. `get`, `post` and the rest block."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Failure(f"{url!r} is not an address. Give one like {DEFAULT_URL}", BAD_USAGE)
        self.url = url.rstrip("/")
        self._parts = parts
        self._key = key

    def get(self, path: str, **query: str) -> Answer:
        return self.ask("GET", path + ("?" + urlencode(query) if query else ""))

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        return self.ask("POST", path, json.dumps(body).encode(), headers)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Raises Failure when nobody answers there."""
        sent = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        connection = self._connection()
        try:
            connection.request(method, path, body, {**sent, **(headers or {})})
            got = connection.getresponse()
            return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        except (OSError, http.client.HTTPException) as exc:
            raise Failure(
                f"no aggregator answers at {self.url} ({type(exc).__name__}). Start one with `aggregator serve`, "
                "or name another with --url"
            ) from exc
        finally:
            connection.close()

    def read(self, path: str, **query: str) -> Any:
        """The document at `path`. Raises Failure with the server's own sentence when it says no."""
        answer = self.get(path, **query)
        if answer.status >= 400:
            raise Failure(told(answer))
        return answer.json()

    async def later(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """`ask` without holding up this process's other work."""
        encoded = None if body is None else json.dumps(body).encode()
        return await asyncio.to_thread(self.ask, method, path, encoded, headers)

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=_PATIENCE_S)
        return http.client.HTTPConnection(host, port, timeout=_PATIENCE_S)


def told(answer: Answer) -> str:
    """A problem document as one sentence: what happened and what to do."""
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        return f"the server answered {answer.status} without an explanation"
    parts = [str(problem.get(name, "")).rstrip(".") for name in ("title", "detail", "what_you_should_do")]
    return ". ".join(part for part in parts if part) + f" ({answer.status} {problem.get('code', '')})"


def add_options(parser: ArgumentParser) -> None:
    """Which server, and as whom. The environment names both once for a whole session."""
    parser.add_argument("--url", default=os.environ.get("AGGREGATOR_URL", DEFAULT_URL), help="the server's address")
    parser.add_argument(
        "--key", default=os.environ.get("AGGREGATOR_KEY", SANDBOX_KEY), help="a portal's key (AGGREGATOR_KEY)"
    )


def server_of(arguments: Namespace) -> Server:
    return Server(arguments.url, arguments.key)
