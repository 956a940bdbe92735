"""A library that speaks to agencies is imported in one place, and the parts of it that bite are imported nowhere."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted(path for room in ("aggregator", "adapters") for path in (ROOT / room).rglob("*.py"))


@functools.cache
def names_used(path: Path) -> frozenset[str]:
    """Every module and every imported or called name of a file, dotted."""
    return frozenset(_names(path))


def _names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield f".{node.attr}"


def users(*starts: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if any(name == start or name.startswith(start + ".") for name in names_used(path) for start in starts)
    }


def test_zeep_is_a_codec_in_one_file():
    assert users("zeep") == {"aggregator/sdk/wsdl.py"}


@pytest.mark.parametrize(
    "trap", ["requests", "zeep.AsyncClient", "zeep.plugins", "zeep.wsse", "zeep.transports.AsyncTransport"]
)
def test_zp1_zp2_zp3_zp13_the_parts_that_bite_are_imported_nowhere(trap):
    assert users(trap) == set()


def test_zp2_no_call_changes_a_setting_across_an_await():
    wsdl = ast.parse((ROOT / "aggregator/sdk/wsdl.py").read_text())
    assert not [node for node in ast.walk(wsdl) if isinstance(node, (ast.Await, ast.AsyncFunctionDef, ast.AsyncWith))]


def test_the_production_wire_is_the_only_client_outside_the_test_kit():
    assert {name for name in users("aiohttp.ClientSession", ".ClientSession") if "/testing/" not in name} == {
        "aggregator/sdk/wire_aiohttp.py"
    }


def test_ts1_httpx_and_respx_are_for_the_test_kit_alone():
    assert all("/testing/" in name for name in users("httpx", "respx"))
