"""Keys of both institutions and of a stranger, and a central unit that signs whatever a test wants it to say."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from lxml import etree
from made_to_measure import made_to_measure

from adapters.electricity.bbps import Driver
from adapters.electricity.bbps.simulator_keys import sign, signed_by
from aggregator.sdk.adapter import Settings
from aggregator.sdk.callback import Callback
from aggregator.sdk.model import Order
from aggregator.sdk.testing.callbacks import Letterbox
from aggregator.sdk.testing.conformance import Answering
from aggregator.sdk.wire import Reply, Sent, effect_trail

NOW = datetime(2026, 1, 15, 4, 30, tzinfo=UTC)
OPTIONS = {
    "institution": "SIMU",
    "agent_id": "SI01SIMU000000000001",
    "biller_id": "SIMU00000ODI01",
    "ip": "192.0.2.1",
    "mac": "00-00-5E-00-53-01",
}


def pem_of(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def ours() -> rsa.RSAPrivateKey:
    return _key()


@pytest.fixture(scope="session")
def central() -> rsa.RSAPrivateKey:
    return _key()


@pytest.fixture(scope="session")
def stranger() -> rsa.RSAPrivateKey:
    return _key()


@pytest.fixture
def letterbox() -> Letterbox:
    return Letterbox()


@pytest.fixture
def driver_at(ours, central, letterbox) -> Callable[..., Driver]:
    """The driver at a wire, or one that gets this reply to everything."""

    def make(wire: Any = None, **options: Any) -> Driver:
        secrets = {"signing_key": pem_of(ours), "central_key": public_pem(central)}
        settings = Settings("http://cu.example", {**OPTIONS, **options}, secrets)
        return Driver(wire or Answering(Reply(200, {}, b"")), settings, mailbox=letterbox)

    return make


@pytest.fixture
def order() -> Order:
    form = {"account": "900000000000", "mobile": "+919000000000", "amount_paise": 66400, "bank_ref": "BANK1"}
    return Order("REF-1", "bill_payment", form, at=NOW)


@pytest.fixture
def pushed(central) -> Callable[..., Callback]:
    """A callback: `name` and children as text, signed by the central unit unless another key is given."""

    def make(name: str, content: str, *, ref_id: str = "R" * 35, key: Any = None, **more: Any) -> Callback:
        ts = more.pop("ts", "2026-01-15T10:00:00+05:30")
        head = f'<Head ver="1.0" ts="{ts}" origInst="SIMC" refId="{ref_id}"/>'
        document = f'<bbps:{name} xmlns:bbps="http://bbps.org/schema">{head}{content}</bbps:{name}>'
        body = document if more.pop("unsigned", False) else sign(document, key or central)
        path = more.pop("path", f"bbps/{name}/1.0/urn:referenceId:{ref_id}")
        return Callback(path, {"content-type": "application/xml; charset=utf-8"}, body.encode(), NOW)

    return make


@pytest.fixture
def sealed() -> Callable[..., bytes]:
    """A signature made to measure."""
    return made_to_measure


class Unit:
    """A central unit without sockets: acknowledges whatever is verified to be ours and answers by callback at once.

    `answers` is the callback's document with {refId}, {msgId} and {ts} to fill; None for silence. `requests` keeps
    what was sent, parsed.
    """

    def __init__(self, ours: rsa.RSAPrivateKey, central: rsa.RSAPrivateKey, letterbox: Letterbox) -> None:
        self._ours, self._central, self._letterbox = ours, central, letterbox
        self.driver: Any = None
        self.answers: str | None = None
        self.requests: list[Any] = []
        self.paths: list[str] = []
        self.bodies: list[bytes] = []
        self.when = "before"
        """Whether the callback overtakes the Ack: before or after."""

    async def send(self, method: str, url: str, **more: Any) -> Reply:
        body = more["body"]
        assert signed_by(body, self._ours.public_key()), (method, url)
        root = etree.fromstring(body)
        self.requests.append(root)
        self.paths.append(url)
        self.bodies.append(body)
        txn = root.find("Txn")
        words = {
            "refId": root.find("Head").get("refId"),
            "msgId": "" if txn is None else txn.get("msgId"),
            "ts": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        if self.when == "before":
            self._call_back(words)
        else:
            asyncio.get_running_loop().call_soon(self._call_back, words)
        msg = f' msgId="{words["msgId"]}"' if words["msgId"] else ""
        told = f'api="X" refId="{words["refId"]}"{msg} RspCd="Successful" ts="x"'
        ack = f'<bbps:Ack xmlns:bbps="http://bbps.org/schema" {told}/>'
        with effect_trail(effect=more["effect"]) as trail:
            await trail.journal(method, url, more["headers"], body)
            trail.sent = Sent.MAYBE
            trail.answered = True
        return Reply(200, {"content-type": "application/xml"}, ack.encode())

    def _call_back(self, words: dict[str, str]) -> None:
        if self.answers is None:
            return
        text = self.answers.strip()
        for name, word in words.items():
            text = text.replace("{" + name + "}", word)
        callback = Callback(
            "", {"content-type": "application/xml"}, sign(text, self._central).encode(), datetime.now(UTC)
        )
        self._letterbox.take(self.driver.notified, callback)


@pytest.fixture
def unit(ours, central, letterbox, driver_at) -> Unit:
    made = Unit(ours, central, letterbox)
    made.driver = driver_at(made)
    return made
