"""A newcomer's `make test` is about the embedded default and takes less than five minutes; `make check` tries both.

AGGREGATOR_TEST_POSTGRES: `local`, or the address of a server and its administrator's database. On CI it is `local`.
"""

import os
from typing import NoReturn

import pytest

LOCAL = "postgresql://postgres@127.0.0.1:5432/postgres"
ASKED = os.environ.get("AGGREGATOR_TEST_POSTGRES", "")
ON_CI = os.environ.get("CI") == "true"
ADMIN_URL = ASKED if "://" in ASKED else LOCAL


def asked_for_postgres() -> None:
    """Skips where nobody asked."""
    if not ASKED and not ON_CI:
        pytest.skip("PostgreSQL is tried by `make check`: with AGGREGATOR_TEST_POSTGRES=local, or a server's address")


def missing(why: str) -> NoReturn:
    """Skips with a sentence on a desk; on CI a missing server is a failure."""
    if ON_CI:
        pytest.fail(why)
    pytest.skip(why)
