"""The room's doors: what the API and the command line may use of it, put together once."""

from collections.abc import Callable
from dataclasses import dataclass

from aggregator.citizens.agency_codes import AgencyCodes
from aggregator.citizens.allowances import Allowances
from aggregator.citizens.code_sessions import CodeSessions
from aggregator.citizens.codes import CodeRules
from aggregator.citizens.duplicates import Duplicates
from aggregator.citizens.federated import FederatedLogins
from aggregator.citizens.link_codes import LinkCodes
from aggregator.citizens.messages import Messages
from aggregator.citizens.pairwise import Pairwise
from aggregator.citizens.passwords import Passwords
from aggregator.citizens.register import Register
from aggregator.citizens.seals import Seals
from aggregator.citizens.sessions import Sessions
from aggregator.citizens.verified_links import VerifiedLinks
from aggregator.registry.agency import Registry
from aggregator.sdk.clock import Chance, Clock
from aggregator.store import Store


@dataclass(frozen=True, slots=True)
class CitizenRoom:
    """Citizens, their sessions, and what is sent to them."""

    register: Register
    code_sessions: CodeSessions
    sessions: Sessions
    passwords: Passwords
    messages: Messages
    duplicates: Duplicates
    links: VerifiedLinks
    link_codes: LinkCodes
    agency_codes: AgencyCodes
    federated: FederatedLogins
    allowances: Allowances

    @property
    def rules(self) -> CodeRules:
        """The numbers of one-time codes."""
        return self.code_sessions.rules


def furnished(  # noqa: PLR0913 - what the room stands on
    store: Store,
    seals: Seals,
    pairwise: Pairwise,
    registry: Callable[[], Registry],
    *,
    clock: Clock,
    chance: Chance,
    rules: CodeRules | None = None,
) -> CitizenRoom:
    """The room on an open store. `registry` gives the registry as it is now."""
    register = Register(store, seals, pairwise, clock, chance)
    duplicates = Duplicates(store, register, clock, chance)
    limits = rules or CodeRules()
    return CitizenRoom(
        register=register,
        code_sessions=CodeSessions(store, register, clock, chance, limits),
        sessions=Sessions(store, register, clock, chance),
        passwords=Passwords(chance),
        messages=Messages(registry, clock, chance),
        duplicates=duplicates,
        federated=FederatedLogins(store, register, clock),
        allowances=Allowances(store, seals, clock),
        links=VerifiedLinks(store, seals, duplicates, limits, clock, chance),
        link_codes=LinkCodes(store, seals, limits, clock, chance),
        agency_codes=AgencyCodes(registry, clock, chance),
    )
