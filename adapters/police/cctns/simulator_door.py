"""The door of the simulated service: SOAP of two versions, an action that must agree, and a token that must be new.

Written a second time and on purpose not with the driver's code. Nonces and the five minutes of a token's life go by
the machine's real time, whatever the simulator's own clock was told.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lxml import etree

from aggregator.sdk.clock import Clock, SystemClock
from aggregator.sdk.testing.simulator import Arrived

USER, PASSWORD = "sim-police", "sim-police-password"
NAMESPACE = "http://tempuri.org/"
ENVELOPES = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}
NONCE_LIFE_S, WINDOW_S = 600.0, 300.0

_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_WSSE, _WSU = f"{{{_WSS}wssecurity-secext-1.0.xsd}}", f"{{{_WSS}wssecurity-utility-1.0.xsd}}"
_SAFE: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
_ACTION = re.compile(r'action="?([^";]*)"?')


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it was understood. `host` is how the caller calls this machine."""

    version: str
    name: str
    fields: dict[str, str]
    host: str
    header: etree._Element | None


class Unreadable(Exception):
    """No envelope, or one that contradicts its own action. `version` is what the answer must speak."""

    def __init__(self, version: str, words: str) -> None:
        super().__init__(words)
        self.version = version


def understood(arrived: Arrived) -> Asked:
    """The request behind the bytes. Raises Unreadable."""
    label = arrived.headers.get("content-type", "")
    version = "1.2" if label.startswith("application/soap+xml") else "1.1"
    space = f"{{{ENVELOPES[version]}}}"
    root = tree(arrived.body)
    inner = root.find(f"{space}Body/*") if root is not None and root.tag == f"{space}Envelope" else None
    if root is None or inner is None:
        raise Unreadable(version, "Server did not recognize the message.")
    found = _ACTION.search(label)
    action = (found[1] if found else "") if version == "1.2" else arrived.headers.get("soapaction", "").strip('"')
    if inner.tag != f"{{{NAMESPACE}}}{action.removeprefix(NAMESPACE)}":
        raise Unreadable(version, "Server did not recognize the value of HTTP Header SOAPAction.")
    fields = {str(child.tag).rpartition("}")[2]: (child.text or "") for child in inner}
    name = action.removeprefix(NAMESPACE)
    return Asked(version, name, fields, arrived.headers.get("host", ""), root.find(f"{space}Header"))


def tree(body: bytes) -> etree._Element | None:
    """The root of a document without a DOCTYPE, else None."""
    try:
        root = etree.fromstring(body, etree.XMLParser(**_SAFE))
    except (etree.LxmlError, ValueError):
        return None
    return None if root.getroottree().docinfo.doctype else root


class Guard:
    """Looks at UsernameTokens. Remembers nonces for ten minutes in memory: a restart forgets, as a server's does."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._seen: dict[str, datetime] = {}

    def objection(self, header: etree._Element | None) -> str:
        """The code of the Fault this header earns; empty for a good one."""
        token = None if header is None else header.find(f"{_WSSE}Security/{_WSSE}UsernameToken")
        if token is None:
            return "wsse:InvalidSecurity"
        nonce, created = token.findtext(f"{_WSSE}Nonce") or "", token.findtext(f"{_WSU}Created") or ""
        at, raw = _moment(created), _raw(nonce)
        if at is None or not raw:
            return "wsse:InvalidSecurity"
        now = self._clock.now()
        if abs((now - at).total_seconds()) > WINDOW_S:
            return "wsu:MessageExpired"
        if token.findtext(f"{_WSSE}Username") != USER or not _knows(token, raw, created):
            return "wsse:FailedAuthentication"
        return "" if self._is_new(nonce, now) else "wsse:InvalidSecurityToken"

    def _is_new(self, nonce: str, now: datetime) -> bool:
        # In the order of their coming, so the oldest stand first.
        while self._seen and next(iter(self._seen.values())) <= now:
            del self._seen[next(iter(self._seen))]
        if nonce in self._seen:
            return False
        self._seen[nonce] = now + timedelta(seconds=NONCE_LIFE_S)
        return True


def _knows(token: etree._Element, nonce: bytes, created: str) -> bool:
    password = token.find(f"{_WSSE}Password")
    if password is None:
        return False
    if not (password.get("Type") or "").endswith("#PasswordDigest"):
        return bool(password.text == PASSWORD)
    digest = hashlib.sha1(nonce + created.encode() + PASSWORD.encode()).digest()  # noqa: S324 - the profile's
    return bool(password.text == base64.b64encode(digest).decode())


def _raw(nonce: str) -> bytes:
    try:
        return base64.b64decode(nonce, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None
