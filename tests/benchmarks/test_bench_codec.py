"""P3: building and reading a SOAP message costs about what lxml alone costs, and a tenth of zeep."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
from bench_pairs import in_process_turns, on_the_servers_loop, ratio
from bench_report import Goal, Report, Row
from lxml import etree

from aggregator.sdk.soap import SOAP_12
from aggregator.sdk.wsdl import Port, load
from aggregator.sdk.xml import Element, parse, to_bytes

pytestmark = pytest.mark.bench
ROOT = Path(__file__).parents[2]
MESSAGES = 2000
OPERATION = "SubmitServiceRequest"
TNS = "http://tempuri.org/"
ANSWER = (
    f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{SOAP_12}"><soap:Body>'
    f'<{OPERATION}Response xmlns="{TNS}"><{OPERATION}Result><ResultCode>0</ResultCode><ResultMessage>Saved'
    "</ResultMessage><ServiceRequestNo>2611220000417</ServiceRequestNo><ClientRefNo>R-01JCZ5QK8V9X</ClientRefNo>"
    "<FeeAmount>100.00</FeeAmount><ReceivedOn>22/11/2026</ReceivedOn>"
    f"</{OPERATION}Result></{OPERATION}Response></soap:Body></soap:Envelope>"
).encode()


def police() -> Port:
    ports = load(ROOT / "adapters/police/cctns/CitizenService.wsdl").ports
    return next(port for port in ports if port.version == "1.2")


def raw_request(arguments: dict[str, str]) -> bytes:
    """The same request by lxml alone."""
    envelope = etree.Element(f"{{{SOAP_12}}}Envelope", nsmap={"e": SOAP_12})
    asked = etree.SubElement(
        etree.SubElement(envelope, f"{{{SOAP_12}}}Body"), f"{{{TNS}}}{OPERATION}", nsmap={None: TNS}
    )
    for name, value in arguments.items():
        etree.SubElement(asked, f"{{{TNS}}}{name}").text = value
    return bytes(etree.tostring(envelope, encoding="UTF-8", xml_declaration=True))


def raw_answer() -> dict[str, str | None]:
    """The same answer by lxml alone, with none of the guards."""
    result = etree.fromstring(ANSWER)[0][0][0]
    return {str(child.tag).rpartition("}")[2]: child.text for child in result}


def cost(work: Callable[[], object]) -> Callable[[int], object]:
    async def measured(times: int) -> float:
        began = time.process_time_ns()
        for _ in range(times):
            work()
        return (time.process_time_ns() - began) / times / 1000

    return measured


def test_p3_the_compiled_codec_beside_lxml_alone_and_beside_zeep(report: Report):
    port = police()
    zeep = dataclasses.replace(port, _templates={}, _readers={})
    arguments = dict.fromkeys(sorted(port._templates[OPERATION].names), "R-01JCZ5QK8V9X")
    answer = parse(ANSWER)[0][0]

    def built() -> bytes:
        document = port.document(OPERATION, SOAP_12, arguments, "")
        assert document is not None
        return document

    def read(element: Element) -> object:
        return port.value(OPERATION, element)[0]

    works = {
        "raw": lambda: (raw_request(arguments), raw_answer()),
        "ours": lambda: (built(), read(parse(ANSWER)[0][0])),
        "codec": lambda: (built(), read(answer)),
        "zeep": lambda: (to_bytes(zeep.message(OPERATION, arguments)), zeep.value(OPERATION, answer)),
    }
    took = on_the_servers_loop(in_process_turns({name: cost(work) for name, work in works.items()}, times=MESSAGES))
    us = {name: f"{median(figures):.1f} us" for name, figures in took.items()}
    left = "what is left is one Python object per element."
    gap = "the strict decoding, the counts that bound an answer and a parser of its own per document are the rest."
    report.add(Row("P3", "SOAP message built, answer parsed with every guard and read", "lxml alone, no guards",
                   ratio(took["ours"], took["raw"]), us["ours"], us["raw"],
                   Goal("<= 1.3x lxml", at_most=1.3), gap))  # fmt: skip
    report.add(Row("P3", "SOAP codec alone: built, and read from the parsed answer", "zeep, same message and answer",
                   ratio(took["zeep"], took["codec"]), us["codec"], us["zeep"],
                   Goal("zeep's cost >= 10x ours", at_least=10.0), left))  # fmt: skip
