"""The aggregator as a person at a terminal starts it, in processes of its own, on free ports."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEY = "sk_test_portal"
_STARTED = re.compile(r"API\s+(http://\S+)/v1")


@contextmanager
def a_city(data: Path, registry: Path = ROOT / "demo.toml") -> Iterator[str]:
    """Its address."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}
    words = [sys.executable, "-m", "aggregator.cli", "serve", "--sandbox", "--port", "0", "--data", str(data)]
    with subprocess.Popen(
        [*words, "--registry", str(registry)],
        cwd=ROOT,
        env={**kept, "NO_COLOR": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield _address(process)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(process: "subprocess.Popen[str]") -> str:
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if started := _STARTED.search(line):
            return started[1]
    pytest.fail(f"the city did not start:\n{said}")
