"""S5. Somebody else's fuzzer against the running server and its own contract, by a portal that has cases and by nobody.

The everyday run is small and seeded; the long one is `slow`. The control is a route that falls over a plain request:
a run that did not find it would prove nothing.
"""

import asyncio
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from api_town import Town, running_town
from figures import sized

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
# Whoever has no token is told so, however good the rest of the request is.
NOBODY = """
[checks.positive_data_acceptance]
expected-statuses = [401, 429]

[checks.missing_required_header]
expected-statuses = [401, 429]

[checks.negative_data_rejection]
expected-statuses = [400, 401, 404, 405, 406, 413, 415, 422, 429]
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


async def fuzz(
    town: Town, folder: Path, document: str, *, seeded: bool, more: Sequence[str] = (), known: bool = True
) -> tuple[int, str]:
    """The tool's exit code and what it told; `known`: with a portal's token."""
    case = (await town.open("seed")).json
    config = folder / "schemathesis.toml"
    given = SEEDED.format(case_id=case["id"], number=case["number"]) if seeded else ""
    config.write_text(given + (CONFIG if known else NOBODY))
    token = ["-H", f"Authorization: Bearer {town.tokens['one']}"] if known else []
    process = await asyncio.create_subprocess_exec(
        str(TOOL), "--config-file", str(config), "run", town.origin + document,
        *token, "--seed", "1", "--generation-deterministic", "--no-color", *more,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder,
    )  # fmt: skip
    told, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, told.decode(errors="replace")[-6000:]


async def test_a_small_fuzz_finds_nothing(town, tmp_path):
    code, told = await fuzz(town, tmp_path, "/openapi.json", seeded=True, more=["--phases", "fuzzing", "-n", "2"])
    assert code == 0, told


@pytest.mark.figure("S5")
async def test_the_control_a_route_that_falls_over_is_found(sqlite_store, tmp_path, figure):
    async def fall(_call) -> Answer:
        raise ValueError("fell")

    table = [replace(route, handle=fall) if route.operation_id == "listAgencies" else route for route in TABLE]
    async with running_town(sqlite_store, table=table) as town:
        more = ["--phases", "examples,fuzzing", "-n", "2", "--include-path", "/agencies"]
        code, told = await fuzz(town, tmp_path, "/openapi.json", seeded=False, more=more)
    assert code == 1
    assert "server error" in told.lower()
    figure.control("a route that falls over: found")


def cases_of(told: str) -> int:
    """How many requests the tool made, as it says itself."""
    found = re.search(r"([0-9,]+) generated", told)
    assert found, told
    return int(found[1].replace(",", ""))


@pytest.mark.slow
@pytest.mark.figure("S5")
@pytest.mark.parametrize("seeded", [True, False])
@pytest.mark.parametrize("document", ["/openapi.json", "/operations.openapi.json", "/feeds.openapi.json"])
async def test_a_long_fuzz_of_every_document_finds_nothing(town, tmp_path, document, seeded, figure):
    code, told = await fuzz(town, tmp_path, document, seeded=seeded, more=["-n", str(sized(40, 2_000))])
    assert code == 0, told
    figure.measured(f"{document.removesuffix('openapi.json').strip('/.') or 'citizens'}: {cases_of(told)} requests")


@pytest.mark.slow
@pytest.mark.figure("S5")
@pytest.mark.parametrize("document", ["/openapi.json", "/operations.openapi.json", "/feeds.openapi.json"])
async def test_a_fuzz_by_nobody_gets_nothing_but_refusals(town, tmp_path, document, figure):
    more = ["--phases", "fuzzing", "-n", str(sized(4, 500))]
    code, told = await fuzz(town, tmp_path, document, seeded=False, more=more, known=False)
    assert code == 0, told
    figure.measured(f"by nobody: {cases_of(told)} requests")
