"""Once a day the gateway's own settlement is fetched and the three books are compared; every quarter of an hour it is
looked whether that was done, so that an outage at midnight costs nothing but time.
"""

from contextlib import suppress
from datetime import timedelta
from functools import partial

from aggregator.feed import events
from aggregator.payments import files
from aggregator.payments.files import BadFile, Statement
from aggregator.payments.items import Item, raise_item
from aggregator.payments.reconcile import reconcile
from aggregator.payments.till import GATEWAY_KIND, Till
from aggregator.registry.agency import Agency
from aggregator.sdk.clock import IST
from aggregator.sdk.errors import AgencyError, NotAttempted
from aggregator.sdk.model import Facts, Order
from aggregator.store import Run, StoreUnavailable

EVERY_S = 900.0
SETTLEMENT = "settlement"


class Daily:
    """The daily comparison of this process."""

    def __init__(self, till: Till) -> None:
        self._till = till

    async def run(self) -> None:
        """Ends by cancellation; a store that is away is asked again."""
        while True:
            with suppress(StoreUnavailable):
                await self.yesterday()
            await self._till.desk.clock.sleep(EVERY_S)

    async def yesterday(self) -> None:
        """Fetches what is not here yet of yesterday's settlement, and compares."""
        day = (self._till.desk.clock.now().astimezone(IST).date() - timedelta(days=1)).isoformat()
        for agency in self._till.registry().agencies.values():
            if agency.kind == GATEWAY_KIND and agency.enabled and SETTLEMENT in agency.operations:
                await self._fetch(agency, day)
        await reconcile(self._till, day)

    async def _fetch(self, agency: Agency, day: str) -> None:
        store = self._till.desk.store
        if await store.read("select day from money_file where agency = $1 and day = $2", agency.id, day):
            return
        try:
            answer = await agency.guarded.read(SETTLEMENT, Order("", "collect", {"day": day}), cached=False)
        except (AgencyError, NotAttempted):
            return  # the gateway's health says so; the next round asks again
        lines = [one.values for one in answer.value if isinstance(one, Facts)]
        try:
            statement = files.statement_of(lines, agency=agency.id, side=files.GATEWAY, day=day)
        except BadFile:
            await store.write(partial(self._unreadable, agency=agency.id, day=day))
        else:
            await store.write(partial(self._keep, statement=statement))

    async def _keep(self, run: Run, statement: Statement) -> None:
        await files.keep(run, statement, self._till.desk.clock.now())

    async def _unreadable(self, run: Run, agency: str, day: str) -> None:
        at = self._till.desk.clock.now()
        item = Item(kind="file_unreadable", subject=f"{agency} {day}", agency=agency, day=day)
        await events.append(run, await raise_item(run, self._till, item, at))
