"""Personal data lies in the tables only sealed, and a sealed value opens only where it was put.

AES-256-GCM with the table, row and column as associated data: a value moved to another citizen's row, another
column or another table is as broken as one whose bits were flipped. The master key never touches data: HKDF
derives a sealing key and an index key from it, so the blind index reveals nothing of the other. The first byte
of a sealed text names the key's version: a new key is added behind the old ones, and a vault that meets a version it
does not know reads its keys again, so that no server is restarted for it.

Seal fewer than 2^32 values under one key: nonces are random (docs/libraries.md CR-3).
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from aggregator.sdk.clock import Chance, SystemChance

KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_FILE_MOST = 16_384
_MOST = 255
Keys = tuple[bytes, ...]
"""Master keys, oldest first. The last one seals; the first also makes indexes and pairwise names, which must stay."""


class Tampered(Exception):
    """The sealed text is not what this vault put at this place. Says where, never what."""


class KeyRefused(Exception):
    """The master key cannot be used; the message says which setting to look at."""


class Vault:
    """Seals and opens values; makes keyed indexes of normalised ones.

    `older` holds the keys of earlier versions, for opening only; `root` makes the indexes, unset: `key` does.
    """

    def __init__(  # noqa: PLR0913 - a key, and what else is known of keys
        self,
        key: bytes,
        *,
        version: int = 1,
        older: Mapping[int, bytes] | None = None,
        root: bytes = b"",
        chance: Chance | None = None,
        again: Callable[[], Keys] = lambda: (),
    ) -> None:
        keys = {**(older or {}), version: key}
        if not all(0 < number < 256 for number in keys):
            raise KeyRefused("a key's version is a number from 1 to 255")
        self._version = version
        self._sealing = {number: AESGCM(_derived(master, "seal")) for number, master in keys.items()}
        self._indexing = _derived(root or key, "index")
        self._chance = chance or SystemChance()
        self._again = again

    @classmethod
    def of(cls, keys: Keys, *, again: Callable[[], Keys] = lambda: (), chance: Chance | None = None) -> "Vault":
        """The vault of these keys. `again` reads them once more where a text is sealed by one not known here."""
        older = dict(enumerate(keys[:-1], 1))
        return cls(keys[-1], version=len(keys), older=older, root=keys[0], chance=chance, again=again)

    def seal(self, plain: bytes, *, table: str, row: str, column: str) -> str:
        """Text for a column: URL-safe Base64 of version, nonce and ciphertext with tag."""
        nonce = self._chance.bytes(_NONCE_BYTES)
        place = _place(self._version, table, row, column)
        body = self._sealing[self._version].encrypt(nonce, plain, place)
        return base64.urlsafe_b64encode(bytes([self._version]) + nonce + body).decode("ascii")

    def open(self, sealed: str, *, table: str, row: str, column: str) -> bytes:
        """What was sealed at exactly this place. Raises Tampered."""
        whole = decoded(sealed)
        cipher = self._cipher(whole[0]) if len(whole) > _NONCE_BYTES + _TAG_BYTES else None
        if cipher is None:
            raise Tampered(f"{table}.{column}: not sealed by a key of this vault")
        nonce, body = whole[1 : 1 + _NONCE_BYTES], whole[1 + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, body, _place(whole[0], table, row, column))
        except InvalidTag:
            raise Tampered(f"{table}.{column}: does not open in its row") from None

    def _cipher(self, version: int) -> AESGCM | None:
        if version not in self._sealing:
            with contextlib.suppress(KeyRefused):
                keys = self._again()
                for number, master in enumerate(keys, 1):
                    self._sealing.setdefault(number, AESGCM(_derived(master, "seal")))
                self._version = max(self._version, len(keys))
        return self._sealing.get(version)

    def is_current(self, sealed: str) -> bool:
        """False for a text an older key sealed: a rotation still has to seal it again."""
        return version_of(sealed) == self._version

    def index(self, value: str, purpose: str) -> str:
        """64 hex digits to look `value` up by; equal only for equal value and purpose.

        The caller normalises first (one telephone number, many spellings): the index sees bytes.
        """
        return hmac.new(self._indexing, framed(purpose, value), hashlib.sha256).hexdigest()


def version_of(sealed: str) -> int:
    """Which key sealed it; 0 for what no vault sealed."""
    return (decoded(sealed) or b"\0")[0]


def load_or_create_keys(path: Path, *, chance: Chance | None = None) -> Keys:
    """The keys in `path`, a line of Base64 each; a missing file is made with one, mode 600, and flushed to disk.

    Raises KeyRefused for a file others may read, or one that holds something else.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _create(path, base64.b64encode((chance or SystemChance()).bytes(KEY_BYTES)) + b"\n")
    return read_keys(path)


def add_key(path: Path, *, chance: Chance | None = None) -> int:
    """Puts a new key behind those in `path`, whole or not at all; its version. Raises KeyRefused."""
    keys = read_keys(path)
    if len(keys) == _MOST:
        raise KeyRefused(f"{path}: holds {_MOST} keys, a vault takes {_MOST}")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    fresh = (chance or SystemChance()).bytes(KEY_BYTES)
    _written(draft, b"".join(base64.b64encode(key) + b"\n" for key in (*keys, fresh)))
    draft.replace(path)
    _flushed(path.parent)
    return len(keys) + 1


def read_keys(path: Path) -> Keys:
    """The keys in `path`, which must exist. Raises KeyRefused."""
    try:
        # One descriptor for look and read: the file cannot be exchanged in between.
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_FILE_MOST)
    except OSError as exc:
        raise KeyRefused(f"{path}: cannot be read ({exc.strerror})") from None
    if mode & 0o077:
        raise KeyRefused(f"{path}: others may read it (mode {mode & 0o777:o}). Use: chmod 600 {path}")
    return _keys(text, str(path))


def keys_from(reference: Mapping[str, str], env: Mapping[str, str]) -> Keys:
    """The keys that `{env = "NAME"}` (Base64, spaces between) or `{file = "path"}` refers to. Raises KeyRefused."""
    match dict(reference):
        case {"env": name, **rest} if not rest:
            if not env.get(name):
                raise KeyRefused(f"environment variable {name} is not set")
            return _keys(env[name].encode(), f"environment variable {name}")
        case {"file": file, **rest} if not rest:
            return read_keys(Path(file))
        case _:
            raise KeyRefused('the vault\'s key is { env = "NAME" } or { file = "path" }')


def _create(path: Path, content: bytes) -> None:
    """Whole or not at all, and never over another: the first of two booting processes wins."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _written(draft, content)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    _flushed(path.parent)


def _written(draft: Path, content: bytes) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flushed(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keys(text: bytes, where: str) -> Keys:
    """Raises KeyRefused."""
    keys = tuple(_key(line, where) for line in text.split()) or (_key(b"", where),)
    if len(keys) > _MOST:
        raise KeyRefused(f"{where}: holds {len(keys)} keys, a vault takes {_MOST}")
    return keys


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


def decoded(sealed: str) -> bytes:
    """The bytes of a sealed text; none unless it is in our one spelling: lenient decoders accept several."""
    text = sealed.encode("ascii", "replace")
    try:
        whole = base64.urlsafe_b64decode(text)
    except binascii.Error:
        return b""
    return whole if base64.urlsafe_b64encode(whole) == text else b""
