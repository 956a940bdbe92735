"""The harness is a module beside its tests; a database server to be killed is made for the test that asks for one."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "integration" / "payments"))  # where the town of money is

from cluster import BINARIES, Cluster


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    if not BINARIES or os.geteuid() != 0:
        pytest.skip("a server to kill needs PostgreSQL's binaries and root, to become its user")
    with tempfile.TemporaryDirectory(prefix="aggregator-pg-") as folder:
        subprocess.run(["chown", "postgres", folder], check=True)
        cluster = Cluster(Path(folder))
        cluster.make()
        cluster.start()
        yield cluster
        cluster.stop()
