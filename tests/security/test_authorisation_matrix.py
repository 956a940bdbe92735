"""S1. Every route by every method for every kind of caller: allowed as the page says, and nothing else.

Controls: a route added without a right does not start; a route outside the table without an entry is named; with the
check of the right taken out, callers reach what they must not.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from api_citizens import logged_in
from api_town import GOOD_FORM

from aggregator.api import dispatch
from aggregator.api.app import make_app
from aggregator.api.matrix import CITIZEN, OPEN, PRINCIPALS, allowed, page, unlisted
from aggregator.api.route import PARAMETERS, Unguarded
from aggregator.api.table import TABLE
from aggregator.citizens.portal_keys import PortalRefused
from aggregator.citizens.rights import CITIZEN_SCOPES, KINDS, SCOPES

VALUES = {name: parameter.example for name, parameter in PARAMETERS.items()} | {
    "service_id": "office.permit", "agency_id": "office", "citizen_id": "me",
}  # fmt: skip
REFUSED = {"insufficient-scope", "wrong-token"}


def path_of(route):
    path = route.path
    for name in route.parameters:
        path = path.replace("{" + name + "}", VALUES[name])
    return path


async def verdicts(town, token):
    """Operation id -> whether the caller was let through to the handler, over the whole table."""
    found = {}
    for route in TABLE:
        headers = {"If-Match": "*", "Idempotency-Key": f"m-{route.operation_id}", "Prefer": "wait=0"}
        body = {"form": GOOD_FORM} if route.method in {"POST", "PATCH"} else None
        got = await town.raw(
            route.method, "/v1" + path_of(route), json=body, headers={"Authorization": f"Bearer {token}", **headers}
        )
        assert got.status != 401, route.operation_id
        code = got.json.get("code", "") if got.status == 403 else ""
        found[route.operation_id] = code not in REFUSED
    return found


@pytest.mark.figure("S1")
@pytest.mark.parametrize("kind", KINDS)
async def test_a_client_of_each_kind_reaches_what_the_page_says_and_nothing_else(town, kind, figure):
    scopes = KINDS[kind]
    town.secrets[kind] = await town.parts.portals.add(kind, contact="a@x.example", scopes=scopes, kind=kind)
    token = (await town.token(kind)).json["access_token"]
    got = await verdicts(town, token)
    assert got == {route.operation_id: allowed(route, kind) for route in TABLE}
    figure.measured(f"{kind} {sum(got.values())} of {len(got)} routes")


@pytest.mark.figure("S1")
async def test_a_citizen_reaches_what_the_page_says_and_nothing_else(town, figure):
    await logged_in(town, "9000000042", name="asha")
    order = sorted(TABLE, key=lambda route: route.operation_id == "endSession")
    got = await verdicts(town, town.tokens["asha"])
    assert got == {route.operation_id: allowed(route, CITIZEN) for route in order}
    figure.measured(f"{CITIZEN} {sum(got.values())} of {len(got)} routes, as the page says")


@pytest.mark.figure("S1")
async def test_the_control_without_the_check_callers_reach_what_they_must_not(town, monkeypatch, figure):
    monkeypatch.setattr(dispatch, "require", lambda *_: None)
    monkeypatch.setattr(dispatch, "require_token_of", lambda *_: None)
    got = await verdicts(town, town.tokens["reader"])
    wrong = [route.operation_id for route in TABLE if got[route.operation_id] and route.scope != "services.read"]
    assert len(wrong) > 20
    figure.control(f"without the check a reader of services reaches {len(wrong)} routes more")


@pytest.mark.figure("S1")
async def test_the_control_a_route_without_a_right_does_not_start(town, figure):
    for naked in (replace(TABLE[0], scope=""), replace(TABLE[0], scope="feeds.read", for_whom="citizen")):
        with pytest.raises(Unguarded):
            make_app(replace(town.parts, table=(*TABLE, naked)))
    figure.control("a route without a right: the server does not start")


async def test_whatever_is_served_outside_the_table_is_listed_with_its_reason(town):
    app = make_app(town.parts)
    served = [resource.canonical for resource in app.router.resources()]
    assert len(served) > 8
    assert not unlisted(served), unlisted(served)
    assert unlisted([*served, "/debug"]) == ["/debug"]
    assert all(len(why) > 5 for why in OPEN.values())


def test_the_page_is_generated_and_committed():
    committed = Path(__file__).parents[2] / "docs" / "authorisation.md"
    assert committed.read_text("utf-8") == page(), "run: python -m aggregator.api.matrix docs/authorisation.md"


def test_every_right_can_be_held_by_somebody_and_no_citizen_holds_an_office_s():
    for scope in SCOPES:
        assert any(scope in KINDS[kind] for kind in KINDS), scope
    assert not {scope for scope in CITIZEN_SCOPES if scope.startswith(("operations.", "feeds.", "audit."))}
    assert {route.operation_id for route in TABLE} == {route.operation_id for route in TABLE if PRINCIPALS}


async def test_nobody_in_operations_is_given_a_right_over_citizens(town):
    with pytest.raises(PortalRefused, match="OPERATOR"):
        await town.parts.portals.add("Ops", contact="a@x.example", scopes=["citizens.read"], kind="OPERATOR")
    with pytest.raises(PortalRefused, match="CENTRE"):
        await town.parts.portals.add("C", contact="a@x.example", scopes=["operations.write"], kind="CENTRE")


async def test_a_revoked_portal_takes_its_citizens_sessions_with_it(town):
    await logged_in(town, "9000000042", name="asha")
    await town.parts.portals.revoke(town.secrets["one"].portal_id)
    town.clock.push(5.1)
    assert (await town.ask("GET", "/citizens/me", portal="asha")).status == 401
