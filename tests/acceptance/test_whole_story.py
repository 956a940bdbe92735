"""The demo and the death of a city. The demo has been running since the first acceptance test began."""

import json
import os
import socket
import time
from urllib.parse import urlsplit

import pytest

from aggregator.cli.story import licence_form


def listening(url):
    with socket.socket() as caller:
        caller.settimeout(2)
        return caller.connect_ex(("127.0.0.1", urlsplit(url).port)) == 0


def gone(url, patience_s=10.0):
    """Ended with its city: the kernel tells it at once, a busy machine lets it run a moment later."""
    end = time.monotonic() + patience_s
    while listening(url) and time.monotonic() < end:
        time.sleep(0.05)
    return not listening(url)


def test_a_city_killed_outright_loses_no_case_and_leaves_no_agency_behind(start_city, tmp_path):
    asked = {"service_id": "dl.renewal", "form": licence_form("9000000000")}
    once = {"Idempotency-Key": '"before-the-end"', "Prefer": "wait=0"}
    with start_city(tmp_path) as first, first.portal as portal:
        promised = portal.post("/cases", json=asked, headers=once)
        agencies = json.loads((tmp_path / "sandbox.json").read_text())
        first.die()
    assert promised.status_code == 202
    assert all(gone(place["url"]) for place in agencies.values())

    with start_city(tmp_path) as second, second.portal as portal:
        again = portal.post("/cases", json=asked, headers=once)
        assert again.content == promised.content
        assert again.headers["idempotency-replayed"] == "true"
        case = portal.get(f"/cases/{promised.json()['id']}").json()
        assert case["number"] == promised.json()["number"]


def test_every_step_of_the_demo_comes_true(demo):
    said, _ = demo.communicate(timeout=150)
    assert demo.returncode == 0, said
    assert "Every step came true" in said
    assert "acted 1, duplicates 0" in said
    assert "Traceback" not in said
    assert "\x1b" not in said


def test_nothing_of_the_demo_is_left_running(demo):
    demo.wait(150)
    with pytest.raises(ProcessLookupError):
        os.kill(demo.pid, 0)
