"""Examples are made of the examples of the parts, so that they can never show what the shapes do not allow."""

from collections.abc import Mapping
from typing import Any

Schemas = Mapping[str, Any]


def exampled(schemas: Schemas) -> dict[str, Any]:
    """The components with an example at every object, list and mapping."""
    return {name: _with(schema, schemas) for name, schema in schemas.items()}


def example_of(schema: Mapping[str, Any], schemas: Schemas) -> Any:
    """One value that fits the schema."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "example" in schema:
        return schema["example"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    return _object(schema, schemas)


def _object(schema: Mapping[str, Any], schemas: Schemas) -> dict[str, Any]:
    if "properties" in schema:
        return {name: example_of(part, schemas) for name, part in schema["properties"].items()}
    inner = schema.get("additionalProperties")
    return {"name": example_of(inner, schemas)} if isinstance(inner, Mapping) and inner else {}


def _with(schema: Any, schemas: Schemas) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    made = dict(schema)
    if "properties" in made:
        made["properties"] = {name: _with(part, schemas) for name, part in made["properties"].items()}
    if "items" in made:
        made["items"] = _with(made["items"], schemas)
    if made.get("type") in {"object", "array"} and "example" not in made:
        made["example"] = example_of(made, schemas)
    return made
