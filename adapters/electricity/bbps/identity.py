"""Who we are at the central unit, and the numbers we mint.

A payment's numbers follow from its journaled order alone: after a crash or a lost answer the same order asks with the
same txnReferenceId, which is what makes it findable. Reads mint new ones every time. Source: the electricity protocol,
sections 2 and 4.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from adapters.electricity.bbps.signature import private_key, public_key
from aggregator.sdk.adapter import Settings
from aggregator.sdk.clock import IST, Chance, Clock
from aggregator.sdk.errors import Misconfigured
from aggregator.sdk.form import fits
from aggregator.sdk.model import Order

_SIGNS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_REFERENCE_RANDOM, _TXN_RANDOM = 27, 12


@dataclass(frozen=True, slots=True)
class Ids:
    """One message's numbers and its moment as it is written."""

    ref_id: str
    msg_id: str
    ts: str


def stamp(at: datetime) -> str:
    """`2026-01-15T10:00:00+05:30`."""
    return at.astimezone(IST).isoformat(timespec="seconds")


def fresh(clock: Clock, chance: Chance) -> Ids:
    """For a read: new every time."""
    at = clock.now()
    return Ids(_reference(chance.bytes(32), at), _reference(chance.bytes(32), at), stamp(at))


def journaled(order: Order) -> Ids:
    """For a write: the same order, the same bytes. Raises ValueError for an order that was never journaled."""
    at = _at(order)
    return Ids(_reference(_seed("refId", order), at), _reference(_seed("msgId", order), at), stamp(at))


def txn_reference(institution: str, order: Order) -> str:
    """The 20 characters a payment is found by: institution, YDDD of the journaled day, 12 of our reference's hash."""
    return institution + _day(_at(order)) + _signs(_seed("txnReferenceId", order), _TXN_RANDOM)


def _at(order: Order) -> datetime:
    if order.at is None:
        raise ValueError("a payment without the moment of its journal has no number")
    return order.at.astimezone(IST)


def _seed(what: str, order: Order) -> bytes:
    return hashlib.sha256(f"{what}\n{order.reference}".encode()).digest()


def _reference(seed: bytes, at: datetime) -> str:
    local = at.astimezone(IST)
    return _signs(seed, _REFERENCE_RANDOM) + _day(local) + f"{local:%H%M}"


def _day(local: datetime) -> str:
    return f"{local.year % 10}{local:%j}"


def _signs(seed: bytes, count: int) -> str:
    number, signs = int.from_bytes(seed, "big"), []
    for _ in range(count):
        number, digit = divmod(number, len(_SIGNS))
        signs.append(_SIGNS[digit])
    return "".join(signs)


class Identity:
    """The settings that name us, checked when the driver is made; keys given as files are read when first needed."""

    def __init__(self, settings: Settings) -> None:
        self.institution = _shaped(settings, "institution", 4)
        self.agent = _shaped(settings, "agent_id", 20)
        self.biller = _shaped(settings, "biller_id", 14)
        self.parameter = str(settings.option("account_parameter", "Consumer Number"))
        self.device = {"INITIATING_CHANNEL": "INT", "IP": settings.option("ip"), "MAC": settings.option("mac")}
        self._signing, self._central = settings.secret("signing_key"), settings.secret("central_key")
        if _is_pem(self._signing):
            _ = self.key
        if _is_pem(self._central):
            _ = self.central_key

    @cached_property
    def key(self) -> RSAPrivateKey:
        """Ours. Raises Misconfigured for a file that cannot be used, ValueError for text that cannot."""
        return private_key(_pem("signing_key", self._signing))

    @cached_property
    def central_key(self) -> RSAPublicKey:
        """The central unit's, pinned."""
        return public_key(_pem("central_key", self._central))


def _is_pem(value: str) -> bool:
    return value.lstrip().startswith("-----BEGIN ")


def _pem(name: str, value: str) -> str:
    """The value itself, or the file it names."""
    if _is_pem(value):
        return value
    try:
        return Path(value).read_text("ascii")
    except (OSError, ValueError) as exc:
        raise Misconfigured(f"the file of {name} cannot be read") from exc


def _shaped(settings: Settings, name: str, length: int) -> str:
    value = str(settings.option(name, ""))
    known = {20: "bbps_agent", 14: "bbps_biller"}.get(length)
    if not (len(value) == length and value.isalnum() and value.isupper()) or (known and not fits(known, value)):
        raise ValueError(f"{name} is not {length} capital letters and digits")
    return value
