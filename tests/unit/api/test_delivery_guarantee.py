"""What a service promises is computed from its weakest write and its driver's certificate (docs/outcomes.md 1)."""

from dataclasses import replace
from datetime import date

import pytest
from api_offers import registry_of
from api_office import Office
from api_town import PushedClock

from aggregator.api.guarantee import guarantee_of
from aggregator.ops.metrics import PrometheusMeter
from aggregator.registry.agency import Manifest, Offer
from aggregator.sdk.adapter import Class, Declared

FACTS = {"max_apply_delay_s": 90.0, "query_lag_s": 60.0, "timeout_s": 30.0}
CERTIFIED = {"certified": "1 2026-11-20"}


def city(*classes, quality=CERTIFIED, version="1", actions=None, **more):
    """The permit's service at one agency per class."""
    registry = registry_of(Office(), PushedClock(), PrometheusMeter())
    office, permit = registry.agencies["office"], registry.services["office.permit"]
    offers = {"permit": Offer("permit", "APPLICATION", "submit", {"en": "P"}, {}, actions=actions)}
    manifest = Manifest(
        name="office", kind="office", version=version, protocol="json", title={}, summary="", quality=quality,
        offers=offers,
    )  # fmt: skip
    agencies = {}
    for number, cls in enumerate(classes):
        declared = Declared(name="submit", cls=cls, key_ttl_s=3600.0, **FACTS)
        operations = {"submit": declared, **more}
        agencies[f"a{number}"] = replace(office, id=f"a{number}", operations=operations, manifest=manifest)
    return replace(permit, agencies=tuple(agencies)), agencies


@pytest.mark.parametrize(
    ("cls", "by"),
    [
        (Class.KEYED, "key"),
        (Class.QUERYABLE, "lookup"),
        (Class.UNIQUE, "uniqueness"),
        (Class.IDEMPOTENT, "idempotence"),
    ],
)
def test_what_the_agency_offers_is_what_the_promise_rests_on(cls, by):
    told = guarantee_of(*city(cls))
    assert (told.effect, told.by, told.then, told.weakest_operation) == ("exactly_once", by, "we_check", "submit")
    assert told.certified_on == date(2026, 11, 20)
    assert told.doubt_settled_within_s >= 90 + 60 + 300


def test_without_any_of_them_a_person_answers_and_by_when_is_said():
    told = guarantee_of(*city(Class.OPAQUE))
    assert (told.effect, told.by, told.then) == ("at_most_once", "nothing", "a_person_checks")
    assert (told.desk, told.answer_within_s) == ("worklist:a0", 86_400)


def test_the_weakest_agency_of_a_service_speaks_for_it():
    assert guarantee_of(*city(Class.KEYED, Class.OPAQUE)).desk == "worklist:a1"
    assert guarantee_of(*city(Class.KEYED, Class.QUERYABLE)).by == "lookup"


def test_a_step_on_the_way_that_is_weaker_speaks_for_the_service():
    pay = Declared(name="pay", cls=Class.OPAQUE)
    assert guarantee_of(*city(Class.KEYED, actions=("PAY",), pay=pay)).weakest_operation == "pay"
    assert guarantee_of(*city(Class.KEYED, actions=("REMIND",), pay=pay)).weakest_operation == "submit"


@pytest.mark.parametrize(("quality", "version"), [({}, "1"), (CERTIFIED, "2"), ({"certified": ""}, "1")])
def test_a_driver_version_without_certificate_promises_nothing(quality, version):
    told = guarantee_of(*city(Class.KEYED, quality=quality, version=version))
    assert (told.effect, told.by, told.then) == ("at_most_once", "nothing", "a_person_checks")


def test_a_bound_that_is_missing_makes_the_promise_the_least_one():
    service, agencies = city(Class.QUERYABLE)
    agency = agencies["a0"]
    unbounded = replace(agency.operations["submit"], max_apply_delay_s=None)
    assert guarantee_of(service, {"a0": replace(agency, operations={"submit": unbounded})}).by == "nothing"


def test_a_service_that_only_asks_promises_nothing_and_needs_none():
    service, agencies = city(Class.SAFE)
    assert not guarantee_of(service, agencies)
