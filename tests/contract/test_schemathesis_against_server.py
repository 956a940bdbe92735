"""Somebody else's fuzzer against the running server and its own contract, by a portal that has cases (ST-1 to ST-4).

The everyday run is small and seeded; the long one is `slow`. The control is a route that falls over a plain request:
a run that did not find it would prove nothing.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from api_town import Town, running_town

from aggregator.api.route import Answer
from aggregator.api.shapes import NoQuery
from aggregator.api.table import TABLE

TOOL = Path(sys.executable).parent / "schemathesis"
# What a service's own form, a cursor's signature, a version or a check digit refuse is 400 although the shape is right;
# a route that takes nothing from its caller has no such excuse.
TAKING = [
    f"{route.method} {route.path}"
    for route in TABLE
    if route.body is not None or route.parameters or route.query is not NoQuery
]
CONFIG = f"""
[checks.missing_required_header]
expected-statuses = [400, 401, 403, 404, 406, 415, 422, 428]

[[operations]]
include-name = {json.dumps(TAKING)}
checks.positive_data_acceptance.expected-statuses = [200, 201, 202, 204, 304, 400, 403, 404, 409, 412, 428, 429]
"""
SEEDED = """
[parameters]
"path.case_id" = "{case_id}"
"path.number" = "{number}"
"path.service_id" = "office.permit"
"path.agency_id" = "office"
"path.citizen_id" = "ctz_sample00000000000001"
"path.session_id" = "ses_01JCZ5QK8V9XW3T6R2M4N7P0AB"
"path.link_id" = "lnk_01JCZ5QK8V9XW3T6R2M4N7P0AB"
"""


async def fuzz(town: Town, folder: Path, document: str, *, seeded: bool, more: Sequence[str] = ()) -> tuple[int, str]:
    """The tool's exit code and what it told."""
    case = (await town.open("seed")).json
    config = folder / "schemathesis.toml"
    given = SEEDED.format(case_id=case["id"], number=case["number"]) if seeded else ""
    config.write_text(given + CONFIG)
    process = await asyncio.create_subprocess_exec(
        str(TOOL), "--config-file", str(config), "run", town.origin + document,
        "-H", f"Authorization: Bearer {town.tokens['one']}", "--seed", "1", "--generation-deterministic",
        "--no-color", *more,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder,
    )  # fmt: skip
    told, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, told.decode(errors="replace")[-6000:]


async def test_a_small_fuzz_finds_nothing(town, tmp_path):
    code, told = await fuzz(town, tmp_path, "/openapi.json", seeded=True, more=["--phases", "fuzzing", "-n", "2"])
    assert code == 0, told


async def test_the_control_a_route_that_falls_over_is_found(sqlite_store, tmp_path):
    async def fall(_call) -> Answer:
        raise ValueError("fell")

    table = [replace(route, handle=fall) if route.operation_id == "listAgencies" else route for route in TABLE]
    async with running_town(sqlite_store, table=table) as town:
        more = ["--phases", "examples,fuzzing", "-n", "2", "--include-path", "/agencies"]
        code, told = await fuzz(town, tmp_path, "/openapi.json", seeded=False, more=more)
    assert code == 1
    assert "server error" in told.lower()


@pytest.mark.slow
@pytest.mark.parametrize("seeded", [True, False])
@pytest.mark.parametrize("document", ["/openapi.json", "/operations.openapi.json", "/feeds.openapi.json"])
async def test_a_long_fuzz_of_every_document_finds_nothing(town, tmp_path, document, seeded):
    code, told = await fuzz(town, tmp_path, document, seeded=seeded, more=["-n", "40"])
    assert code == 0, told
