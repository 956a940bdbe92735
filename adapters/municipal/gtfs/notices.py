"""What the agency announces, as long as it holds and for the lines it names; one that names none is for all."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from adapters.municipal.gtfs.network import Network
from adapters.municipal.gtfs.realtime import words
from aggregator.sdk.reading import clean

_LONGEST = 400


def notices(entities: list[Any], network: Network, now: datetime, route: str) -> list[str]:
    """`10, 12: Heading. Text`, in the agency's order; `route` a number as on the bus, empty for all."""
    return list(_told(entities, network, now.timestamp(), route.strip().casefold()))


def _told(entities: list[Any], network: Network, now_s: float, route: str) -> Iterator[str]:
    for entity in entities:
        if entity.is_deleted or not entity.HasField("alert") or not _holds(entity.alert, now_s):
            continue
        numbers = _numbers(entity.alert, network)
        if route and numbers and route not in {number.casefold() for number in numbers}:
            continue
        text = clean(". ".join(filter(None, map(words, (entity.alert.header_text, entity.alert.description_text)))))
        if text:
            yield (f"{', '.join(numbers)}: {text}" if numbers else text)[:_LONGEST]


def _holds(alert: Any, now_s: float) -> bool:
    """No period means always; an end of 0 means open."""
    periods = alert.active_period
    return not periods or any(one.start <= now_s and (not one.end or now_s < one.end) for one in periods)


def _numbers(alert: Any, network: Network) -> list[str]:
    named = {one.route_id for one in alert.informed_entity if one.route_id in network.routes}
    return sorted(network.routes[route_id].number for route_id in named)
