"""The contract is generated from the route table and the shapes; nobody writes it, so it cannot be wrong about them.

OpenAPI 3.1, one document per kind of reader (docs/api.md sections 1 and 12). What the linters ask for beyond the
shapes (headers on every answer, bounded strings, a default problem) is added here for all routes alike.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from aggregator.api.openapi_examples import example_of, exampled
from aggregator.api.openapi_words import (
    ANSWER_HEADERS,
    DOCUMENTED,
    HEADER_PARAMETERS,
    HEADERS,
    INFO,
    LICENCE,
    SCHEMES,
    TAGS,
)
from aggregator.api.route import PARAMETERS, Route
from aggregator.api.shapes import NoQuery, Trouble

REF = "#/components/schemas/{name}"
PRODUCTION = "https://city.example"
_STATUS = {
    200: "Done.", 201: "Accepted, and the agency has answered.", 202: "Accepted; the agency has not answered yet.",
    204: "Done; there is nothing to say.", 304: "Nothing has changed.",
    400: "The request cannot be understood or breaks a rule.",
    401: "Nobody we know.", 403: "Not allowed with these rights.", 404: "Not there, or not yours.",
    409: "Not possible as things stand.",
    412: "It has changed since you read it.", 415: "The body is not JSON.", 429: "Too many requests.",
    428: "Say which version you change.", 500: "Our mistake.", 503: "Not now.",
}  # fmt: skip


_LINKS = {
    operation: {
        "operationId": operation,
        "description": about,
        "parameters": {"case_id": "$response.body#/id"},
    }
    for operation, about in (
        ("getCase", "The case as it is."),
        ("listCaseEvents", "Its timeline."),
        ("listCaseLegs", "Its parts."),
        ("getCaseReceipt", "Its signed receipt."),
        ("actOnCase", "What can be done with it."),
    )
}


def contract(document: str, table: Iterable[Route], origin: str = PRODUCTION) -> dict[str, Any]:
    """One contract document. `origin` is the server's address without /v1."""
    routes = [route for route in table if route.document == document]
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    production = origin == PRODUCTION
    server = {"url": f"{origin}/v1", "description": "Production" if production else "This server", "x-internal": False}
    schemas = _schemas(routes)
    responses = {"Trouble": _trouble("Anything else that goes wrong.")}
    _show_media([paths, responses], schemas)
    used = msgspec.json.encode(paths).decode()
    return {
        "openapi": "3.1.0",
        "info": {**INFO[document], "version": "1.0.0", **LICENCE},
        "servers": [server],
        "tags": [TAGS[name] for name in sorted({_tag(route) for route in routes})],
        "security": [{"OAuth2": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas,
            "headers": {name: header for name, header in HEADERS.items() if f'/headers/{name}"' in used},
            "responses": responses,
            "securitySchemes": {"OAuth2": _oauth(origin, routes)},
        },
    }


def _show_media(part: Any, schemas: Mapping[str, Any]) -> None:
    """An example beside every body."""
    if isinstance(part, list):
        for one in part:
            _show_media(one, schemas)
    elif isinstance(part, dict):
        for media in part.get("content", {}).values():
            media["example"] = example_of(media["schema"], schemas)
        for name, one in part.items():
            if name != "content":
                _show_media(one, schemas)


def _tag(route: Route) -> str:
    return route.path.split("/")[1]


def _operation(route: Route) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "description": route.about,
        "tags": [_tag(route)],
        "security": [{"OAuth2": [route.scope]}],
        "parameters": [_shown(row) for row in _parameters(route)],
        "responses": _responses(route),
    }
    if route.body is not None:
        schema = {"$ref": REF.format(name=route.body.__name__)}
        made["requestBody"] = {
            "required": True,
            "description": (route.body.__doc__ or "").strip(),
            "content": {_body_type(route): {"schema": schema}},
        }
    return made


def _body_type(route: Route) -> str:
    if route.uploads:
        return "multipart/form-data"
    return "application/merge-patch+json" if route.method == "PATCH" else "application/json"


def _parameters(route: Route) -> list[dict[str, Any]]:
    return [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """The example in the schema as well: some tools look here, some there."""
    return {**row, "schema": {**row["schema"], "example": row["example"]}} if "example" in row else row


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PARAMETERS[name].about,
            "example": PARAMETERS[name].example,
            "schema": {"type": "string", "pattern": PARAMETERS[name].pattern, "maxLength": PARAMETERS[name].most},
        }
        for name in route.parameters
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is NoQuery:
        return []
    _, parts = msgspec.json.schema_components([route.query], ref_template=REF)
    shape = parts[route.query.__name__]
    made = []
    for name, schema in shape["properties"].items():
        plain = {
            key: value for key, value in schema.items() if key not in {"description", "examples", "example", "default"}
        }
        row = {
            "name": name,
            "in": "query",
            "required": name in shape.get("required", ()),
            "description": schema.get("description", name),
            "schema": _tidy(plain),
        }
        if schema.get("examples"):
            row["example"] = _plain(schema["examples"][0])
        made.append(row)
    return made


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    names = ["Accept-Language"]
    names += ["Idempotency-Key"] if route.keyed else []
    names += ["Prefer"] if route.waits else []
    names += ["If-None-Match"] if route.conditional else []
    names += ["If-Match"] if route.matched else []
    return [{**HEADER_PARAMETERS[name], "name": name, "in": "header"} for name in names]


def _responses(route: Route) -> dict[str, Any]:
    made: dict[str, Any] = {str(status): _success(route, status) for status in route.success}
    if route.conditional:
        made["304"] = {"description": _STATUS[304], "headers": _headers(["ETag", *ANSWER_HEADERS])}
    for status in _refusals(route):
        made[str(status)] = _trouble(_STATUS[status], retry=status in {429, 503})
    made["default"] = {"$ref": "#/components/responses/Trouble"}
    return dict(sorted(made.items()))


def _refusals(route: Route) -> list[int]:
    listed = [400, 401, 403, 429, 500, 503]
    listed += [404] if route.parameters else []
    listed += [415] if route.body is not None else []
    listed += [412, 428] if route.matched else []
    listed += [409] if route.keyed or route.conflicts or route.operation_id in {"askAgencies", "checkLink"} else []
    return sorted(listed)


def _success(route: Route, status: int) -> dict[str, Any]:
    names = list(ANSWER_HEADERS)
    names += ["ETag"] if route.conditional or route.keyed or route.matched else []
    names += ["Location"] if status in {201, 202} else []
    names += ["Retry-After"] if status == 202 else []
    names += ["Idempotency-Replayed"] if route.keyed else []
    names += ["Preference-Applied"] if route.waits else []
    names += ["Link"] if "cursor" in _query_names(route) else []
    schema: dict[str, Any] = {"$ref": REF.format(name=route.result.__name__)}
    if route.a_list:
        schema = {
            "type": "array", "maxItems": 1000, "description": "A batch of events.", "items": schema, "example": [],
        }  # fmt: skip
    made = {
        "description": _STATUS[status],
        "headers": _headers(names),
        **({} if status == 204 else {"content": {route.media_type: {"schema": schema}}}),
    }
    return {**made, "links": _LINKS} if route.operation_id == "openCase" else made


def _query_names(route: Route) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(route.query)}


def _trouble(about: str, *, retry: bool = False) -> dict[str, Any]:
    names = [*ANSWER_HEADERS, *(["Retry-After"] if retry else [])]
    return {
        "description": about,
        "headers": _headers(names),
        "content": {"application/problem+json": {"schema": {"$ref": REF.format(name="Trouble")}}},
    }


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _oauth(origin: str, routes: Iterable[Route]) -> dict[str, Any]:
    token = f"{origin}/oauth/token"
    scopes = {route.scope: DOCUMENTED[route.scope] for route in routes}
    flow = {"tokenUrl": token, "refreshUrl": token, "scopes": dict(sorted(scopes.items()))}
    return {**SCHEMES["OAuth2"], "flows": {"clientCredentials": flow}}


def _schemas(routes: Iterable[Route]) -> dict[str, Any]:
    types: list[Any] = [Trouble]
    for route in routes:
        types += [
            *([] if route.success == (204,) else [route.result]),
            *([route.body] if route.body is not None else []),
        ]
    _, parts = msgspec.json.schema_components(types, ref_template=REF)
    return exampled({name: _tidy(schema) for name, schema in sorted(parts.items())})


def _tidy(schema: Any) -> Any:
    """Python leftovers out: tuples, defaults of empty containers; one `example`, which every tool understands."""
    if isinstance(schema, Mapping):
        kept = {
            key: _tidy(value) for key, value in schema.items() if not (key == "default" and value in ((), [], {}, ""))
        }
        if isinstance(kept.get("examples"), list):
            kept["example"] = kept.pop("examples")[0]
        return kept
    if isinstance(schema, list | tuple):
        return [_tidy(value) for value in schema]
    return _plain(schema)


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)
