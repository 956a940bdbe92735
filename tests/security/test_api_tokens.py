"""Tokens and keys: ten minutes, one algorithm, nothing stored that opens anything, and out within five seconds."""

import pytest
from api_town import running_town

from aggregator.api.auth import REMEMBERED_S, TOKEN_LIFE_S
from aggregator.citizens.portal_keys import PortalRefused
from aggregator.citizens.portals import Portals
from aggregator.sdk.auth import Unverified
from aggregator.sdk.clock import SeededChance, SystemClock


async def test_a_portal_gets_a_token_by_body_or_by_header_and_it_works(town):
    secret = town.secrets["one"]
    import aiohttp  # noqa: PLC0415 - its encoder of Basic

    header = aiohttp.encode_basic_auth(secret.portal_id, secret.secret)
    got = await town.raw(
        "POST", "/oauth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": header}
    )
    assert got.status == 200
    assert got.json["expires_in"] == TOKEN_LIFE_S == 600
    assert got.headers["Cache-Control"] == "no-store"
    headers = {"Authorization": f"Bearer {got.json['access_token']}"}
    assert (await town.raw("GET", "/v1/cases", headers=headers)).status == 200


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"client_secret": "sk_wrong"}, 401, "invalid_client"),
        ({"client_id": "prt_nobody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "everything"}, 400, "invalid_scope"),
    ],
)
async def test_a_refused_token_follows_rfc_6749_and_says_nothing_about_who_exists(town, fields, status, error):
    got = await town.token("one", **fields)
    assert (got.status, got.json) == (status, {"error": error})


async def test_a_narrower_token_can_do_less_than_its_portal(town):
    token = (await town.token("one", scope="services.read")).json["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await town.raw("GET", "/v1/services", headers=headers)).status == 200
    assert (await town.raw("GET", "/v1/cases", headers=headers)).status == 403


async def test_a_token_is_asked_for_with_a_form(town):
    got = await town.raw("POST", "/oauth/token", json={"grant_type": "client_credentials"})
    assert (got.status, got.json["code"]) == (415, "not-supported")


async def test_cr1_cr2_what_we_sign_verifies_with_the_published_key_and_names_its_audience(town):
    from joserfc import jwt  # noqa: PLC0415 - somebody else's verification
    from joserfc.jwk import KeySet  # noqa: PLC0415

    jwks = (await town.raw("GET", "/oauth/jwks.json")).json
    assert all("d" not in key for key in jwks["keys"])
    claims = jwt.decode(town.tokens["one"], KeySet.import_key_set(jwks), algorithms=["ES256"]).claims
    assert {"iss", "aud", "exp", "sub", "jti", "iat", "client_id", "scope"} <= claims.keys()


async def test_cr2_a_receipt_is_no_access_token(town):
    case = (await town.open()).json
    receipt = (await town.ask("GET", f"/cases/{case['id']}/receipt")).json["receipt"]
    got = await town.raw("GET", "/v1/cases", headers={"Authorization": f"Bearer {receipt}"})
    assert got.status == 401
    with pytest.raises(Unverified):
        town.parts.signer.verify(receipt, now=town.clock.now())


async def test_cr6_a_secret_is_256_random_bits_shown_once_and_stored_as_a_hash(town):
    secret = town.secrets["one"].secret
    assert len(secret) == len("sk_") + 43
    assert secret not in repr(town.secrets["one"])
    rows = await town.store.read("select * from portal_key")
    stored = " ".join(str(row[name]) for row in rows for name in row.keys())  # noqa: SIM118 - a row is no dict
    assert secret not in stored
    assert all(len(row["secret_sha256"]) == 64 for row in rows)


async def test_cr8_a_revoked_portal_is_out_within_five_seconds(town):
    assert (await town.ask("GET", "/cases")).status == 200
    await town.parts.portals.revoke(town.secrets["one"].portal_id)
    town.clock.push(REMEMBERED_S)
    assert (await town.ask("GET", "/cases")).status == 401
    assert (await town.token("one")).status == 401
    assert (await town.ask("GET", "/cases", portal="two")).status == 200


async def test_cr8_the_control_a_token_remembered_for_its_whole_life_lets_a_revoked_portal_in(town, monkeypatch):
    monkeypatch.setattr("aggregator.api.auth.REMEMBERED_S", TOKEN_LIFE_S)
    assert (await town.ask("GET", "/cases")).status == 200
    await town.parts.portals.revoke(town.secrets["one"].portal_id)
    town.clock.push(REMEMBERED_S)
    assert (await town.ask("GET", "/cases")).status == 200


async def test_a_token_ends_after_ten_minutes(town):
    town.clock.push(TOKEN_LIFE_S - 30)
    assert (await town.ask("GET", "/cases")).status == 200
    town.clock.push(40)
    assert (await town.ask("GET", "/cases")).status == 401


async def test_rotation_keeps_the_old_key_until_it_is_revoked(town):
    old = town.secrets["one"]
    new = await town.parts.portals.rotate(old.portal_id)
    for secret in (old, new):
        town.secrets["one"] = secret
        assert (await town.token("one")).status == 200
    await town.parts.portals.revoke_key(old.key_id)
    town.secrets["one"] = old
    assert (await town.token("one")).status == 401
    town.clock.push(REMEMBERED_S)
    assert (await town.ask("GET", "/cases")).status == 401  # its token was made with the revoked key


async def test_only_a_registered_origin_is_told_that_it_may_ask(town):
    got = await town.ask("GET", "/cases", Origin="https://one.example")
    assert got.headers["Access-Control-Allow-Origin"] == "https://one.example"
    for portal, origin in (("two", "https://one.example"), ("one", "https://evil.example"), ("one", "null")):
        got = await town.ask("GET", "/cases", portal=portal, Origin=origin)
        assert "Access-Control-Allow-Origin" not in got.headers
    refused = await town.raw("GET", "/v1/cases", headers={"Origin": "https://one.example"})
    assert refused.status == 401
    assert refused.headers["Access-Control-Allow-Origin"] == "https://one.example"


async def test_a_secret_never_shows_in_what_a_portal_list_gives(sqlite_store):
    portals = Portals(sqlite_store, SystemClock(), SeededChance(1))
    made = await portals.add(
        "Kiosk", contact="k@x.example", scopes=["services.read"], origins=["http://k.example:8080"]
    )
    [portal] = await portals.everyone()
    assert (portal.name, portal.scopes, portal.revoked_at) == ("Kiosk", frozenset({"services.read"}), None)
    assert made.secret not in repr(portal)
    assert [key.id for key in await portals.keys(portal.id)] == [made.key_id]
    assert await portals.revoke(portal.id) is True
    assert await portals.revoke(portal.id) is False


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []},
        {"scopes": ["admin"]},
        {"origins": ["https://x.example/path"]},
        {"origins": ["*"]},
        {"sector": "No Good"},
        {"name": " "},
        {"per_minute": 0},
    ],
)
async def test_a_portal_is_not_registered_with_rights_or_origins_nobody_checked(sqlite_store, wrong):
    portals = Portals(sqlite_store, SystemClock(), SeededChance(1))
    facts = {"name": "Kiosk", "contact": "k@x.example", "scopes": ["services.read"]} | wrong
    with pytest.raises(PortalRefused):
        await portals.add(facts.pop("name"), **facts)


async def test_portals_are_the_same_on_both_engines(store):
    portals = Portals(store, SystemClock(), SeededChance(1))
    made = await portals.add("Kiosk", contact="k@x.example", scopes=["services.read"])
    portal, key_id = await portals.authenticate(made.portal_id, made.secret)
    assert (portal.id, key_id) == (made.portal_id, made.key_id)
    assert await portals.authenticate(made.portal_id, made.secret + "x") is None
    assert (await portals.active(portal.id, key_id)) == portal
    assert await portals.revoke_key(key_id)
    assert await portals.active(portal.id, key_id) is None


async def test_a_portal_s_own_budget_is_the_one_in_its_headers(sqlite_store):
    async with running_town(sqlite_store) as town:
        made = await town.parts.portals.add("Small", contact="s@x.example", scopes=["services.read"], per_minute=2)
        town.secrets["small"] = made
        town.tokens["small"] = (await town.token("small")).json["access_token"]
        answers = [await town.ask("GET", "/services", portal="small") for _ in range(3)]
        assert [got.status for got in answers] == [200, 200, 429]
        assert answers[0].headers["RateLimit-Policy"] == '"default";q=2;w=60'
        assert answers[0].headers["RateLimit"].startswith('"default";r=1;t=')
