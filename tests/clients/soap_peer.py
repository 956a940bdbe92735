"""A peer that is not Python: PHP's SoapServer over our packaged WSDLs, in its own process on a free port.

Tests with it skip with a sentence where PHP or its soap extension is missing, on continuous integration too, for
nothing installs PHP by itself (`apt-get install php-cli php-soap` does, in seconds). AGGREGATOR_REQUIRE_PHP=true turns
the skip into a failure: set it where PHP has been installed on purpose.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WSDLS = HERE.parents[1] / "adapters"
_PATIENCE_S = 10.0


def missing() -> str:
    """Why there can be no peer; empty if there can."""
    php = shutil.which("php")
    if php is None:
        return "the independent SOAP peer needs PHP, which is not on the PATH (packages php-cli and php-soap)"
    found = subprocess.run([php, "-m"], capture_output=True, text=True, check=True, timeout=20).stdout.split()
    lacking = {"soap", "openssl"} - {name.casefold() for name in found}
    return f"the independent SOAP peer needs PHP's extensions {sorted(lacking)} (package php-soap)" if lacking else ""


def demand() -> None:
    """Skips, or fails where PHP was promised."""
    sentence = missing()
    if sentence and os.environ.get("AGGREGATOR_REQUIRE_PHP") == "true":
        pytest.fail(sentence)
    if sentence:
        pytest.skip(sentence)


@contextmanager
def serving(ledger: Path) -> Iterator[str]:
    """The peer's URL, for as long as the block runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "PEER_WSDLS": str(WSDLS), "PEER_LEDGER": str(ledger)}
    command = ["php", "-d", "soap.wsdl_cache_enabled=0", "-S", f"127.0.0.1:{port}", str(HERE / "php" / "router.php")]
    log = ledger.with_suffix(".log")
    with log.open("wb") as told, subprocess.Popen(command, env=env, stdout=told, stderr=told) as process:
        try:
            _await(process, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(_PATIENCE_S)


def _await(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        if process.poll() is not None:
            pytest.fail(f"PHP's server ended at once: {log.read_text(errors='replace')[-400:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail("PHP's server did not open its port")


def deaths(ledger: Path) -> int:
    """How many exceptions nobody caught, by the peer's own log."""
    return len(re.findall("Uncaught RuntimeException", ledger.with_suffix(".log").read_text(errors="replace")))
