"""Writes the committed contract: `python -m aggregator.api.snapshots docs/api`. A test compares it with the code."""

import sys
from pathlib import Path

import orjson

from aggregator.api.matrix import page
from aggregator.api.openapi import contract
from aggregator.api.route import DOCUMENTS
from aggregator.api.table import TABLE


def snapshots() -> dict[str, bytes]:
    """The contract documents by file name, as they are committed."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return {f"{name}.openapi.json": orjson.dumps(contract(name, TABLE), option=options) for name in DOCUMENTS}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, content in snapshots().items():
        (folder / file_name).write_bytes(content)
    (folder.parent / "authorisation.md").write_text(page(), encoding="utf-8")
