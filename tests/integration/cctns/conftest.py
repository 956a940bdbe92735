"""The simulated police on real sockets, in both versions of SOAP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from police_sandbox import Sandbox, running


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running(tmp_path) as one:
        yield one


@pytest.fixture(params=["1.2", "1.1"])
async def either(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """A sandbox spoken to in each version."""
    async with running(tmp_path, soap=request.param) as one:
        yield one
