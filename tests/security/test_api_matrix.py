"""Route x method x principal, generated from the router: deny by default, and nobody's case is anybody else's."""

import base64
import json
import statistics
import time
from dataclasses import replace

import pytest
from api_town import CITIZEN, GENEROUS, GOOD_FORM, running_town

from aggregator.api.app import make_app
from aggregator.api.auth import Caller, require
from aggregator.api.problem import Problem
from aggregator.api.route import PARAMETERS, Unguarded
from aggregator.api.table import TABLE
from aggregator.sdk.auth import Signer

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
VALUES = {name: parameter.example for name, parameter in PARAMETERS.items()} | {
    "service_id": "office.permit",
    "agency_id": "office",
    "citizen_id": CITIZEN,
}
KEYED = {route.path for route in TABLE if route.keyed}
PATHS = sorted({route.path for route in TABLE})
BODIES = {route.path: {} for route in TABLE if route.body is not None and route.method == "POST"} | {
    "/services/{service_id}/form-checks": {"form": GOOD_FORM},
    "/services/{service_id}/enquiries": {"form": GOOD_FORM},
    "/services/{service_id}/eligibility-checks": {"answers": {}},
    "/services/searches": {"words": "water bill"},
    "/services/{service_id}/quotes": {"form": GOOD_FORM},
    "/services/{service_id}/link-checks": {"form": GOOD_FORM},
    "/cases": {"service_id": "office.permit", "form": GOOD_FORM},
    "/cases/{case_id}/actions": {"action": "WITHDRAW"},
    "/citizens/{citizen_id}/enquiries": {},
    "/worklist/{item_id}/decisions": {"action": "NOTE", "by": "A. Das", "note": "Matrix."},
    "/health/{agency_id}/overrides": {"action": "GO", "by": "A. Das", "reason": "Matrix."},
}


def filled(path):
    for name, value in VALUES.items():
        path = path.replace("{" + name + "}", value)
    return path


def claims_of(town, portal="one", **changed):
    payload = town.tokens[portal].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))) | changed


def unsigned(town):
    """The same claims under `alg: none`, and under an HMAC keyed with our public key."""
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    body = town.tokens["one"].split(".")[1]
    return f"{head}.{body}."


def confused(town):
    from joserfc import jwt  # noqa: PLC0415 - an attacker's tool
    from joserfc.jwk import OctKey  # noqa: PLC0415

    public = json.dumps(town.parts.signer.jwks()["keys"][0]).encode()
    return jwt.encode({"alg": "HS256"}, claims_of(town), OctKey.import_key(public), algorithms=["HS256"])


def strangers(town):
    """Tokens nobody may use, by what is wrong with them."""
    now = int(town.clock.now().timestamp())
    sign = town.parts.signer.sign
    return {
        "anonymous": "",
        "nonsense": "abc.def.ghi",
        "expired": sign(claims_of(town, exp=now - 1)),
        "for another audience": sign(claims_of(town, aud="https://other.example")),
        "by another issuer": sign(claims_of(town, iss="https://other.example")),
        "without an end": sign({k: v for k, v in claims_of(town).items() if k != "exp"}),
        "without an audience": sign({k: v for k, v in claims_of(town).items() if k != "aud"}),
        "not an access token": sign(claims_of(town, use="receipt")),
        "of another key": Signer.generate().sign(claims_of(town)),
        "of no portal": sign(claims_of(town, sub="prt_01JCZ5QK8V9XW3T6R2M4N7P0AB")),
        "with another portal's key": sign(claims_of(town, key=claims_of(town, "two")["key"])),
        "unsigned": unsigned(town),
        "with the algorithm confused": confused(town),
        "the sandbox's": "sk_test_portal",
    }


async def ask(town, method, path, token):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = BODIES.get(path, {}) if method == "POST" else None
    if method == "POST" and path in KEYED:
        headers["Idempotency-Key"] = "matrix"
    return await town.raw(method, "/v1" + filled(path), json=body, headers=headers)


@pytest.mark.figure("S1")
async def test_nobody_without_a_valid_token_reaches_any_route_by_any_method(town, figure):
    rights = {(route.method, route.path) for route in TABLE}
    for name, token in strangers(town).items():
        for method, path in ((method, path) for path in PATHS for method in METHODS):
            if name == "anonymous" or (method, path) in rights:
                got = await ask(town, method, path, token)
                assert got.status == 401, (name, method, path)
                assert got.headers["WWW-Authenticate"].startswith("Bearer ")
    figure.measured(f"{len(strangers(town))} kinds of bad token: 0 let in")


async def test_a_portal_reaches_exactly_the_routes_its_rights_name(town):
    rights = {(route.method, route.path): route.scope for route in TABLE}
    for path in PATHS:
        for method in METHODS:
            got = await ask(town, method, path, town.tokens["reader"])
            scope = rights.get((method, path))
            if scope is None:
                assert got.status == 405, (method, path)
            elif scope == "services.read":
                assert got.status not in {401, 403, 405, 415, 500}, (method, path, got.body)
            else:
                assert (got.status, got.json["code"]) == (403, "insufficient-scope"), (method, path)
                assert scope in got.headers["WWW-Authenticate"]


async def test_no_case_of_a_portal_can_be_read_or_changed_by_another(town):
    case = (await town.open()).json
    paths = [case["links"][name].removeprefix("/v1") for name in ("self", "events", "legs", "receipt")]
    paths += [f"/cases/{case['id']}/{part}" for part in ("slots", "document")]
    for path in [*paths, f"/track/{case['number']}"]:
        assert (await town.ask("GET", path)).status == 200, path
        assert (await town.ask("GET", path, portal="two")).status == 404, path
    action = f"/cases/{case['id']}/actions"
    got = await town.ask("POST", action, portal="two", json={"action": "WITHDRAW"}, Idempotency_Key="w")
    assert got.status == 404
    assert (await town.ask("GET", "/cases", portal="two")).json["items"] == []


def faceless(got):
    """The answer without what names the request itself."""
    problem = {name: value for name, value in got.json.items() if name not in {"request_id", "instance"}}
    hidden = {"Request-Id", "Date", "RateLimit"}
    return got.status, problem, {name: value for name, value in got.headers.items() if name not in hidden}


async def test_not_yours_and_not_there_are_the_same_bytes(town):
    case = (await town.open()).json
    for foreign, absent in (
        (f"/cases/{case['id']}", "/cases/case_01JCZ5QK8V9XW3T6R2M4N7P0AB"),
        (f"/cases/{case['id']}/events", "/cases/case_01JCZ5QK8V9XW3T6R2M4N7P0AB/events"),
        (f"/cases/{case['id']}/slots", "/cases/case_01JCZ5QK8V9XW3T6R2M4N7P0AB/slots"),
        (f"/cases/{case['id']}", "/citizens/ctz_nobody0000000000001/bills"),
        (f"/track/{case['number']}", "/track/4071993621850341"),
    ):
        not_yours = await town.ask("GET", foreign, portal="two")
        not_there = await town.ask("GET", absent, portal="two")
        assert not_there.status == 404 or "track" in absent
        if not_there.status == 404:
            assert faceless(not_yours) == faceless(not_there)


async def test_an_unknown_number_takes_as_long_as_a_foreign_one(town):
    from aggregator.cases.number import mint  # noqa: PLC0415 - of this test alone

    foreign = (await town.open()).json["number"].replace("-", "")
    unknown = mint(town.parts.chance)

    async def median_s(number):
        times = []
        for _ in range(15):
            started = time.perf_counter()
            assert (await town.ask("GET", f"/track/{number}", portal="two")).status == 404
            times.append(time.perf_counter() - started)
        return statistics.median(times)

    floor = town.parts.limits.not_found_floor_s
    # A ratio inside one run: both leave at the same moment after their arrival, whatever was found.
    slow, fast = sorted([await median_s(foreign), await median_s(unknown)])
    assert fast >= floor
    assert slow / fast < 1.25


async def test_guessing_numbers_is_given_up_on_per_portal(sqlite_store):
    from aggregator.api.limits import Quota  # noqa: PLC0415 - of this test alone
    from aggregator.cases.number import mint  # noqa: PLC0415

    limits = replace(GENEROUS, misses=Quota("number-misses", 5, 3600), not_found_floor_s=0.0)
    async with running_town(sqlite_store, limits=limits) as town:
        answers = [await town.ask("GET", f"/track/{mint(town.parts.chance)}") for _ in range(8)]
        assert [got.status for got in answers] == [404] * 5 + [429] * 3
        assert '"number-misses"' in answers[-1].headers["RateLimit"]


async def test_guessing_tokens_is_given_up_on_per_address_and_costs_nobody_else(sqlite_store):
    from aggregator.api.limits import Quota  # noqa: PLC0415 - of this test alone

    async with running_town(sqlite_store, limits=replace(GENEROUS, address=Quota("address", 5, 60))) as town:
        answers = [await town.raw("GET", "/v1/cases", headers={"Authorization": "Bearer x"}) for _ in range(8)]
        assert [got.status for got in answers] == [401] * 5 + [429] * 3
        assert (await town.ask("GET", "/cases")).status == 200


def test_the_control_a_handler_with_its_check_removed_is_seen_by_the_matrix():
    """What `require` refuses is refused by nothing else: without it the reader would list cases."""
    reader = Caller("prt_x", frozenset({"services.read"}), frozenset(), GENEROUS.sandbox)
    with pytest.raises(Problem, match="insufficient-scope"):
        require(reader, "cases.read")


async def test_a_route_without_a_right_keeps_the_server_from_starting(town):
    naked = replace(TABLE[0], scope="")
    with pytest.raises(Unguarded):
        make_app(replace(town.parts, table=(*TABLE, naked)))


async def test_the_sandbox_key_opens_a_sandbox_and_never_a_city_with_a_live_agency(sqlite_store):
    headers = {"Authorization": "Bearer sk_test_portal"}
    async with running_town(sqlite_store, sandbox=True) as town:
        assert (await town.raw("GET", "/v1/cases", headers=headers)).status == 200
    async with running_town(sqlite_store, sandbox=True, livemode=True) as town:
        got = await town.raw("GET", "/v1/cases", headers=headers)
        assert got.status == 401
        assert "live agency" in got.json["detail"]
    async with running_town(sqlite_store) as town:
        assert (await town.raw("GET", "/v1/cases", headers=headers)).status == 401


async def test_members_a_caller_may_not_set_are_refused_and_not_ignored(town):
    for member in ("id", "number", "status", "portal_id", "livemode", "version"):
        body = {"service_id": "office.permit", "form": GOOD_FORM, member: "x"}
        got = await town.ask("POST", "/cases", json=body, Idempotency_Key=f"k-{member}")
        assert (got.status, got.json["errors"][0]["pointer"]) == (400, f"/{member}")


async def test_a_cursor_of_one_portal_opens_nothing_for_another(town):
    for n in range(3):
        await town.open(f"k-{n}")
    following = (await town.ask("GET", "/cases?limit=1")).json["next"]
    stolen = await town.raw("GET", following.removeprefix(town.origin), headers=town.headers("two"))
    assert (stolen.status, stolen.json["code"]) == (400, "cursor-stale")
    moved = following.removeprefix(town.origin).replace("limit=1", "limit=1&kind=COMPLAINT")
    assert (await town.raw("GET", moved, headers=town.headers())).json["code"] == "cursor-stale"
