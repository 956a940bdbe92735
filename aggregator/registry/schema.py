"""The JSON Schemas that editors show while an operator types are printed from the shapes the checker uses.

`python -m aggregator.registry.schema docs` writes them; a test compares what is committed with what is printed.
The schema helps while typing. Only `aggregator registry check` decides: it also reads drivers and the environment.
"""

import json
import sys
from pathlib import Path

from aggregator.registry.shape import Schema, Table
from aggregator.registry.tables import MANIFEST, REGISTRY

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def documents() -> dict[str, str]:
    """The schema files by name, as they are committed under docs/."""
    # Included files have no [city]; one schema serves them all, and the checker asks for what is missing.
    registry = {key: value for key, value in REGISTRY.schema().items() if key != "required"}
    return {
        "registry.schema.json": _printed("registry.toml and the files it includes", registry),
        "adapter.schema.json": _printed("adapter.toml, the author's facts beside a driver", MANIFEST.schema()),
    }


def keys(table: Table, prefix: str = "") -> list[str]:
    """Every key a table may hold, dotted: what the operator's guide must mention."""
    found: list[str] = []
    for name, shape in table.keys.items():
        found.append(prefix + name)
        if isinstance(shape, Table):
            found += keys(shape, f"{prefix}{name}.")
    return found


def _printed(title: str, schema: Schema) -> str:
    return json.dumps({"$schema": DIALECT, "title": title, **schema}, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
