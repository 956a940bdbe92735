"""A simulated agency whose machine's clock runs as fast as the city's: they sign with it, and end orders by it.

`fast_agency.py MODULE ...` is `python -m MODULE ...`; FAST_SPEED and FAST_BORN as in fast_city.py.
"""

import os
import runpy
import sys
import time
from datetime import UTC, datetime

from aggregator.sdk.clock import SystemClock

SPEED, BORN = float(os.environ["FAST_SPEED"]), float(os.environ["FAST_BORN"])


def now(_: SystemClock) -> datetime:
    return datetime.fromtimestamp(BORN + (time.time() - BORN) * SPEED, UTC)


if __name__ == "__main__":
    SystemClock.now = now  # type: ignore[method-assign]
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
