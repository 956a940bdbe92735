"""What a citizen may know and decide about their own record, put together once."""

from dataclasses import dataclass

from aggregator.citizens.accesses import Accesses
from aggregator.citizens.assistance import Assistances
from aggregator.citizens.consents import Consents
from aggregator.citizens.erasure import Erasure


@dataclass(frozen=True, slots=True)
class PrivacyRoom:
    """Consents, the list of looks, being forgotten, and who acts for whom."""

    consents: Consents
    accesses: Accesses
    erasure: Erasure
    assistances: Assistances
