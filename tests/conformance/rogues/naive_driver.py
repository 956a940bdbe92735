"""What everybody writes first: whatever goes wrong is "unavailable", and unavailable means try again."""

from rogue_driver import Rogue

from aggregator.resilience.outcome import Confirmed, NotSent
from aggregator.resilience.pipeline import Answer
from aggregator.sdk.clock import SystemClock
from aggregator.sdk.dialect import CURRENT
from aggregator.sdk.errors import Unavailable
from aggregator.sdk.model import Receipt
from aggregator.sdk.wire import TRAIL


async def everything_is_an_outage(honest, order):
    try:
        return await honest(order)
    except Exception as exc:
        raise Unavailable("something went wrong") from exc


NAIVE = Rogue({"submit": everything_is_an_outage}, only=("submit",))


class Trusting:
    """A core that believes its drivers: no trail that outranks them, nothing it remembers."""

    def __init__(self, driver, operations, **_limits):
        self.driver, self.operations = driver, operations

    async def read(self, operation, order, *, deadline_s=None, cached=True):
        return Answer(await getattr(self.driver, operation)(order), SystemClock().now(), stale=False)

    async def attempt(self, operation, order, trail, *, deadline_s=None):
        told, current = TRAIL.set(trail), CURRENT.set(self.operations[operation])
        try:
            return believed(await getattr(self.driver, operation)(order), trail, None)
        except Unavailable as exc:
            return believed(exc, trail, None)
        finally:
            TRAIL.reset(told)
            CURRENT.reset(current)


def believed(got, trail, declared):
    """What the client says, and nothing else."""
    return Confirmed(got) if isinstance(got, Receipt) else NotSent(type(got).__name__)
