"""The payments room as it runs: its counter for the API, its cashier and its daily reconciliation behind it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aggregator.cases.attempt import Desktop
from aggregator.cases.deliver import Delivery
from aggregator.cases.items import Decider
from aggregator.feed.stream import Stream
from aggregator.payments import items
from aggregator.payments.cashier import Cashier
from aggregator.payments.counter import Counter
from aggregator.payments.daily import Daily
from aggregator.payments.decide import MoneyDecider
from aggregator.payments.ledger import HELD
from aggregator.payments.till import GATEWAY_KIND, Till
from aggregator.registry.agency import Registry
from aggregator.resilience.pipeline import Meter
from aggregator.sdk.auth import Signer
from aggregator.store import Store


@dataclass(frozen=True, slots=True)
class Payments:
    """Everything of payments that runs."""

    till: Till
    counter: Counter
    cashier: Cashier
    daily: Daily
    deciders: Mapping[str, Decider]


def payments_of(
    desktop: Desktop, registry: Callable[[], Registry], stream: Stream, delivery: Delivery, signer: Signer
) -> Payments:
    till = Till(desktop, registry, stream, delivery)
    return Payments(till, Counter(till, signer), Cashier(till), Daily(till), {items.WORKLIST: MoneyDecider(till)})


async def show_held(store: Store, registry: Registry, meter: Meter) -> None:
    """The money in doubt, by gateway, in paise: a number operators watch."""
    held = {row["gateway"]: row["paise"] for row in await store.read(HELD)}
    gateways = {agency.id for agency in registry.agencies.values() if agency.kind == GATEWAY_KIND}
    for gateway in gateways | held.keys():
        meter.gauge("money_held_paise", gateway, held.get(gateway, 0))
    open_items = await store.read("select agency, count(*) as n from money_item where state = 'OPEN' group by agency")
    for row in open_items:
        meter.gauge("money_items", row["agency"], row["n"])
