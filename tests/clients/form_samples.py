"""A good answer to any form of the city, made from the form alone. A pattern nobody has an example for fails loudly."""

from collections.abc import Mapping
from typing import Any

from aggregator.discovery.forms import violations

EXAMPLES = (
    "Test Citizen 0042", "9000000000", "751001", "OD02AB1234", "OD99ZZ0000", "SIMCHASSIS0000000", "12345", "0000",
    "1234", "2024", "900000000000", "900S00000", "SI9990000000000", "99-0000000000", "OD9920990000000",
    "OP99EMV0000000", "OD99A0000000000", "OD-PGR-2099-01-01-000000", "WS/SIM/000000", "PT/SIM/000000", "SIM-0000",
    "https://photos.example/1.jpg", "VIL16", "2099-01-15", "2026-27", "001", "Demo Colony, Plot 7", "A", "1",
    "SIMU00000ODI01", "0042/2024", "10:30", "21",
)  # fmt: skip
_FORMATS = {
    "date": "1990-01-01", "date-time": "2026-11-20T10:30:00+05:30", "time": "10:30:00+05:30",
    "email": "citizen@example.org", "uri": "https://photos.example/1.jpg",
}  # fmt: skip


def sample(form: Mapping[str, Any], *, whole: bool = False) -> dict[str, Any]:
    """A valid answer: the required fields, or with `whole` every field."""
    wanted = form["properties"] if whole else {name: form["properties"][name] for name in form.get("required", ())}
    made = {name: _value(form, name, schema) for name, schema in wanted.items()}
    if violations(form, made) and not whole:
        # One of several fields is wanted: the first alternative will do.
        for branch in form.get("anyOf", ()):
            for name in branch.get("required", ()):
                made.setdefault(name, _value(form, name, form["properties"][name]))
            if not violations(form, made):
                break
    assert violations(form, made) == [], (form["title"]["en"], violations(form, made))
    return made


def _value(form: Mapping[str, Any], name: str, schema: Mapping[str, Any]) -> Any:
    for candidate in _candidates(schema):
        if not any(error.pointer.startswith(f"/form/{name}") for error in violations(form, {name: candidate})):
            return candidate
    raise AssertionError(f"no example fits the field {name}: {schema.get('pattern')}")


def _candidates(schema: Mapping[str, Any]) -> list[Any]:
    if "oneOf" in schema:
        return [one["const"] for one in schema["oneOf"]]
    match schema.get("type"):
        case "boolean":
            return [True]
        case "integer" | "number":
            return [1, schema.get("minimum", 0), schema.get("maximum", 0), 20.25]
        case "array":
            return [[one] for one in _candidates(schema["items"])]
        case _:
            return [*schema.get("examples", ()), _FORMATS.get(str(schema.get("format")), ""), *EXAMPLES]
