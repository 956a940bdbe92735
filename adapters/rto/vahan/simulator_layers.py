"""The layers of a message of the transport department, written a second time and on purpose not with the driver's code.

SOAP envelope outside, one string in it, Base64, AES-128-CBC, and inside either XML or bare text. What only one side
understands is found by speaking to the other.
"""

import base64
import re
from hashlib import sha256
from typing import Any
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from lxml import etree

from aggregator.sdk.testing.simulator import Answer

ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"
NAMESPACE = "http://server.web.vahan.nic/"
CONTENT_TYPE = "text/xml; charset=utf-8"
_SAFE: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


class Unreadable(Exception):
    """The request is no envelope, has a DOCTYPE, or does not decrypt."""


class Strings:
    """The encrypted strings: key and initial vector are the secret's first 16 bytes."""

    def __init__(self, secret: str) -> None:
        key = secret.encode()[:16].ljust(16, b"\0")
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(key))

    def seal(self, plain: bytes) -> bytes:
        padder, encryptor = padding.PKCS7(128).padder(), self._cipher.encryptor()
        return encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()

    def open(self, text: str) -> bytes:
        """Raises Unreadable."""
        decryptor, unpadder = self._cipher.decryptor(), padding.PKCS7(128).unpadder()
        try:
            padded = decryptor.update(base64.b64decode(text, validate=True)) + decryptor.finalize()
            return unpadder.update(padded) + unpadder.finalize()
        except ValueError as exc:
            raise Unreadable from exc


def request(body: bytes) -> tuple[str, str, str]:
    """Operation, arg0 and arg1 of a SOAP request. Raises Unreadable."""
    root = _tree(body)
    inner = root.find(f"{ENVELOPE}Body/*") if root.tag == f"{ENVELOPE}Envelope" else None
    if inner is None:
        raise Unreadable
    space, _, name = str(inner.tag).rpartition("}")
    if space != "{" + NAMESPACE:
        raise Unreadable
    return name, (inner.findtext("arg0") or "").strip(), (inner.findtext("arg1") or "").strip()


def fields(plain: bytes) -> tuple[dict[str, Any], str]:
    """The elements of a decrypted request as nested dictionaries, and a digest of its content. Raises Unreadable."""
    root = _tree(plain)
    return _nested(root), sha256(etree.tostring(root, method="c14n")).hexdigest()


def _tree(body: bytes) -> etree._Element:
    try:
        root = etree.fromstring(body, etree.XMLParser(**_SAFE))
    except (etree.LxmlError, ValueError) as exc:
        raise Unreadable from exc
    if root.getroottree().docinfo.doctype:
        raise Unreadable
    return root


def _nested(element: etree._Element) -> dict[str, Any]:
    return {str(child.tag): _nested(child) if len(child) else (child.text or "").strip() for child in element}


def written(name: str, content: Any) -> str:
    """An element from text, or from (name, content) pairs."""
    inner = escape(content) if isinstance(content, str) else "".join(written(*one) for one in content)
    return f"<{name}>{inner}</{name}>"


def envelope(operation: str, inner: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>'
        f'<ns2:{operation}Response xmlns:ns2="{NAMESPACE}">{inner}</ns2:{operation}Response></S:Body></S:Envelope>'
    )


def sealed_text(strings: Strings, plain: str, fault: str) -> str:
    """The string in `return`, spoilt as the faults 203, 209, 703 and 704 say."""
    if fault == "704":
        declared = re.sub(r"^<\?xml[^>]*\?>", "", plain)
        sealed = strings.seal(f'<?xml version="1.0" encoding="ISO-8859-1"?>{declared}'.encode("latin-1", "replace"))
    elif fault == "703":
        sealed = strings.seal(plain.encode("latin-1", "replace"))
    else:
        sealed = strings.seal(plain.encode())
    if fault == "203":
        return base64.b64encode(sealed[:-7]).decode()
    text = base64.b64encode(sealed).decode()
    if fault == "209":
        # Written as character references: a parser turns a bare CR LF into LF.
        return "&#13;\n".join(text[at : at + 76] for at in range(0, len(text), 76))
    return text


def fault_page(words: str) -> Answer:
    """As JAX-WS answers what it cannot dispatch."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>'
        f"<S:Fault><faultcode>S:Client</faultcode><faultstring>{words}</faultstring></S:Fault></S:Body></S:Envelope>"
    )
    return Answer(body.encode(), CONTENT_TYPE, 500)
