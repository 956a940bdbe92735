"""The parts of a measurement: stubbed agencies, the real server, and the page they are reported on."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from bench_process import LOAD_CORE, Peer, on_core, peer, python_peer  # noqa: E402 - the path comes first
from bench_report import Report  # noqa: E402

REPORT: pytest.StashKey[Report] = pytest.StashKey()
NPM_PATIENCE_S = 90
NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_buffer_size 64k;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream agency {{ server 127.0.0.1:{agency}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{ proxy_pass http://agency; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    report = terminalreporter.config.stash.get(REPORT, None)
    if report is not None and report.rows:
        terminalreporter.write_line(report.text())


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    """All rows; written to docs/benchmarks.md when every goal is among them, so that a part cannot replace it."""
    made = request.config.stash[REPORT] = Report()
    yield made
    if made.complete and not request.session.testsfailed:
        made.write()


@pytest.fixture(scope="session")
def stub() -> Iterator[Peer]:
    with python_peer("stub", "stub.py", core=LOAD_CORE) as running:
        yield running


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("city")


@pytest.fixture(scope="session")
def city(stub: Peer, data: Path) -> Iterator[Peer]:
    with python_peer("city", "city.py", str(data), str(stub.port)) as running:
        yield running


@pytest.fixture
def city_of_single_commits(stub: Peer, tmp_path: Path) -> Iterator[Peer]:
    """The same server, made to commit every write by itself: the control of the shared commit."""
    with python_peer("single", "city.py", str(tmp_path / "data"), str(stub.port), "1") as running:
        yield running


@pytest.fixture
def nginx(stub: Peer, tmp_path: Path, unused_tcp_port: int) -> Iterator[Peer | None]:
    """A bare proxy of the stub; None where nginx is not installed."""
    found = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if found is None:
        yield None
        return
    config = tmp_path / "nginx.conf"
    config.write_text(NGINX.format(folder=tmp_path, port=unused_tcp_port, agency=stub.port))
    ready = f"{{ sleep 0.5; echo '{json.dumps({'port': unused_tcp_port})}'; }} & exec {found} -c {config} -p {tmp_path}"
    with peer("nginx", ["sh", "-c", ready]) as running:
        yield running


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """A folder with the Node peers' packages, by name and exact version; None without Node, npm or a registry."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return None
    folder = tmp_path_factory.mktemp("node")
    shutil.copy(HERE / "node" / "package.json", folder)
    command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    try:
        with on_core(LOAD_CORE):
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=NPM_PATIENCE_S)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    return folder
