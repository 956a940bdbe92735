"""What is for people: the worklist, the switches, and which rooms' items a decision can be carried out for."""

from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.cases.attempt import Desktop
from aggregator.cases.deliver import Delivery
from aggregator.cases.forgotten import FORGOTTEN, ForgottenDecider
from aggregator.cases.items import Decider
from aggregator.cases.orphans import ORPHAN, OrphanDecider
from aggregator.cases.switch import Switches
from aggregator.cases.worklist import Worklist
from aggregator.feed.stream import Stream
from aggregator.registry.live import Live


@dataclass(frozen=True, slots=True)
class People:
    """The worklist and the switches of one city."""

    worklist: Worklist
    switches: Switches


def people(
    desktop: Desktop, live: Live, stream: Stream, delivery: Delivery, deciders: Mapping[str, Decider] | None = None
) -> People:
    """`deciders`: what other rooms do with decisions about their items, by kind of item."""
    known: dict[str, Decider] = {ORPHAN: OrphanDecider(), FORGOTTEN: ForgottenDecider(), **(deciders or {})}
    return People(
        Worklist(desktop, stream, delivery.nudge, known),
        Switches(desktop, lambda: live.current, stream, delivery.nudge),
    )
