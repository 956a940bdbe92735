"""How much memory a gigabyte costs a driver that refuses it: measured by the kernel, in this very process."""

import gc
from pathlib import Path

from aggregator.sdk.testing.cells import Bench
from aggregator.sdk.testing.faults40 import FAULTS, From

_PAGE_KIB = 4
_STATM = Path("/proc/self/statm")
_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def measurable() -> bool:
    return _STATM.exists()


async def growth_mib(bench: Bench, operation: str) -> float:
    """The peak above the start, in MiB, while this operation is answered by a gigabyte; 0 where nobody can measure."""
    if not measurable():
        return 0.0
    giants = [variant for variant in FAULTS["F29"].variants if variant.made is From.LINE]
    for variant in giants:  # once for the buffers that stay, which belong to the runtime
        await bench.cell("F29", variant, operation)
    gc.collect()
    start_mib = _resident_mib()
    _forget_the_peak()
    for variant in giants:
        await bench.cell("F29", variant, operation)
    return max(0.0, _peak_mib() - start_mib)


def _resident_mib() -> float:
    return int(_STATM.read_text("ascii").split()[1]) * _PAGE_KIB / 1024


def _peak_mib() -> float:
    line = next((line for line in _STATUS.read_text("ascii").splitlines() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(line.split()[1]) / 1024


def _forget_the_peak() -> None:
    """5 resets the high-water mark. Source: proc(5)."""
    _CLEAR.write_text("5", "ascii")
