"""How the simulated service writes: envelopes of two versions, results, DataSets with their schema inside, Faults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from adapters.police.cctns.simulator_door import ENVELOPES, NAMESPACE
from aggregator.sdk.testing.simulator import Answer

Row = Mapping[str, str | None]
"""A column that is None is null, and therefore missing."""
LABELS = {"1.1": "text/xml; charset=utf-8", "1.2": "application/soap+xml; charset=utf-8"}
_XS = "http://www.w3.org/2001/XMLSchema"
_MSDATA = "urn:schemas-microsoft-com:xml-msdata"
_DIFFGRAM = "urn:schemas-microsoft-com:xml-diffgram-v1"
SERVER_WORDS = (
    "Server was unable to process request. ---> System.Data.SqlClient.SqlException: Timeout expired. SELECT * FROM "
    "T_SRV_REQ WHERE MOBILE = @p0 at C:\\inetpub\\wwwroot\\CitizenService\\App_Code\\Dal.cs:line 212"
)
CRASH = (
    b"<html><head><title>Runtime Error</title></head><body><h1>Server Error in '/CitizenService' Application.</h1>"
    b"<pre>[SqlException: Timeout expired.]</pre></body></html>"
)
LOGIN = (
    b"<!DOCTYPE html><html><body><form method='post' action='./Login.aspx'>"
    b"<input type='hidden' name='__VIEWSTATE' value='/wEPDwUKMTY1NDU2MTA1Mg==' /></form></body></html>"
)


@dataclass(frozen=True, slots=True)
class Rows:
    """A DataSet. `second` is another result set beside it."""

    rows: Sequence[Row]
    second: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """Fields of a result, in order."""

    fields: Row


@dataclass(frozen=True, slots=True)
class Fault:
    """`code` is CS-12, wsse:InvalidSecurity ...; empty for trouble of the server."""

    code: str = ""


def envelope(version: str, inner: str) -> str:
    space = ENVELOPES[version]
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f'{head}<soap:Envelope xmlns:soap="{space}"><soap:Body>{inner}</soap:Body></soap:Envelope>'


def written(name: str, answer: Rows | Result, *, host: str = "", fault: str = "") -> str:
    """The response element of an operation."""
    if isinstance(answer, Result):
        told = "".join(f"<{key}>{escape(text)}</{key}>" for key, text in answer.fields.items() if text is not None)
    else:
        told = _schema(answer, host, fault) + _diffgram(answer, fault)
    return f'<{name}Response xmlns="{NAMESPACE}"><{name}Result>{told}</{name}Result></{name}Response>'


def _schema(answer: Rows, host: str, fault: str) -> str:
    names = dict.fromkeys(name for row in answer.rows for name in row)
    listed = [name for name in names if not (fault in {"207", "708"} and name == "NEW_COLUMN")]
    columns = "".join(f'<xs:element name="{name}" type="xs:string" minOccurs="0"/>' for name in listed)
    imports = ""
    if fault == "707":
        imports = (
            f'<xs:import namespace="urn:trap" schemaLocation="http://{host}/trap/remote.xsd"/>'
            '<xs:import namespace="urn:file" schemaLocation="file:///etc/hostname"/>'
        )
    return (
        f'<xs:schema id="NewDataSet" xmlns="" xmlns:xs="{_XS}" xmlns:msdata="{_MSDATA}">{imports}'
        '<xs:element name="NewDataSet" msdata:IsDataSet="true"><xs:complexType>'
        '<xs:choice minOccurs="0" maxOccurs="unbounded"><xs:element name="Table"><xs:complexType><xs:sequence>'
        f"{columns}</xs:sequence></xs:complexType></xs:element></xs:choice></xs:complexType></xs:element></xs:schema>"
    )


def _diffgram(answer: Rows, fault: str) -> str:
    tables = [_table("Table", place, row) for place, row in enumerate(answer.rows)]
    if fault == "710":
        tables.reverse()
    tables += [_table("Table1", place, row) for place, row in enumerate(answer.second)]
    content = f'<NewDataSet xmlns="">{"".join(tables)}</NewDataSet>' if tables else ""
    return f'<diffgr:diffgram xmlns:msdata="{_MSDATA}" xmlns:diffgr="{_DIFFGRAM}">{content}</diffgr:diffgram>'


def _table(name: str, place: int, row: Row) -> str:
    columns = "".join(f"<{key}>{escape(text)}</{key}>" for key, text in row.items() if text is not None)
    return f'<{name} diffgr:id="{name}{place + 1}" msdata:rowOrder="{place}">{columns}</{name}>'


def fault_answer(version: str, fault: Fault, *, status: int = 500, declared: bool = True) -> Answer:
    """A Fault. `declared`: whether the prefix of its code is."""
    made = _fault_12(fault, declared=declared) if version == "1.2" else _fault_11(fault, declared=declared)
    return Answer(envelope(version, made).encode(), LABELS[version], status)


def _fault_12(fault: Fault, *, declared: bool) -> str:
    if not fault.code:
        return _parts_12("soap:Receiver", "", SERVER_WORDS)
    qname = fault.code if ":" in fault.code else f"cs:{fault.code}"
    space = f' xmlns:{qname.partition(":")[0]}="{NAMESPACE}"' if declared else ""
    subcode = f"<soap:Subcode><soap:Value{space}>{qname}</soap:Value></soap:Subcode>"
    return _parts_12("soap:Sender", subcode, "The request was not accepted.")


def _parts_12(code: str, subcode: str, words: str) -> str:
    reason = f'<soap:Reason><soap:Text xml:lang="en">{escape(words)}</soap:Text></soap:Reason>'
    return f"<soap:Fault><soap:Code><soap:Value>{code}</soap:Value>{subcode}</soap:Code>{reason}</soap:Fault>"


def _fault_11(fault: Fault, *, declared: bool) -> str:
    if not fault.code:
        words = f"<faultstring>{escape(SERVER_WORDS)}</faultstring>"
        return f"<soap:Fault><faultcode>soap:Server</faultcode>{words}</soap:Fault>"
    words = "<faultstring>The request was not accepted.</faultstring>"
    if ":" in fault.code:
        space = f' xmlns:{fault.code.partition(":")[0]}="{NAMESPACE}"'
        return f"<soap:Fault><faultcode{space}>{fault.code}</faultcode>{words}</soap:Fault>"
    if not declared:
        return f"<soap:Fault><faultcode>cs:{fault.code}</faultcode>{words}</soap:Fault>"
    detail = f'<detail><code xmlns="{NAMESPACE}">{fault.code}</code></detail>'
    return f"<soap:Fault><faultcode>soap:Client</faultcode>{words}{detail}</soap:Fault>"
