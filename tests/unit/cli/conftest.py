import logging
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def no_colour_and_no_settings_of_the_developer(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    for name in [name for name in os.environ if name.startswith("AGGREGATOR_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def logging_as_it_was():
    """A command that serves points all logging at its terminal; the next test has another one."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def quick_agency(tmp_path, monkeypatch):
    """A simulator that starts fast: its module, importable by the processes a test starts."""
    package = tmp_path / "quick_agency"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "simulator.py").write_text(_QUICK)
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return "quick_agency.simulator"


_QUICK = """
import argparse, json, socket, time

asked = argparse.ArgumentParser()
for name in ("--port", "--control-port", "--seed"):
    asked.add_argument(name, type=int)
asked.add_argument("--data")
options = asked.parse_args()
agency, control = [socket.create_server(("127.0.0.1", port)) for port in (options.port, options.control_port)]
print(json.dumps({"port": agency.getsockname()[1], "control_port": control.getsockname()[1]}), flush=True)
time.sleep(120)
"""
