"""Counts for operators, in Prometheus' text format. Labels are agency, operation and outcome, and nothing else (OB-4).

A label from a path, a case or a citizen would be a leak and a memory leak at once. The registry is ours, not the
library's global one: two cities in one process do not count into each other.
"""

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0)
_GAUGES = {
    "breaker_open": "1 while a circuit breaker of the agency is not closed.",
    "in_flight": "Calls to the agency being made.",
    "waiting": "Calls waiting for a place at the agency.",
    "held": "Requests held because the agency cannot be reached.",
    "in_doubt": "Requests sent and not confirmed.",
    "needs_human": "Requests a person must decide.",
    "quarantined": "1 while nothing is sent to the agency because the database was restored.",
    "quarantine_waiting": "Requests that must be settled before the agency leaves quarantine.",
    "money_held_paise": "Money collected that is neither at the biller nor given back yet, in paise.",
    "money_items": "Payments and file lines that do not match and wait for a person.",
    "key_refused": "1 where the agency shows a public key that is not pinned, 0 since it shows a pinned one again.",
    "certificate_days": "Days until a certificate of the agency ends; ours has no agency.",
    "rate_share": "Part of every agency's max_rps that this process may use now, 0 to 1; over all processes at most 1.",
    "oldest_s": "Age of the oldest waiting request, in seconds.",
}
_OTHER = "Another figure of the agency; see its name."


class PrometheusMeter:
    """Implements `aggregator.resilience.pipeline.Meter`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._calls = Counter(
            "aggregator_agency_calls", "Calls to agencies, by how they ended.", ["agency", "operation", "outcome"],
            registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "aggregator_agency_call_seconds", "How long calls to agencies took.", ["agency", "operation"],
            buckets=_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self._gauges: dict[str, Gauge] = {}
        self._counted: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    def called(self, agency: str, operation: str, outcome: str, seconds: float) -> None:
        """One call that ended. `outcome` is `ok` or the name of an error class."""
        kept = self._counted.get((agency, operation, outcome))
        if kept is None:
            # Looking a label up costs more than counting; there are as many as agencies have operations.
            kept = self._calls.labels(agency, operation, outcome), self._seconds.labels(agency, operation)
            self._counted[agency, operation, outcome] = kept
        kept[0].inc()
        kept[1].observe(seconds)

    def gauge(self, name: str, agency: str, value: float) -> None:
        """A figure of an agency as it is now."""
        gauge = self._gauges.get(name)
        if gauge is None:
            about = _GAUGES.get(name, _OTHER)
            gauge = self._gauges[name] = Gauge(f"aggregator_{name}", about, ["agency"], registry=self.registry)
        gauge.labels(agency).set(value)

    def text(self) -> bytes:
        """Everything, for a scraper."""
        return generate_latest(self.registry)

    async def show(self, _request: web.Request) -> web.Response:
        """GET /metrics."""
        headers = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
        return web.Response(body=self.text(), headers=headers)
