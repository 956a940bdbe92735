"""An author's slip in adapter.toml, a form or the driver itself is found when the registry is read."""

from hashlib import sha256

import pytest

from aggregator.registry.problems import WARNING, errors_in

MANIFEST_MISTAKES = {
    "a slip in a key": ("summary =", "sumary =", 'unknown key "sumary" in driver. Did you mean "summary"?'),
    "an operation the driver lacks": (
        'operation = "submit"',
        'operation = "sumbit"',
        'unknown operation of the driver "sumbit". Did you mean "submit"?',
    ),
    "another name than the folder": (
        'name = "wheels"',
        'name = "tyres"',
        'name must be "wheels", as the folder is called',
    ),
    "another kind than the folder": ('kind = "rto"', 'kind = "rta"', 'kind must be "rto", as the folder is called'),
    "a version in words": ('"0.1.0"', '"one"', 'version must look like 0.1.0, got "one"'),
    "a kind of case nobody knows": ('"APPLICATION"', '"APLICATION"', "kind must be one of APPLICATION"),
    "a form that is not there": ("forms/transfer.json", "forms/other.json", "which is not there"),
    "a form from elsewhere": ("forms/transfer.json", "../../secret.json", "form must be a file beside adapter.toml"),
    "a default of another type": ("default = 20", 'default = "20"', "default must be of type integer"),
    "a pinned file that is not there": (
        "[settings.office]",
        f'[contracts]\n"Wheels.wsdl" = "{"0" * 64}"\n[settings.office]',
        '"Wheels.wsdl" is not beside adapter.toml',
    ),
    "no TOML": ("[driver]", "[driver", "not valid TOML"),
}


@pytest.mark.parametrize("mistake", MANIFEST_MISTAKES)
def test_a_slip_in_adapter_toml_has_its_place(toytown, mistake: str) -> None:
    old, new, message = MANIFEST_MISTAKES[mistake]
    toytown.edit(old, new, toytown.driver / "adapter.toml")
    found = [problem for problem in toytown.check() if message in problem.message]
    assert found, toytown.check()
    assert found[0].file == f"{toytown.root}/rto/wheels/adapter.toml"
    assert found[0].line > 1 or "TOML" in message


FORM_MISTAKES = {
    "a reference to the network": ('"type": "string"', '"$ref": "https://x.example/y"', "$ref must stay in this form"),
    "a reference to a file": ('"type": "string"', '"$ref": "file:///etc/passwd"', "$ref must stay in this form"),
    "a reference to nothing": ('"type": "string"', '"$ref": "#/definitions/x"', "$ref points to nothing"),
    "a later draft": (
        '{\n  "type": "object"',
        '{\n  "$schema": "https://json-schema.org/draft/2020-12/schema",\n  "type": "object"',
        "$schema must be left out or http://json-schema.org/draft-07/schema#",
    ),
    "a pattern that is none": ("^[A-Z0-9]+$", "^[A-Z0-9+$", "pattern is not a regular expression"),
    "a pattern engines disagree on": ("^[A-Z0-9]+$", r"^\\d+$", "pattern uses \\d"),
    "a pattern too long": ("^[A-Z0-9]+$", "a" * 201, "pattern must be at most 200 characters, got 201"),
    "a format nobody checks": ('"type": "string"', '"type": "string", "format": "day"', "format must be one of date"),
    "a title in no language": ('"title": {"en": "Plate", "or": "ନମ୍ବର", "hi": "नंबर"}, ', "", '"title" is missing in'),
    "a title that is one text": (
        '{"en": "Plate", "or": "ନମ୍ବର", "hi": "नंबर"}',
        '"Plate"',
        'title must be { en = "...", or = "...", hi = "..." }, got "Plate"',
    ),
    "choices without titles": ('"type": "string"', '"enum": ["a", "b"]', "enum has no titles"),
    "a choice without a title": ('"type": "string"', '"oneOf": [{"const": "a"}]', '"title" is missing'),
    "a keyword nobody knows": ('"pattern"', '"patern"', 'unknown form keyword "patern"'),
    "fields nobody reads": ('"additionalProperties": false', '"additionalProperties": true', "must say"),
    "a type nobody knows": ('"type": "string"', '"type": "text"', "is not a usable draft-07 form"),
    "no JSON": ('"required"', "required", "not valid JSON"),
}


@pytest.mark.parametrize("mistake", FORM_MISTAKES)
def test_a_mistake_in_a_form_has_its_place(toytown, mistake: str) -> None:
    old, new, message = FORM_MISTAKES[mistake]
    toytown.edit(old, new, toytown.driver / "forms" / "transfer.json")
    found = [problem for problem in toytown.check() if message in problem.message]
    assert found, toytown.check()
    assert found[0].file == f"{toytown.root}/rto/wheels/forms/transfer.json"


def test_a_form_whose_titles_lack_a_language_is_a_warning(toytown) -> None:
    toytown.edit(', "or": "ନମ୍ବର"', "", toytown.driver / "forms" / "transfer.json")
    (problem,) = toytown.check()
    assert problem.severity == WARNING
    assert problem.message == "title has no translation into or; English is shown instead"
    assert '"Plate"' in problem.excerpt


def test_a_pinned_contract_that_changed_is_refused(toytown) -> None:
    wsdl = toytown.driver / "Wheels.wsdl"
    wsdl.write_text("<definitions/>", encoding="utf-8")
    pinned = sha256(wsdl.read_bytes()).hexdigest()
    manifest = toytown.driver / "adapter.toml"
    toytown.edit("[settings.office]", f'[contracts]\n"Wheels.wsdl" = "{pinned}"\n[settings.office]', manifest)
    assert toytown.check() == []
    wsdl.write_text("<definitions />", encoding="utf-8")
    (problem,) = toytown.check()
    assert problem.message.startswith('"Wheels.wsdl" is not the pinned file: its sha256 is ')


def test_a_driver_that_cannot_be_imported_is_a_problem_of_its_agency(toytown) -> None:
    (toytown.driver / "__init__.py").write_text("import no_such_library\n", encoding="utf-8")
    (problem,) = errors_in(toytown.check())
    assert problem.file == "registry.toml"
    assert "fails on import: ModuleNotFoundError: No module named 'no_such_library'" in problem.message


def test_a_driver_package_without_a_driver_is_said_so(toytown) -> None:
    (toytown.driver / "__init__.py").write_text("", encoding="utf-8")
    assert any("has no class Driver" in problem.message for problem in toytown.check())


def test_a_driver_that_does_not_start_is_said_so_without_its_secret(toytown) -> None:
    source = toytown.driver / "__init__.py"
    toytown.edit(
        "self.wire, self.settings", "raise ValueError(settings.secret('api_key'))\n        self.wire, _", source
    )
    (problem,) = toytown.check()
    assert problem.message == "driver fails to start: ValueError: ••••"


def test_a_contract_a_driver_refuses_is_shown_in_the_contract(toytown) -> None:
    refusal = (
        "\nclass WsdlRefused(Exception):\n    file, line = 'adapters/x/X.wsdl', 7\n\n"
        "def refuse():\n    raise WsdlRefused('no port')\n"
    )
    source = toytown.driver / "__init__.py"
    source.write_text(source.read_text(encoding="utf-8") + refusal, encoding="utf-8")
    toytown.edit("self.wire, self.settings", "refuse()\n        self.wire, _", source)
    (problem,) = toytown.check()
    assert (problem.file, problem.line) == ("adapters/x/X.wsdl", 7)
    assert problem.message == "fails to start: WsdlRefused: no port"


def test_two_drivers_that_ask_different_things_cannot_serve_one_service(toytown) -> None:
    other = toytown.driver.parent / "tyres"
    (other / "forms").mkdir(parents=True)
    for file in ("__init__.py", "adapter.toml", "forms/transfer.json"):
        (other / file).write_bytes((toytown.driver / file).read_bytes())
    toytown.edit('"wheels"', '"tyres"', other / "adapter.toml")
    text = toytown.path.read_text(encoding="utf-8")
    block = text[text.index("[agencies.rto]") : text.index("[services")]
    block = block.replace("agencies.rto", "agencies.rto_puri").replace('"wheels"', '"tyres"')
    toytown.write(text.replace('["rto"]', '["rto", "rto_puri"]') + block)
    assert toytown.check() == []
    toytown.edit('"plate"', '"number"', other / "forms" / "transfer.json")
    assert any("one service has one kind, operation and form" in problem.message for problem in toytown.check())
