"""P2 and P4: one live question to an agency, from the portal's socket to the agency's and back."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from bench_pairs import Side, Turns, in_turns
from bench_process import HERE, ROOT, Peer, peer, python_peer
from bench_questions import file_enquiries, gives_a_value, gives_the_file, proxied_enquiries, vehicle_enquiries
from bench_report import Goal, Report, Row

pytestmark = pytest.mark.bench
SECRET = "sim-vahan-secret-01"
WSDL = str(ROOT / "adapters/rto/vahan/VahanInfo.wsdl")
NO_NODE = "Node.js or npm is missing here, or its packages could not be installed: no comparison with a Node stack."
NO_NGINX = "nginx is not installed here: no comparison with a bare proxy."


def address(stub: Peer) -> str:
    return f"http://127.0.0.1:{stub.port}"


def test_p2_a_rest_enquiry_beside_a_proxy_and_the_usual_stacks(
    city: Peer, stub: Peer, nginx: Peer | None, node: Path | None, report: Report
):
    with ExitStack() as stack:
        usual = stack.enter_context(python_peer("usual", "usual_rest.py", address(stub)))
        sides = [Side(one, file_enquiries(one), gives_a_value) for one in (city, usual)]
        if nginx is not None:
            sides.append(Side(nginx, proxied_enquiries(), gives_the_file))
        if node is not None:
            fastify = stack.enter_context(peer("node", ["node", str(HERE / "node/rest.js"), str(node), address(stub)]))
            sides.append(Side(fastify, file_enquiries(fastify), gives_a_value))
        turns = in_turns(sides)
    _rest_rows(turns, report, nginx=nginx is not None, node=node is not None)


def _rest_rows(turns: Turns, report: Report, *, nginx: bool, node: bool) -> None:
    what = "REST enquiry, guarded and normalised (passport.file_status)"
    if nginx:
        report.add(
            Row(
                "P2", what, "nginx proxy_pass of the same answer",
                turns.cpu_ratio("city", "nginx"), turns.cpu("city"), turns.cpu("nginx"),
                Goal("<= 3.5x nginx", at_most=3.5),
                "aiohttp on both sides alone costs more than that; a leaner client behind the same Wire and a leaner "
                "path in the API are needed, and neither is built.",
            )
        )  # fmt: skip
    else:
        report.skip("P2", NO_NGINX)
    if node:
        report.add(
            Row(
                "P2", what, "Node: fastify, undici, opossum",
                turns.cpu_ratio("node", "city"), turns.cpu("city"), turns.cpu("node"),
                Goal("at least level: Node's cost >= 1x ours", at_least=1.0),
                "Node's compiled HTTP stack is cheaper than aiohttp on both sides, and ours does token, limits, form "
                "check, cache and labels on top.",
            )
        )  # fmt: skip
    else:
        report.skip("P2", NO_NODE)
    report.add(
        Row(
            "P2", what, "Python as usually written: aiohttp, tenacity, pybreaker",
            turns.cpu_ratio("usual", "city"), turns.cpu("city"), turns.cpu("usual"),
            Goal("faster: their cost >= 1x ours", at_least=1.0),
            "token, limits, form check, cache and labels are on our bill alone; so are a task and three timers more "
            "per call, and the collection of the garbage they leave.",
        )
    )  # fmt: skip


def test_p4_a_soap_enquiry_beside_zeep_and_node_soap(city: Peer, stub: Peer, node: Path | None, report: Report):
    with ExitStack() as stack:
        zeep = stack.enter_context(python_peer("zeep", "usual_soap.py", address(stub), WSDL, SECRET))
        sides = [Side(one, vehicle_enquiries(one), gives_a_value) for one in (city, zeep)]
        if node is not None:
            command = ["node", str(HERE / "node/soap.js"), str(node), address(stub), WSDL, SECRET]
            soap = stack.enter_context(peer("node", command))
            sides.append(Side(soap, vehicle_enquiries(soap), gives_a_value))
        turns = in_turns(sides)
    what = "SOAP enquiry, guarded and normalised (rto.vehicle_record)"
    spread = (
        "building and parsing the message is about a fifth of our cost and reading the sealed record another; the rest "
        "is HTTP on both sides, the guard and the API, so a compiled codec (P3) alone will not be enough."
    )
    report.add(
        Row(
            "P4", what, "zeep over httpx behind aiohttp, as usually written",
            turns.cpu_ratio("zeep", "city"), turns.cpu("city"), turns.cpu("zeep"),
            Goal("zeep's cost >= 25x ours", at_least=25.0), spread,
        )
    )  # fmt: skip
    if node is None:
        report.skip("P4", NO_NODE)
        return
    report.add(
        Row(
            "P4", what, "Node: fastify, soap, opossum",
            turns.cpu_ratio("node", "city"), turns.cpu("city"), turns.cpu("node"),
            Goal("Node's cost >= 4x ours", at_least=4.0), spread,
        )
    )  # fmt: skip
