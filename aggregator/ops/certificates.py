"""When the certificates we depend on end: told at 30, 14, 7 and 1 days, while there is time to renew.

An agency's is the one it showed at its last new connection, or one pinned in its settings, whichever ends first; the
agency "" is ourselves. Nobody is called to find out: what no call has shown yet has no figure.
"""

import logging
import ssl
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

from cryptography import x509

from aggregator.resilience.pipeline import Meter
from aggregator.sdk.clock import Clock

log = logging.getLogger(__name__)
DAYS_LEFT = (30, 14, 7, 1)
LOOK_S = 3600.0
OURS = ""
_DAY_S = 86_400.0
_BEGINS = b"-----BEGIN CERTIFICATE-----"


class Certificates:
    """`seen` is the wires' to call, `look` the housekeeper's, once an hour."""

    def __init__(self, meter: Meter, clock: Clock) -> None:
        self._meter = meter
        self._clock = clock
        self._shown: dict[str, datetime] = {}
        self._told: dict[str, tuple[datetime, int]] = {}
        self._refused: dict[str, set[str]] = {}

    def seen(self, agency: str, until: datetime) -> None:
        """What its end of a new connection showed."""
        self._shown[agency] = until
        if self._refused.pop(agency, None):
            self._meter.gauge("key_refused", agency, 0)

    def refused(self, agency: str, pin: str) -> None:
        """Its end of a connection showed a key that is not pinned: told once for a key, nothing was sent."""
        self._meter.gauge("key_refused", agency, 1)
        if pin not in self._refused.setdefault(agency, set()):
            self._refused[agency].add(pin)
            log.error("key.refused", extra={"agency": agency, "pin": pin})

    def look(self, pinned: Mapping[str, Iterable[str]], own: str = "") -> None:
        """Sets the gauges and warns. `pinned`: PEM texts by agency; `own`: the file of our own certificate."""
        ends: dict[str, list[datetime]] = {agency: [until] for agency, until in self._shown.items()}
        for agency, texts in pinned.items():
            ends.setdefault(agency, []).extend(end for text in texts for end in _ends(text.encode()))
        if own:
            ends[OURS] = _ends(_content(own))
        for agency, found in ends.items():
            if found:
                self._tell(agency, min(found))

    def _tell(self, agency: str, until: datetime) -> None:
        days = (until - self._clock.now()).total_seconds() / _DAY_S
        self._meter.gauge("certificate_days", agency, days)
        step = sum(days <= left for left in DAYS_LEFT) + (days <= 0)
        before, told = self._told.get(agency, (until, 0))
        if before != until:
            told = 0  # renewed
        self._told[agency] = until, max(step, told)
        if step > told:
            log.warning("certificate.ends", extra={"agency": agency or "ourselves", "days": ceil(days)})


def until_of(certificate: Mapping[str, object]) -> datetime | None:
    """`notAfter` of a peer's certificate as `ssl` shows it; None where nothing was verified."""
    told = certificate.get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(told), UTC) if isinstance(told, str) else None


def _content(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError:
        return b""  # the server that uses it says so


def _ends(pem: bytes) -> list[datetime]:
    """When the certificates in a PEM text end; none for a key, or for what cannot be read."""
    if _BEGINS not in pem:
        return []
    try:
        return [one.not_valid_after_utc for one in x509.load_pem_x509_certificates(pem)]
    except ValueError:
        return []
