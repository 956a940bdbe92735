"""Signatures made to measure: every part can be another one than it should be, and the arithmetic still holds."""

import base64
import hashlib
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

DSIG = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ENVELOPED = DSIG + "enveloped-signature"


def made_to_measure(document: str, key: rsa.RSAPrivateKey, **parts: Any) -> bytes:
    """The document signed, every part of the signature replaceable by one in `parts`; the arithmetic still holds."""
    digest_hash = parts.get("digest_hash", hashlib.sha256)
    canonical = etree.tostring(etree.fromstring(parts.get("about", document)), method="c14n")
    digest = base64.b64encode(digest_hash(canonical).digest()).decode()
    transforms = "".join(
        one if one.startswith("<") else f'<Transform Algorithm="{one}"/>'
        for one in parts.get("transforms", [ENVELOPED])
    )
    reference = (
        f"<Reference{parts.get('uri', ' URI=' + chr(34) * 2)}><Transforms>{transforms}</Transforms>"
        f'<DigestMethod Algorithm="{parts.get("digest_method", SHA256)}"/>'
        f"<DigestValue>{digest}</DigestValue></Reference>"
    )
    info = (
        f'<CanonicalizationMethod Algorithm="{parts.get("c14n", C14N)}"/>'
        f'<SignatureMethod Algorithm="{parts.get("method", RSA_SHA256)}"/>{reference * parts.get("references", 1)}'
    )
    alone = f'<SignedInfo xmlns="{DSIG}" xmlns:bbps="http://bbps.org/schema">{info}</SignedInfo>'
    to_sign = etree.tostring(etree.fromstring(alone), method="c14n")
    value = key.sign(to_sign, padding.PKCS1v15(), parts.get("hash", hashes.SHA256()))
    text = parts.get("value") or base64.b64encode(value).decode()
    signature = (
        f'<Signature xmlns="{DSIG}"><SignedInfo>{info}</SignedInfo><SignatureValue>{text}</SignatureValue>'
        f"{parts.get('more', '')}</Signature>"
    )
    body, mark, end = document.rpartition("</")
    return (body + signature + mark + end).encode()
