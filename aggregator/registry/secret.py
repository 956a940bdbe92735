"""A secret is a reference, resolved when the registry is read; no message of ours can hold its value.

`{ env = "RTO_API_KEY" }` or `{ file = "/run/secrets/rto" }`. On a simulator's block a published literal may stand
beside it, `sandbox = "..."`, and counts when the environment has nothing: a demonstration needs no preparation.
"""

import re
from collections.abc import Mapping
from pathlib import Path as File
from typing import Any

from aggregator.registry.agency import Manifest
from aggregator.registry.locate import Path
from aggregator.registry.source import Source

_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_KEYS = ("env", "file", "sandbox")


def resolved(
    block: Mapping[str, Any], path: Path, source: Source, manifest: Manifest, env: Mapping[str, str]
) -> dict[str, str]:
    """The values of an agency's secrets by name. `block` is the agency's; what is missing or wrong is reported."""
    found: dict[str, str] = {}
    at = (*path, "secrets")
    given = block.get("secrets", {})
    if not isinstance(given, Mapping):
        source.wrong(at, "must be a table of references")
        return found
    for name, reference in given.items():
        if name not in manifest.secrets:
            source.unknown((*at, name), "secret", name, manifest.secrets)
        value = _value(reference, (*at, name), source, env, block)
        if value is not None:
            found[name] = value
    for name, required in manifest.secrets.items():
        if required and name not in given:
            source.missing(at if given else path, f"secrets.{name}")
    return found


def _value(reference: Any, path: Path, source: Source, env: Mapping[str, str], block: Mapping[str, Any]) -> str | None:
    if not _is_sound(reference, path, source, sandbox=block.get("sandbox") is True):
        return None
    if reference.get("env") in env:
        return _nonempty(env[reference["env"]], path, source)
    if "file" in reference:
        return _from_file(reference["file"], path, source)
    if "sandbox" in reference:
        return str(reference["sandbox"])
    # A disabled agency may wait for its secrets; nothing is sent to it.
    warning = block.get("enabled") is False
    source.wrong(path, f"is missing: {reference['env']} is not in the environment", warning=warning)
    return None


def _is_sound(reference: Any, path: Path, source: Source, *, sandbox: bool) -> bool:
    if isinstance(reference, str):
        source.written(path)
        return False
    if not isinstance(reference, Mapping):
        source.wrong(path, 'must be a reference, { env = "..." } or { file = "..." }')
        return False
    for key, value in reference.items():
        if key not in _KEYS:
            source.unknown((*path, key), "key", key, _KEYS)
        elif not isinstance(value, str) or not value:
            source.wrong((*path, key), "must be text")
        elif key == "env" and not _VARIABLE.match(value):
            source.wrong((*path, key), "must be the name of a variable, not a value")
    if "env" in reference and "file" in reference:
        source.wrong(path, "has env and file: one of them")
    if "env" not in reference and "file" not in reference and "sandbox" not in reference:
        source.wrong(path, 'says neither env nor file. Use { env = "..." }')
    if "sandbox" in reference and not sandbox:
        source.wrong((*path, "sandbox"), "is a literal for simulators only: this agency is not sandbox = true")
    return not source.has_errors_under(path)


def _from_file(name: str, path: Path, source: Source) -> str | None:
    file = source.file.parent / name
    try:
        text = file.read_text(encoding="utf-8")
        shared = file.stat().st_mode & 0o007
    except (OSError, UnicodeDecodeError) as exc:
        source.wrong(path, f"is missing: its file cannot be read ({type(exc).__name__})")
        return None
    if shared:
        source.warn(path, "stands in a file that every user of this machine can read")
    return _nonempty(text.rstrip("\r\n"), path, source)


def secret_files(block: Mapping[str, Any], source: Source) -> list[File]:
    """The files an agency's secrets come from, to be watched."""
    given = block.get("secrets")
    references = given.values() if isinstance(given, Mapping) else ()
    names = [one["file"] for one in references if isinstance(one, Mapping) and isinstance(one.get("file"), str)]
    return [source.file.parent / name for name in names]


def _nonempty(value: str, path: Path, source: Source) -> str | None:
    if value:
        return value
    source.wrong(path, "is empty where it is kept")
    return None
