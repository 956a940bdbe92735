"""Who we are stands in a header of our own making, and no two sends carry the same one."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from police_office import FORM, PASSWORD, Police

from adapters.police.cctns.security import WSSE, WSU, UsernameToken
from aggregator.sdk.auth import password_digest
from aggregator.sdk.clock import ManualClock, SeededChance
from aggregator.sdk.errors import Misconfigured
from aggregator.sdk.model import Order
from aggregator.sdk.soap import SOAP_11, SOAP_12

NEW = Order("REF-1", "employee_verification", FORM)


class Counting:
    """Chance whose bytes are those of the published vector."""

    def random(self) -> float:
        return 0.0

    def bytes(self, count: int) -> bytes:
        return bytes(range(count))


def token(kind: Any, chance: Any = None) -> Any:
    clock = ManualClock(datetime(2026, 1, 15, 4, 30, tzinfo=UTC))
    return UsernameToken("sim-police", PASSWORD, kind=kind, clock=clock, chance=chance or Counting())


def test_the_published_vector_of_a_digest() -> None:
    (header,) = token("digest").blocks(SOAP_12)
    inner = header[0]
    assert inner.findtext(f"{{{WSSE}}}Nonce") == "AAECAwQFBgcICQoLDA0ODw=="
    assert inner.findtext(f"{{{WSU}}}Created") == "2026-01-15T04:30:00Z"
    assert inner.findtext(f"{{{WSSE}}}Password") == "mdHmW70Ii7IMwQTx12MsNouzQH4="
    assert inner.find(f"{{{WSSE}}}Password").get("Type").endswith("#PasswordDigest")


def test_a_plain_password_still_comes_with_nonce_and_time() -> None:
    (header,) = token("text").blocks(SOAP_12)
    assert header[0].findtext(f"{{{WSSE}}}Password") == PASSWORD
    assert header[0].find(f"{{{WSSE}}}Password").get("Type").endswith("#PasswordText")
    assert header[0].find(f"{{{WSSE}}}Nonce").get("EncodingType").endswith("#Base64Binary")
    assert [child.tag.rpartition("}")[2] for child in header[0]] == ["Username", "Password", "Nonce", "Created"]


@pytest.mark.parametrize("space", [SOAP_11, SOAP_12])
def test_the_header_must_be_understood_in_the_envelopes_own_words(space: str) -> None:
    (header,) = token("text").blocks(space)
    assert header.get(f"{{{space}}}mustUnderstand") == "1"


def test_the_password_is_not_shown_by_accident() -> None:
    assert PASSWORD not in repr(token("text"))


@pytest.mark.parametrize("soap", ["1.1", "1.2"])
async def test_every_send_of_one_order_differs_in_its_header_and_in_nothing_else(soap: str) -> None:
    police = Police(soap)
    for _ in range(2):
        police.faults("wsse:FailedAuthentication")
        with pytest.raises(Misconfigured):
            await police.driver.submit(NEW)
        police.clock.advance(1)
    first, second = police.envelope(0), police.envelope(1)
    nonces = [one.findtext(f".//{{{WSSE}}}Nonce") or "" for one in (first, second)]
    times = [one.findtext(f".//{{{WSU}}}Created") for one in (first, second)]
    assert nonces[0] != nonces[1]
    assert [len(base64.b64decode(nonce)) for nonce in nonces] == [16, 16]
    assert times == ["2026-01-15T04:30:00Z", "2026-01-15T04:30:01Z"]
    assert police.asked(0) == police.asked(1)


async def test_the_digest_on_the_wire_is_over_the_nonce_beside_it() -> None:
    police = Police(kind="digest")
    police.shows("GetServiceList")
    await police.driver.list_services(NEW)
    sent = police.envelope()
    nonce = base64.b64decode(sent.findtext(f".//{{{WSSE}}}Nonce") or "")
    created = sent.findtext(f".//{{{WSU}}}Created") or ""
    assert sent.findtext(f".//{{{WSSE}}}Password") == password_digest(nonce, created, PASSWORD)
    assert PASSWORD.encode() not in police.wire.requests[-1].content


def test_a_seeded_chance_replays_and_an_unseeded_one_does_not() -> None:
    same = [token("text", SeededChance(7)).blocks(SOAP_12)[0][0].findtext(f"{{{WSSE}}}Nonce") for _ in range(2)]
    assert same[0] == same[1]
