"""Personal data lies in the tables only sealed, and a sealed value opens only where it was put.

AES-256-GCM with the table, row and column as associated data: a value moved to another citizen's row, another
column or another table is as broken as one whose bits were flipped. The master key never touches data: HKDF
derives a sealing key and an index key from it, so the blind index reveals nothing of the other. The first byte
of a sealed text names the key's version, so that a new key can be put in front of an old one.

Seal fewer than 2^32 values under one key: nonces are random (docs/libraries.md CR-3).
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from aggregator.sdk.clock import Chance, SystemChance

KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16


class Tampered(Exception):
    """The sealed text is not what this vault put at this place. Says where, never what."""


class KeyRefused(Exception):
    """The master key cannot be used; the message says which setting to look at."""


class Vault:
    """Seals and opens values; makes keyed indexes of normalised ones.

    `older` holds the keys of earlier versions, for opening only: a rotation puts the new key in front, seals
    and indexes every row again, then drops the old one.
    """

    def __init__(
        self, key: bytes, *, version: int = 1, older: Mapping[int, bytes] | None = None, chance: Chance | None = None
    ) -> None:
        keys = {**(older or {}), version: key}
        if not all(0 < number < 256 for number in keys):
            raise KeyRefused("a key's version is a number from 1 to 255")
        self._version = version
        self._sealing = {number: AESGCM(_derived(master, "seal")) for number, master in keys.items()}
        self._indexing = _derived(key, "index")
        self._chance = chance or SystemChance()

    def seal(self, plain: bytes, *, table: str, row: str, column: str) -> str:
        """Text for a column: URL-safe Base64 of version, nonce and ciphertext with tag."""
        nonce = self._chance.bytes(_NONCE_BYTES)
        place = _place(self._version, table, row, column)
        body = self._sealing[self._version].encrypt(nonce, plain, place)
        return base64.urlsafe_b64encode(bytes([self._version]) + nonce + body).decode("ascii")

    def open(self, sealed: str, *, table: str, row: str, column: str) -> bytes:
        """What was sealed at exactly this place. Raises Tampered."""
        whole = _decoded(sealed)
        cipher = self._sealing.get(whole[0]) if len(whole) > _NONCE_BYTES + _TAG_BYTES else None
        if cipher is None:
            raise Tampered(f"{table}.{column}: not sealed by a key of this vault")
        nonce, body = whole[1 : 1 + _NONCE_BYTES], whole[1 + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, body, _place(whole[0], table, row, column))
        except InvalidTag:
            raise Tampered(f"{table}.{column}: does not open in its row") from None

    def is_current(self, sealed: str) -> bool:
        """False for a text an older key sealed: a rotation still has to seal it again."""
        return _decoded(sealed)[:1] == bytes([self._version])

    def index(self, value: str, purpose: str) -> str:
        """64 hex digits to look `value` up by; equal only for equal value and purpose.

        The caller normalises first (one telephone number, many spellings): the index sees bytes.
        """
        return hmac.new(self._indexing, framed(purpose, value), hashlib.sha256).hexdigest()


def load_or_create_key(path: Path, *, chance: Chance | None = None) -> bytes:
    """The 32 bytes kept in `path` as one line of Base64; a missing file is made, mode 600, and flushed to disk.

    Raises KeyRefused for a file others may read, or one that does not hold exactly one key.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _create(path, base64.b64encode((chance or SystemChance()).bytes(KEY_BYTES)) + b"\n")
    return read_key(path)


def read_key(path: Path) -> bytes:
    """The key in `path`, which must exist. Raises KeyRefused."""
    try:
        # One descriptor for look and read: the file cannot be exchanged in between.
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(4 * KEY_BYTES)
    except OSError as exc:
        raise KeyRefused(f"{path}: cannot be read ({exc.strerror})") from None
    if mode & 0o077:
        raise KeyRefused(f"{path}: others may read it (mode {mode & 0o777:o}). Use: chmod 600 {path}")
    return _key(text.strip(), str(path))


def key_from(reference: Mapping[str, str], env: Mapping[str, str]) -> bytes:
    """The key that `{env = "NAME"}` (Base64) or `{file = "path"}` refers to. Raises KeyRefused."""
    match dict(reference):
        case {"env": name, **rest} if not rest:
            if not env.get(name):
                raise KeyRefused(f"environment variable {name} is not set")
            return _key(env[name].strip().encode(), f"environment variable {name}")
        case {"file": file, **rest} if not rest:
            return read_key(Path(file))
        case _:
            raise KeyRefused('the vault\'s key is { env = "NAME" } or { file = "path" }')


def _create(path: Path, content: bytes) -> None:
    """Whole or not at all, and never over another: the first of two booting processes wins."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _key(text: bytes, where: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise KeyRefused(f"{where}: is not Base64") from None
    if len(key) != KEY_BYTES:
        raise KeyRefused(f"{where}: holds {len(key)} bytes, a key has {KEY_BYTES}")
    return key


def _derived(master: bytes, use: str) -> bytes:
    if len(master) != KEY_BYTES:
        raise KeyRefused(f"a master key has {KEY_BYTES} bytes, got {len(master)}")
    info = f"citizen service aggregator vault {use} 1".encode()
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(master)


def _place(version: int, table: str, row: str, column: str) -> bytes:
    return bytes([version]) + framed(table, row, column)


def framed(*parts: str) -> bytes:
    """Each part behind its length: ("ab", "c") and ("a", "bc") must not meet."""
    raw = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in raw)


def _decoded(sealed: str) -> bytes:
    """The bytes, or none when this is not the one spelling `seal` writes: lenient decoders accept several."""
    text = sealed.encode("ascii", "replace")
    try:
        whole = base64.urlsafe_b64decode(text)
    except binascii.Error:
        return b""
    return whole if base64.urlsafe_b64encode(whole) == text else b""
