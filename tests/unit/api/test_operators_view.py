"""What operators see: logs without anybody in them, counts without identifiers, readiness without agencies."""

import io
import json
import logging
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aggregator.ops.health import Readiness
from aggregator.ops.logs import CAPPED, configure
from aggregator.ops.metrics import PrometheusMeter
from aggregator.ops.soundness import Soundness
from aggregator.sdk.clock import ManualClock
from aggregator.store import StoreHealth, StoreUnavailable

CANARY = "Asha Devi 9437012345"


@pytest.fixture
def logs():
    """Everything logged, as lines; logging is put back afterwards."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in CAPPED}
    stream = io.StringIO()
    configure(stream, level="DEBUG")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)


def test_an_event_is_one_json_object_with_its_fields(logs):
    logging.getLogger("aggregator.cases").warning("agency.unavailable", extra={"agency": "rto", "attempt": 2})
    [line] = logs()
    assert line["event"] == "agency.unavailable"
    assert (line["agency"], line["attempt"], line["level"]) == ("rto", 2, "warning")
    assert line["timestamp"].endswith("Z")


def test_libraries_that_log_bodies_are_capped_whatever_level_is_asked_for(logs):
    for name in CAPPED:
        logging.getLogger(name).debug(CANARY)
        logging.getLogger(f"{name}.transports").info(CANARY)
    assert logs() == []


def test_what_a_library_does_say_is_not_repeated(logs):
    logging.getLogger("aiohttp.server").error("Error handling %s", CANARY, exc_info=ValueError(CANARY))
    logging.getLogger("somebody.else").info(CANARY, extra={"body": CANARY})
    assert [line["event"] for line in logs()] == ["library.message"] * 2
    assert CANARY not in json.dumps(logs())


def test_a_traceback_is_never_logged_because_its_message_may_quote_a_citizen(logs):
    logging.getLogger("aggregator.api").error("request.crashed", exc_info=ValueError(CANARY))
    assert CANARY not in json.dumps(logs())


def test_ob4_labels_are_agency_operation_and_outcome_and_nothing_else():
    meter = PrometheusMeter()
    meter.called("rto", "submit", "ok", 0.2)
    meter.called("rto", "submit", "Unavailable", 1.2)
    meter.gauge("in_doubt", "rto", 3)
    meter.gauge("something_new", "rto", 1)
    families = list(text_string_to_metric_families(meter.text().decode()))
    assert {label for family in families for one in family.samples for label in one.labels} <= {
        "agency",
        "operation",
        "outcome",
        "le",
    }
    assert all(family.documentation for family in families)
    assert all(family.name.startswith("aggregator_") for family in families)


def test_two_cities_in_one_process_do_not_count_into_each_other():
    one, two = PrometheusMeter(), PrometheusMeter()
    one.called("rto", "submit", "ok", 0.2)
    assert b'agency="rto"' not in two.text()


@pytest.mark.parametrize(
    ("health", "failed", "status"),
    [
        (StoreHealth(0, 0.0, ""), False, 200),
        (StoreHealth(9, 60.0, ""), False, 503),
        (StoreHealth(0, 0.0, "", durable=False), False, 503),
        (StoreHealth(0, 0.0, ""), True, 503),
        (StoreHealth(0, 0.0, "", damage="a row is not what was written"), False, 503),
    ],
)
async def test_readiness_is_the_store_s_and_no_agency_is_asked(health, failed, status):
    got = await Readiness(lambda: health, lambda: failed).ready(None)
    assert got.status == status


async def test_readiness_says_what_is_damaged_and_when_all_was_looked_through():
    clock = ManualClock()
    found: list[list[str]] = [[], ["operation: 1 rows are not what was written"]]

    async def check() -> list[str]:
        return found.pop(0)

    soundness = Soundness(check, clock)
    health = StoreHealth(0, 0.0, "", damage="a row is not what was written")
    readiness = Readiness(lambda: health, looked_through=soundness.told)
    assert told_by(await readiness.ready(None))["looked_through"] == {"at": None, "wrong": []}
    for wrong in ([], ["operation: 1 rows are not what was written"]):
        assert await soundness.look()
        told = told_by(await readiness.ready(None))
        assert told["looked_through"] == {"at": clock.now().isoformat(timespec="seconds"), "wrong": wrong}
        assert told["damage"] == "a row is not what was written"


async def test_a_look_through_that_cannot_be_finished_says_nothing_about_the_database():
    async def check() -> list[str]:
        raise StoreUnavailable("not within 1800 s")

    soundness = Soundness(check, ManualClock())
    assert not await soundness.look()
    assert soundness.told() == {"at": None, "wrong": []}


def told_by(answer: Any) -> Any:
    return json.loads(answer.body)
