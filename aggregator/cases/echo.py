"""Our own words coming back: known by our reference and the hash of the fields, so two systems never talk in a circle.

Source: docs/outcomes.md section 10.
"""

import hashlib
from collections.abc import Mapping

import orjson

ECHO = "echo:"


def echo_mark(fields: Mapping[str, str]) -> str:
    """Names and hash of fields that an agency repeats to us, "" for none."""
    if not fields:
        return ""
    canonical = orjson.dumps(dict(sorted(fields.items())))
    return f"{ECHO}{','.join(sorted(fields))}:{hashlib.sha256(canonical).hexdigest()}"
