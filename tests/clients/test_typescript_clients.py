"""What others generate from our contract compiles without a warning, and a portal written with it works.

The tools are fetched by npm into a temporary folder; without npm or without the network the tests skip. Types are
made with --empty-objects-unknown: a form is an object whose fields the service's own form describes, and without this
word the generator takes such an object for one that has to stay empty.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from foreign_contracts import npm
from served_city import KEY, a_city

ROOT = Path(__file__).parents[2]
PORTAL = Path(__file__).parent / "node" / "portal.ts"
TOOLS = (
    "openapi-typescript@7.13.0",
    "openapi-fetch@0.17.0",
    "cloudevents@10.0.0",
    "typescript@5.9.3",
    "@types/node@22",
)
STRICT = (
    "--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes", "--skipLibCheck",
    "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext", "--types", "node",
)  # fmt: skip
DOCUMENTS = ("citizen", "catalogue", "feeds", "operations")

pytestmark = pytest.mark.slow


def run(folder: Path, tool: str, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [str(folder / "node_modules" / ".bin" / tool), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tools and the types they make of our four documents."""
    folder = tmp_path_factory.mktemp("typescript")
    (folder / "package.json").write_text('{"type": "module", "private": true}')
    npm(folder, "install", *TOOLS)
    for name in DOCUMENTS:
        source = ROOT / "docs" / "api" / f"{name}.openapi.json"
        made = run(folder, "openapi-typescript", str(source), "--empty-objects-unknown", "-o", f"{name}.d.ts")
        assert made.returncode == 0, made.stderr
        assert "⚠" not in made.stdout + made.stderr
    shutil.copy(PORTAL, folder / PORTAL.name)
    return folder


def test_the_types_others_generate_from_our_contract_compile_strictly(bench: Path) -> None:
    done = run(bench, "tsc", "--strict", "--noEmit", *(f"{name}.d.ts" for name in DOCUMENTS))
    assert (done.returncode, done.stdout) == (0, "")


def test_a_portal_written_with_them_opens_a_case_and_reads_the_feed(bench: Path, tmp_path: Path) -> None:
    done = run(bench, "tsc", *STRICT, PORTAL.name)
    assert (done.returncode, done.stdout) == (0, "")
    with a_city(tmp_path / "data") as url:
        node = ["node", "portal.js", url, KEY]
        told = subprocess.run(node, cwd=bench, capture_output=True, text=True, check=False, timeout=60)
    assert told.returncode == 0, told.stderr
    got: dict[str, Any] = json.loads(told.stdout)
    assert got["status"] in {"SUBMITTED", "ACKNOWLEDGED"}
    assert got["refused"] == "validation-failed"
    assert got["fields"]
    assert "in.gov.odisha.city.case.accepted.v1" in got["events"]
    assert "in.gov.odisha.city.operation.confirmed.v1" in got["events"]
    assert len(got["subjects"]) == 1
    assert any("\u0b00" <= char <= "\u0b7f" for char in got["text"]), "asked in Odia"


MISREAD = {
    "field": ('service_id: "passport.fresh",\n', 'service: "passport.fresh",\n'),
    "header": ('"Idempotency-Key": key, ', ""),
    "answer": ("seen.status_text", "seen.statusText"),
    "path": ('"/cases/{case_id}"', '"/case/{case_id}"'),
    "type": ("{ case_id: first.id }", "{ case_id: 7 }"),
}


def test_a_portal_that_misreads_the_contract_does_not_compile(bench: Path) -> None:
    text = PORTAL.read_text()
    for name, (right, wrong) in MISREAD.items():
        assert text.count(right) == 1
        (bench / f"misread_{name}.ts").write_text(text.replace(right, wrong))
    told = run(bench, "tsc", *STRICT, "--noEmit", *(f"misread_{name}.ts" for name in MISREAD)).stdout
    found = {line.partition("(")[0] for line in told.splitlines() if ": error TS" in line}
    assert found == {f"misread_{name}.ts" for name in MISREAD}
