"""Rulesets that we did not write find nothing in the contract, and do find what is planted in it.

AGGREGATOR_LINTERS names a folder whose node_modules hold the tools of docs/api/spectral.yaml.
"""

import copy
import os
import shutil
import subprocess
from pathlib import Path

import orjson
import pytest

from aggregator.api.openapi import contract
from aggregator.api.snapshots import snapshots
from aggregator.api.table import TABLE

RULES = Path(__file__).parents[2] / "docs" / "api" / "spectral.yaml"


@pytest.fixture
def bench(tmp_path):
    """A folder with the rules, the tools, and nothing to lint yet."""
    tools = os.environ.get("AGGREGATOR_LINTERS", "")
    if not tools or not (Path(tools) / "node_modules" / ".bin" / "spectral").exists():
        pytest.skip("the contract's linters are Node tools; name their folder in AGGREGATOR_LINTERS")
    (tmp_path / "node_modules").symlink_to(Path(tools).resolve() / "node_modules")
    shutil.copy(RULES, tmp_path / "spectral.yaml")
    return tmp_path


def lint(folder: Path) -> int:
    spectral = folder / "node_modules" / ".bin" / "spectral"
    words = [str(spectral), "lint", "*.openapi.json", "-r", "spectral.yaml", "-F", "hint", "--fail-on-unmatched-globs"]
    return subprocess.run(words, cwd=folder, capture_output=True, check=False, timeout=120).returncode


@pytest.mark.slow
def test_three_rulesets_of_others_find_nothing(bench):
    for name, content in snapshots().items():
        (bench / name).write_bytes(content)
    assert lint(bench) == 0


def without_operation_id(document):
    del document["paths"]["/cases"]["get"]["operationId"]


def without_contact(document):
    del document["info"]["contact"]


def with_camel_case(document):
    document["components"]["schemas"]["Case"]["properties"]["camelCase"] = {"type": "string", "maxLength": 1}


def with_an_unbounded_text(document):
    del document["components"]["schemas"]["Case"]["properties"]["id"]["maxLength"]


def with_plain_http(document):
    document["servers"][0]["url"] = "http://city.example/v1"


@pytest.mark.slow
@pytest.mark.parametrize(
    "plant", [without_operation_id, without_contact, with_camel_case, with_an_unbounded_text, with_plain_http]
)
def test_a_planted_fault_is_found(bench, plant):
    document = copy.deepcopy(contract("citizen", TABLE))
    plant(document)
    (bench / "citizen.openapi.json").write_bytes(orjson.dumps(document))
    assert lint(bench) != 0
