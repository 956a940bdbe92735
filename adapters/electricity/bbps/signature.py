"""Enveloped XML-DSig with pinned keys, and nothing of XML-DSig beyond the one form both sides use.

What is verified is what is read: `verified` gives back the document parsed anew from the very bytes that were
digested, so nothing that the signature does not cover can be looked at by mistake. KeyInfo is never used.
Source: the shared rules of the protocols, section 8.
"""

import base64
import binascii
import hashlib
import hmac
from copy import deepcopy
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from lxml import etree

from aggregator.sdk.xml import Element, element, local, parse, to_bytes

DSIG = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ENVELOPED = DSIG + "enveloped-signature"
_TRANSFORMS = ([ENVELOPED], [ENVELOPED, C14N])
_KEY_BITS_MIN = 2048


class NotSigned(Exception):
    """The document is not provably the other institution's. The message says which rule it broke, and no content."""


@lru_cache(maxsize=8)  # checking the primes takes a tenth of a second, and every reload makes its drivers anew
def private_key(pem: str) -> RSAPrivateKey:
    """Raises ValueError for anything but an RSA key of at least 2048 bits."""
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey) or key.key_size < _KEY_BITS_MIN:
        raise ValueError(f"not an RSA private key of at least {_KEY_BITS_MIN} bits")
    return key


def public_key(pem: str) -> RSAPublicKey:
    """From SPKI or a certificate (whose dates and issuer prove nothing here: it is pinned). Raises ValueError."""
    raw = pem.encode()
    key = x509.load_pem_x509_certificate(raw).public_key() if b"BEGIN CERT" in raw else load_pem_public_key(raw)
    if not isinstance(key, RSAPublicKey) or key.key_size < _KEY_BITS_MIN:
        raise ValueError(f"not an RSA public key of at least {_KEY_BITS_MIN} bits")
    return key


def canonical(part: Element) -> bytes:
    """Inclusive C14N 1.0 without comments, in the context of its document."""
    # Written out and parsed anew: of an inner element in place lxml makes `<DigestValue xmlns="">` (6.1; xmlsec agrees
    # with the standard), and a signature made and checked by the same mistake verifies nowhere else.
    alone = parse(bytes(etree.tostring(part, encoding="utf-8", with_tail=False)))
    return bytes(etree.tostring(alone, method="c14n", with_comments=False))


def digest(part: Element) -> str:
    """Base64(SHA-256) of the canonical form."""
    return base64.b64encode(hashlib.sha256(canonical(part)).digest()).decode()


def signed(document: Element, key: RSAPrivateKey) -> bytes:
    """The document on one line with its Signature as the root's last child. `document` itself stays as it was."""
    root = deepcopy(document)
    info = _signed_info(digest(root))
    signature = element(f"{{{DSIG}}}Signature", info, nsmap={None: DSIG})  # type: ignore[dict-item]  # lxml's default
    root.append(signature)
    # Canonical only after it hangs in the document: inclusive C14N shows the namespaces around it.
    value = key.sign(canonical(info), padding.PKCS1v15(), hashes.SHA256())
    signature.append(element(f"{{{DSIG}}}SignatureValue", text=base64.b64encode(value).decode()))
    return to_bytes(root, declaration=False)


def _signed_info(digest_value: str) -> Element:
    def named(name: str, *children: Element, **attributes: str) -> Element:
        made = element(f"{{{DSIG}}}{name}", *children)
        made.attrib.update(attributes)
        return made

    transforms = named("Transforms", named("Transform", Algorithm=ENVELOPED))
    value = element(f"{{{DSIG}}}DigestValue", text=digest_value)
    reference = named("Reference", transforms, named("DigestMethod", Algorithm=SHA256), value, URI="")
    methods = (named("CanonicalizationMethod", Algorithm=C14N), named("SignatureMethod", Algorithm=RSA_SHA256))
    return element(f"{{{DSIG}}}SignedInfo", *methods, reference, nsmap={None: DSIG})  # type: ignore[dict-item]


def verified(document: Element, key: RSAPublicKey) -> Element:
    """The root of what was signed, without its Signature. Raises NotSigned."""
    signature = _only_signature(document)
    info, value = _parts(signature)
    claimed = _claimed_digest(info)
    content = _without(document)
    if not hmac.compare_digest(_plain(claimed), hashlib.sha256(content).digest()):
        raise NotSigned("the digest is another document's")
    try:
        key.verify(_plain(value), canonical(info), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as exc:
        raise NotSigned("the signature is not by the pinned key") from exc
    return parse(content)


def _only_signature(document: Element) -> Element:
    """By local name in any namespace: a second one in whatever dress is an attempt at wrapping."""
    found = [one for one in document.iter() if isinstance(one.tag, str) and local(one) == "Signature"]
    if not found:
        raise NotSigned("there is no signature")
    if len(found) > 1:
        raise NotSigned("there is more than one signature")
    if found[0].getparent() is not document or document[-1] is not found[0]:
        raise NotSigned("the signature is not the root's last child")
    if found[0].tag != f"{{{DSIG}}}Signature" or (found[0].tail or "").strip():
        raise NotSigned("the signature is in another namespace or followed by text")
    return found[0]


def _parts(signature: Element) -> tuple[Element, str]:
    names = [_dsig(child) for child in signature]
    if names not in (["SignedInfo", "SignatureValue"], ["SignedInfo", "SignatureValue", "KeyInfo"]):
        raise NotSigned("the signature has other parts than it may have")
    return signature[0], signature[1].text or ""


def _claimed_digest(info: Element) -> str:
    if [_dsig(child) for child in info] != ["CanonicalizationMethod", "SignatureMethod", "Reference"]:
        raise NotSigned("the signed part is not one reference")
    method, algorithm, reference = info
    if (_algorithm(method), _algorithm(algorithm)) != (C14N, RSA_SHA256):
        raise NotSigned("the signature uses another algorithm")
    # An absent URI lets the application choose what is meant; only "" is this document.
    if reference.get("URI") != "":
        raise NotSigned("the reference is to something else than the whole document")
    if [_dsig(child) for child in reference] != ["Transforms", "DigestMethod", "DigestValue"]:
        raise NotSigned("the reference has other parts than it may have")
    transforms, digest_method, digest_value = reference
    if any(_dsig(one) != "Transform" for one in transforms):
        raise NotSigned("the reference has other parts than it may have")
    if [_algorithm(one) for one in transforms] not in _TRANSFORMS or _algorithm(digest_method) != SHA256:
        raise NotSigned("the reference uses another algorithm or transform")
    return digest_value.text or ""


def _dsig(part: Element) -> str:
    """The local name of a part of XML-DSig; its whole name for anything else, which then fits nowhere."""
    return str(part.tag).removeprefix(f"{{{DSIG}}}")


def _algorithm(part: Element) -> str:
    """Empty for a method with parameters of its own (an XPath, an InclusiveNamespaces list)."""
    return "" if len(part) else part.get("Algorithm", "")


def _without(document: Element) -> bytes:
    """The canonical document without its Signature, what stood around it kept."""
    copy = deepcopy(document)
    signature = copy[-1]
    tail, before = signature.tail or "", copy[-2] if len(copy) > 1 else None
    copy.remove(signature)
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail:
        copy.text = (copy.text or "") + tail
    return canonical(copy)


def _plain(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise NotSigned("a value of the signature is not Base64") from exc
