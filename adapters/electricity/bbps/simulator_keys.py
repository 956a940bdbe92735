"""The other end of the signatures, written a second time and on purpose not with the driver's code: as text.

What a document says is its canonical form; the signed part is written out as that form looks, not serialised. The key
pairs of both institutions are made at the first start and stay in the data folder.
"""

import base64
import hashlib
import re
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from lxml import etree

_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_SIGNATURE = re.compile(rb"<(?:\w+:)?Signature[ >].*</(?:\w+:)?Signature>", re.DOTALL)
_DIGEST = re.compile(rb"DigestValue>\s*([^<]*?)\s*<")
_VALUE = re.compile(rb"SignatureValue>\s*([^<]*?)\s*<")
_INFO = (
    '<SignedInfo xmlns="{dsig}" xmlns:bbps="http://bbps.org/schema"><CanonicalizationMethod Algorithm="'
    'http://www.w3.org/TR/2001/REC-xml-c14n-20010315"></CanonicalizationMethod><SignatureMethod Algorithm="'
    'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></SignatureMethod><Reference URI=""><Transforms><Transform '
    'Algorithm="{dsig}enveloped-signature"></Transform></Transforms><DigestMethod Algorithm="'
    'http://www.w3.org/2001/04/xmlenc#sha256"></DigestMethod><DigestValue>{digest}</DigestValue></Reference></SignedInfo>'
)


def _canonical(text: bytes) -> bytes:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return bytes(etree.tostring(etree.fromstring(text, parser), method="c14n"))


def _info(digest: str) -> bytes:
    return _INFO.format(dsig=_DSIG, digest=digest).encode()


def sign(text: str, key: rsa.RSAPrivateKey) -> str:
    """`text`, a document without declaration, with its Signature before the root's end tag."""
    digest = base64.b64encode(hashlib.sha256(_canonical(text.encode())).digest()).decode()
    value = base64.b64encode(key.sign(_info(digest), padding.PKCS1v15(), hashes.SHA256())).decode()
    info = _info(digest).decode().replace(' xmlns:bbps="http://bbps.org/schema"', "")
    signature = f'<Signature xmlns="{_DSIG}">{info}<SignatureValue>{value}</SignatureValue></Signature>'
    body, mark, end = text.rpartition("</")
    return body + signature + mark + end


def signed_by(body: bytes, key: rsa.RSAPublicKey) -> bool:
    """Whether the document carries this key's signature over all of it."""
    digest, value = _DIGEST.search(body), _VALUE.search(body)
    if digest is None or value is None:
        return False
    try:
        content = _canonical(_SIGNATURE.sub(b"", body, count=1))
        sealed = base64.b64decode(value[1])
        key.verify(sealed, _info(digest[1].decode()), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError, etree.LxmlError):
        return False
    return base64.b64encode(hashlib.sha256(content).digest()) == digest[1]


class Keys:
    """Key pairs of the central unit, of the one operating unit it knows, and of nobody (for fault 904)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.central = self._pair("central")
        self.operating = self._pair("operating").public_key()
        self.nobody = self._pair("nobody")

    @property
    def secrets(self) -> dict[str, str]:
        """What the operating unit is given: files of its own private key and of our public one."""
        return {
            "signing_key": str(self._folder.resolve() / "operating.pem"),
            "central_key": str(self._folder.resolve() / "central.pub.pem"),
        }

    def _pair(self, name: str) -> rsa.RSAPrivateKey:
        path = self._folder / f"{name}.pem"
        if path.exists():
            # Checking its primes again costs a tenth of a second, and we wrote it.
            found = load_pem_private_key(path.read_bytes(), password=None, unsafe_skip_rsa_key_validation=True)
            assert isinstance(found, rsa.RSAPrivateKey)  # noqa: S101 - we wrote it
            return found
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        path.touch(mode=0o600)
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (self._folder / f"{name}.pub.pem").write_bytes(public)
        return key
