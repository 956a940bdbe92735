"""Descriptions that would fail at the first citizen are refused when they are loaded; nothing outside is opened."""

import socket
from pathlib import Path

import pytest

from aggregator.sdk.wsdl import load
from aggregator.sdk.wsdl_check import WsdlRefused, check

GOOD = Path(__file__).with_name("office.wsdl").read_text()
IMPORT = '<s:import namespace="urn:x" schemaLocation="{}"/>'


@pytest.fixture
def written(tmp_path):
    def write(text: str, name: str = "office.wsdl") -> Path:
        folder = tmp_path / "package"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        return folder / name

    return write


def importing(location: str) -> str:
    return GOOD.replace("<s:simpleType", IMPORT.format(location) + "<s:simpleType", 1)


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:9/x.xsd",
        "https://agency.example/x.xsd",
        "file:///etc/hostname",
        "FILE:/etc/hostname",
        "classpath:x.xsd",
        "//host/x.xsd",
        "/etc/hostname",
        "~/x.xsd",
    ],
)
def test_zp12_a_location_outside_the_package_is_refused_by_line_and_never_opened(written, monkeypatch, location):
    monkeypatch.setattr(socket, "socket", lambda *_a, **_k: pytest.fail("a socket was opened"))
    path = written(importing(location))
    with pytest.raises(WsdlRefused, match="outside the package") as caught:
        load(path)
    assert (caught.value.file, caught.value.line) == ("office.wsdl", 5)


def test_a_file_above_the_package_is_refused_like_a_missing_one(written, tmp_path):
    (tmp_path / "secret.xsd").write_text(
        '<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x"/>'
    )
    with pytest.raises(WsdlRefused, match=r"missing file secret.xsd"):
        load(written(importing("../secret.xsd")))
    with pytest.raises(WsdlRefused, match=r"missing file gone.xsd"):
        check(written(importing("gone.xsd")))


def test_a_packaged_schema_is_followed(written):
    written('<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x"/>', "beside.xsd")
    assert len(load(written(importing("./beside.xsd"), "second.wsdl")).ports) == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<html><body>Help</body></html>", "HTML page"),
        ("<!DOCTYPE html><html><br></html>", "HTML page"),
        ("<definitions/>", "not a WSDL but <definitions>"),
        ("{}", "Start tag expected"),
        ("", "empty"),
        ('<!DOCTYPE a [<!ENTITY x "y">]>' + GOOD.partition("?>")[2], "DOCTYPE"),
        (
            GOOD.replace('binding="tns:Office11"', 'binding="tns:Gone"'),
            "port OfficeSoap names unknown binding tns:Gone",
        ),
        (GOOD.replace('type="tns:Office">', 'type="tns:Gone">', 1), "names unknown port type tns:Gone"),
        (GOOD.replace('message="tns:LodgeIn"', 'message="tns:Gone"'), "undefined message Gone"),
        (GOOD.replace('type="tns:Row"', 'type="nowhere:Row"'), "undeclared prefix 'nowhere'"),
        (GOOD.replace('type="tns:Row"', 'type="tns:Gone"'), "Gone"),
        (GOOD.partition("<wsdl:service")[0] + "</wsdl:definitions>", "no service with a usable port"),
    ],
)
def test_zp21_a_description_that_cannot_be_used_says_why(written, text, reason):
    with pytest.raises(WsdlRefused, match=reason):
        load(written(text))


def test_a_missing_description_is_refused(tmp_path):
    with pytest.raises(WsdlRefused, match="missing file"):
        load(tmp_path / "none.wsdl")
