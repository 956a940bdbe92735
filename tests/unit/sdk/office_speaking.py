"""A SOAP office that answers as told, beside zeep's own client as the naive control."""

import traceback
from pathlib import Path

import pytest
import zeep
import zeep.exceptions

from aggregator.sdk.errors import (
    AgencyError,
)
from aggregator.sdk.soap import SOAP_11, SoapClient

WSDL = Path(__file__).with_name("office.wsdl")
URL = "http://office.example/soap"
XML = "text/xml; charset=utf-8"


def envelope(inner: str, *, ns: str = SOAP_11) -> bytes:
    return f'<S:Envelope xmlns:S="{ns}"><S:Body>{inner}</S:Body></S:Envelope>'.encode()


LODGED = '<LodgeResponse xmlns="urn:office"><LodgeResult>N-1</LodgeResult></LodgeResponse>'
FAULT_11 = "<S:Fault><faultcode>S:{}</faultcode><faultstring>{}</faultstring><detail/></S:Fault>"
FAULT_12 = (
    "<S:Fault><S:Code><S:Value>S:Sender</S:Value><S:Subcode><S:Value>{}</S:Value></S:Subcode></S:Code>"
    '<S:Reason><S:Text xml:lang="en">no</S:Text></S:Reason></S:Fault>'
)


def office(wire, **options):
    return SoapClient(wire, WSDL, url=URL, **{"version": "1.1", **options})


class Canned:
    """A reply as zeep's own transport would hand it over: for the naive controls."""

    encoding = "utf-8"

    def __init__(self, status: int, content: bytes, kind: str = XML) -> None:
        self.status_code, self.content, self.headers = status, content, {"Content-Type": kind}


class NaiveTransport(zeep.Transport):
    """What zeep would open is written down instead."""

    def __init__(self) -> None:
        self.cache, self._close_session, self.opened = None, False, []

    def load(self, url):
        self.opened.append(url)
        if str(url) == str(WSDL):
            return WSDL.read_bytes()
        return b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x"/>'


async def said(wire, operation="Lodge", *, effect=True, options=None, **arguments):
    with pytest.raises(AgencyError) as caught:
        await office(wire, **(options or {})).call(operation, effect=effect, **(arguments or {"service": "s"}))
    return caught.value


def told(error: BaseException) -> str:
    """Everything a traceback in a log would say."""
    return "".join(traceback.format_exception(error, limit=0))


PAGE = b"<html><body>Service down for maintenance</body></html>"


def rows(inner: str) -> bytes:
    return envelope(f'<RowsResponse xmlns="urn:office"><Row>{inner}</Row></RowsResponse>')
