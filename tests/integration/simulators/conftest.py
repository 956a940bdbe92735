"""The simulated passport authority as a process of its own, emptied for every test."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from aggregator.sdk.testing.sandbox import Control, Sandbox, started

MODULE = "adapters.passport.seva.simulator"
FACE = {"Origin": "https://passport.example", "Referer": "https://passport.example/"}
PERSON = {"givenName": "Test", "surname": "Citizen", "gender": "F", "placeOfBirth": "Puri", "address": {}}


@dataclass
class Authority:
    """A naive client of the simulator: no journal, no care."""

    sandbox: Sandbox
    session: aiohttp.ClientSession
    control: Control

    async def raw(self, verb: str, headers: dict[str, str] | None = None, **asked: Any) -> tuple[int, bytes, Any]:
        url = self.sandbox.url + (verb if verb.startswith("/") else "/v1/online/" + verb)
        body = {"requestResponseMap": asked}
        sent = FACE if headers is None else headers
        async with self.session.post(url, json=body, headers=sent, allow_redirects=False) as got:
            return got.status, await got.read(), got.headers

    async def ask(self, verb: str, **asked: Any) -> dict[str, Any]:
        _, body, _ = await self.raw(verb, **asked)
        return dict(json.loads(body.decode("utf-8-sig")))

    async def submit(self, ref: str, *, mobile: str = "9123456789", scheme: str = "Normal") -> dict[str, Any]:
        answer = await self.ask(
            "saveApplication",
            clientRef=ref,
            service="FRESH",
            scheme=scheme,
            applDob="01/01/1990",
            applicant={**PERSON, "mobile": mobile},
        )
        return dict(answer["requestResponseMap"])

    async def find(self, ref: str) -> list[dict[str, Any]]:
        return list((await self.ask("searchApplication", clientRef=ref))["requestResponseMap"]["applications"])

    async def track(self, number: str, born: str = "01/01/1990") -> dict[str, Any]:
        answer = await self.ask("trackStatusForFileNo", fileNo=number, applDob=born, optStatus="Application_Status")
        return dict(answer["requestResponseMap"])


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = started(MODULE, tmp_path_factory.mktemp("seva"))
    yield sandbox
    sandbox.stop()


@pytest.fixture
async def authority(simulator: Sandbox) -> AsyncIterator[Authority]:
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=4)) as session,
        simulator.control as control,
    ):
        await control.reset()
        yield Authority(simulator, session, control)
