"""S9. Nobody but the operator's registry says where we connect to: not an agency's answer, a contract, a token, a form.

Every attempt of this process to connect is seen by the interpreter's own audit of sockets, wherever it goes; a listener
stands at the forbidden door besides. The control follows what it is told, as clients do unless they are stopped.
"""

import asyncio
import itertools
import sys
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from yarl import URL

from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.rest import segment
from aggregator.sdk.wire_aiohttp import AiohttpWire
from aggregator.sdk.wsdl_check import XSD, WsdlRefused, check
from aggregator.sdk.xml import parse

WSDL = (Path(__file__).parents[1] / "unit" / "sdk" / "office.wsdl").read_text()
HOSTS = (
    "127.0.0.1:{port}", "localhost:{port}", "127.1:{port}", "0:{port}", "0.0.0.0:{port}", "2130706433:{port}",
    "0x7f000001:{port}", "0177.0.0.1:{port}", "[::1]:{port}", "[::ffff:127.0.0.1]:{port}", "[::ffff:7f00:1]:{port}",
    "agency.example@127.0.0.1:{port}", "127.0.0.1:{port}#@agency.example", "①②⑦.⓪.⓪.①:{port}",
    "127。0。0。1:{port}", "169.254.169.254", "[fd00:ec2::254]", "10.0.0.1", "192.168.0.1", "metadata.internal",
)  # fmt: skip
OTHERS = (
    "file:///etc/passwd", "ftp://127.0.0.1:{port}/x", "gopher://127.0.0.1:{port}/x", "unix:///run/docker.sock",
    "jar:http://127.0.0.1:{port}/x!/y", "//127.0.0.1:{port}/x", "\\\\127.0.0.1:{port}\\x", "/\\127.0.0.1:{port}/x",
    "http:127.0.0.1:{port}/x", "data:text/plain,x",
)  # fmt: skip
ENTITIES = (
    '<!DOCTYPE a [<!ENTITY e SYSTEM "{url}">]><a>&e;</a>', '<!DOCTYPE a SYSTEM "{url}"><a/>',
    '<!DOCTYPE a PUBLIC "-//X//Y" "{url}"><a/>', '<!DOCTYPE a [<!ENTITY % e SYSTEM "{url}">%e;]><a/>',
    '<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{url}" parse="text"/></a>',
    '<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="{url}"/>',
    '<?xml-stylesheet type="text/xsl" href="{url}"?><a/>',
    '<a xmlns:x="http://www.w3.org/2004/08/xop/include"><x:Include href="{url}"/></a>',
)  # fmt: skip
CONNECTS: list[object] = []
WATCHED = [False]


def _seen(event, args):
    if event == "socket.connect" and WATCHED[0]:
        CONNECTS.append(args[1])


sys.addaudithook(_seen)


class Door:
    """A listener nobody may come to, and a note of every connection this process tries to make meanwhile."""

    async def __aenter__(self):
        self.knocks = 0
        self._server = await asyncio.start_server(self._knock, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        CONNECTS.clear()
        WATCHED[0] = True
        return self

    async def __aexit__(self, *_):
        WATCHED[0] = False
        self._server.close()

    async def _knock(self, _reader, writer):
        self.knocks += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    def places(self):
        """Every address the door can be written as, and some that are nobody's business."""
        hosts = [f"{scheme}://{host}/x" for scheme in ("http", "https") for host in HOSTS]
        return [place.format(port=self.port) for place in (*hosts, *OTHERS)]

    def to_others(self, *allowed):
        """Connections to anywhere but the allowed ports."""
        return [to for to in CONNECTS if not (isinstance(to, tuple) and to[1] in allowed)]


async def telling(locations):
    """An agency that answers each request with the next place to go to; its server and port."""

    async def answer(reader, writer):
        while (await reader.readline()).strip():
            pass
        status, location = next(locations)
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.figure("S9")
async def test_no_answer_of_an_agency_leads_us_anywhere(figure):
    async with Door() as door:
        moves = list(itertools.product((301, 302, 303, 307, 308), door.places()))
        server, port = await telling(iter(moves))
        wire = AiohttpWire(connect_timeout_s=5, total_timeout_s=20, read_timeout_s=20, max_connections=2)
        for status, _ in moves:
            reply = await wire.send("POST", f"http://127.0.0.1:{port}/x", headers={}, body=b"{}")
            assert reply.status == status
        await wire.close()
        server.close()
        assert (door.knocks, door.to_others(port)) == (0, [])
    figure.measured(f"{len(moves)} redirects: 0 connections")


@pytest.mark.figure("S9")
async def test_the_control_a_client_as_it_comes_goes_where_it_is_told(figure):
    async with Door() as door:
        moves = [(302, place) for place in door.places()]
        server, port = await telling(iter(moves))
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            for _, place in moves:
                if f"127.0.0.1:{door.port}/" in place or "localhost" in place:
                    try:
                        await (await session.get(f"http://127.0.0.1:{port}/x")).read()
                    except (aiohttp.ClientError, TimeoutError):
                        continue
        server.close()
        assert door.knocks > 3
    figure.control(f"redirects followed: {door.knocks} connections to the forbidden door")


@pytest.mark.figure("S9")
async def test_no_contract_or_document_is_fetched_from_elsewhere(tmp_path, figure):
    tried = 0
    async with Door() as door:
        for n, place in enumerate(door.places()):
            imports = (
                f'<wsdl:import namespace="urn:n" location="{place}"/>',
                (
                    f'<wsdl:types><xs:schema xmlns:xs="{XSD}"><xs:import namespace="urn:n" schemaLocation="{place}"/>'
                    "</xs:schema></wsdl:types>"
                ),
            )
            for m, line in enumerate(imports):
                file = tmp_path / f"{n}-{m}.wsdl"
                file.write_text(
                    '<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/">' + line + "</wsdl:definitions>"
                )
                with pytest.raises(WsdlRefused):
                    check(file)
                tried += 1
            for text in ENTITIES:
                document = text.format(url=place.replace("&", "&amp;"))
                if "<!DOCTYPE" in document:
                    with pytest.raises(ContractBroken):
                        parse(document.encode())
                else:
                    assert len(parse(document.encode())) <= 1, "nothing was put in its place"
                tried += 1
        assert (door.knocks, door.to_others()) == (0, [])
    figure.measured(f"{tried} contracts and documents that name a place: 0 fetched")


@pytest.mark.figure("S9")
async def test_no_token_form_or_address_of_a_portal_is_fetched_from(town, figure):
    mine = urlsplit(town.origin).port
    key = ECKey.generate_key("P-256", private=True)
    claims = {"htm": "POST", "htu": f"{town.origin}/oauth/token", "iat": 0, "jti": "x", "sub": "x"}
    tried = 0
    async with Door() as door:
        for place in door.places():
            header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
            header |= {"jku": place, "x5u": place} if "://" in place and place.startswith("http") else {}
            token = jwt.encode(header, claims, key, algorithms=["ES256"])
            headers = {"Authorization": f"DPoP {token}", "DPoP": token}
            assert (await town.raw("GET", "/v1/cases", headers=headers)).status == 401
            exchange = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": token}
            assert (await town.token("one", **exchange)).status == 400
            paper = {"name": "A", "mobile": "9000000000", "proof": place, "photo": place}
            asked = {"service_id": "office.licence", "form": paper}
            assert (await town.ask("POST", "/cases", json=asked, Idempotency_Key=f"k-{tried}")).status == 400
            sent = {"X-Forwarded-Host": place.partition("//")[2].encode("ascii", "ignore").decode(), "Prefer": "wait=0"}
            await town.ask("GET", "/services", **{name.replace("-", "_"): value for name, value in sent.items()})
            tried += 4
        assert (door.knocks, door.to_others(mine)) == (0, [])
    figure.measured(f"{tried} tokens, forms and headers that name one: 0 connections")


def test_what_an_agency_calls_its_record_never_becomes_another_host():
    names = [
        *HOSTS,
        *OTHERS,
        "@evil.example/",
        "../../evil",
        "//evil.example",
        "x\r\nHost: evil",
        "?x#y",
        ".",
        "..",
        "",
    ]
    for name in names:
        if name in {".", ".."}:
            with pytest.raises(ContractBroken):
                segment(name)
            continue
        there = urlsplit(str(URL(f"http://agency.example/v2/requests/{segment(name)}")))
        assert there.hostname == "agency.example"
        assert there.path.startswith("/v2/requests/"), name
        assert there.path.count("/") == 3, name
        assert not there.query
        assert not there.fragment
