"""The shelf of citizens' documents, and who looks them through.

A sandbox without a scanner knows the test file of all scanners and nothing else. Beside a live agency no scanner means
that every document waits, and each says so.
"""

from collections.abc import Callable
from contextlib import suppress

from aggregator.citizens.documents.scan import Clamd, NoScanner, SandboxScanner, Scanner
from aggregator.citizens.documents.shelf import DocumentShelf
from aggregator.citizens.envelopes import Envelopes
from aggregator.discovery.drafts import Drafts
from aggregator.registry.agency import Registry
from aggregator.sdk.clock import Chance, Clock
from aggregator.settings import Settings
from aggregator.store import Store, StoreUnavailable

LOOK_S = 2.0
TIDY_S = 600.0


def shelf_of(  # noqa: PLR0913, PLR0917 - what the shelf stands on
    settings: Settings, store: Store, vault: Envelopes, registry: Callable[[], Registry], clock: Clock, chance: Chance
) -> DocumentShelf:
    """The city's shelf. Raises ValueError for a scanner's address that is none."""
    return DocumentShelf(
        store, vault, clock, chance, WhoeverIsThere(settings.scanner, registry), lambda: registry().document_bytes
    )


class WhoeverIsThere:
    """The operator's scanner; without one the sandbox's, which counts only while not one agency is live."""

    def __init__(self, address: str, registry: Callable[[], Registry]) -> None:
        self._clamd = Clamd(address) if address else None
        self._registry = registry

    async def harmful(self, content: bytes) -> bool:
        return await self._now().harmful(content)

    def _now(self) -> Scanner:
        if self._clamd is not None:
            return self._clamd
        live = any(agency.livemode for agency in self._registry().agencies.values())
        return NoScanner() if live else SandboxScanner()


async def look_through(shelf: DocumentShelf, drafts: Drafts, clock: Clock) -> None:
    """Looks through what waits, and lets go what has had its time, for as long as the city runs."""
    tidied_at = clock.monotonic()
    while True:
        with suppress(StoreUnavailable):
            await shelf.check_waiting()
            if clock.monotonic() - tidied_at > TIDY_S:
                tidied_at = clock.monotonic()
                await shelf.tidy()
                await drafts.tidy()
        await clock.sleep(LOOK_S)
