"""S16. A portal that signs its requests for tokens: no secret anywhere, each signature good once, for us, for minutes.

What counts once does so in every process. Controls: a secret, which works for whoever saw it; and a memory of one's
own, which another process does not share.
"""

import json
from dataclasses import replace

import pytest
from api_citizens import later
from api_town import GENEROUS, running_town
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from test_tokens_are_bound import proof, token_of

from aggregator.api.bound import Proofs
from aggregator.api.client_assertions import ASSERTED
from aggregator.api.limits import Quota
from aggregator.citizens.portal_keys import PortalRefused
from aggregator.citizens.rights import SCOPES
from aggregator.sdk.auth import Signer

OURS = "https://city.example"


def key_set(*keys):
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


@pytest.fixture(scope="module")
def key():
    return ECKey.generate_key("P-256", {"kid": "k1"}, private=True)


async def signing(town, *keys, name="signer"):
    """Registers a portal that signs with these keys."""
    given = await town.parts.portals.add(name, contact="a@b.example", scopes=SCOPES, public_keys=key_set(*keys))
    assert given.secret == ""
    return given


def assertion(town, portal_id, key, *, alg="ES256", **changed):
    now = int(town.clock.now().timestamp())
    claims = {
        "iss": portal_id, "sub": portal_id, "aud": f"{town.origin}/oauth/token", "iat": now, "exp": now + 60,
        "jti": f"a-{now}-{id(changed)}",
    }  # fmt: skip
    claims = {name: value for name, value in (claims | changed).items() if value is not None}
    return jwt.encode({"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])


async def ask_token(town, signed, **fields):
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTED, "client_assertion": signed, **fields}
    return await town.raw("POST", "/oauth/token", data=form)


async def test_a_portal_that_signs_gets_tokens_and_each_signature_works_once(both_towns, key):
    town = both_towns
    portal = await signing(town, key)
    signed = assertion(town, portal.portal_id, key, jti="once")
    got = await ask_token(town, signed, client_id=portal.portal_id, scope="services.read")
    assert (got.status, got.json["scope"]) == (200, "services.read")
    used = {"Authorization": f"Bearer {got.json['access_token']}"}
    assert (await town.raw("GET", "/v1/services", headers=used)).status == 200
    again = await ask_token(town, signed)
    assert (again.status, again.json) == (401, {"error": "invalid_client"})
    assert (await ask_token(town, assertion(town, portal.portal_id, key, jti="twice"))).status == 200


async def test_a_signature_that_was_used_at_one_process_is_used_at_all_of_them(store, key):
    signer = Signer.generate()
    async with (
        running_town(store, signer=signer, base_url=OURS) as one,
        running_town(store, signer=signer, base_url=OURS) as another,
    ):
        portal = await signing(one, key)
        signed = assertion(one, portal.portal_id, key, aud=OURS)
        assert (await ask_token(one, signed)).status == 200
        assert (await ask_token(another, signed)).status == 401
        # The control: a secret is good for whoever saw it, as often as he likes.
        assert [(await token_of(town)).status for town in (one, one)] == [200, 200]


@pytest.mark.figure("S16", "portals that sign")
async def test_what_is_not_signed_for_us_by_this_portal_now_is_refused(town, key, figure):
    portal = (await signing(town, key)).portal_id
    other = (await signing(town, ECKey.generate_key("P-256", {"kid": "k1"}, private=True), name="other")).portal_id
    stranger = ECKey.generate_key("P-256", {"kid": "k1"}, private=True)
    now = int(town.clock.now().timestamp())
    refused = {
        "over": {"exp": now - 1},
        "without an end": {"exp": None},
        "valid for an hour": {"exp": now + 3600},
        "not yet": {"nbf": now + 100},
        "of the future": {"iat": now + 1000},
        "without an id": {"jti": None},
        "with an endless id": {"jti": "x" * 101},
        "for another server": {"aud": "https://elsewhere.example/oauth/token"},
        "for us and another": {"aud": [f"{town.origin}/oauth/token", "https://elsewhere.example"]},
        "for nobody": {"aud": None},
        "about another": {"sub": other},
        "in the name of another": {"iss": other, "sub": other},
        "by nobody": {"iss": None},
    }
    for why, how in refused.items():
        got = await ask_token(town, assertion(town, portal, key, **how))
        assert (got.status, got.json) == (401, {"error": "invalid_client"}), why
    hmac = OctKey.import_key(key.as_dict(private=False)["x"], {"kid": "k1"})
    unsigned = assertion(town, portal, key).split(".")
    for why, signed in {
        "by a stranger": assertion(town, portal, stranger),
        "by the public key taken for a secret": assertion(town, portal, hmac, alg="HS256"),
        "without a signature": f"{unsigned[0]}.{unsigned[1]}.",
        "nonsense": "a.b.c",
        "nothing": "",
    }.items():
        assert (await ask_token(town, signed)).status == 401, why
    assert (await ask_token(town, assertion(town, portal, key), client_id=other)).status == 401
    figure.measured(f"{len(refused) + 6} forged, stale or misdirected signatures refused")


async def test_two_proofs_at_once_are_no_request(town, key):
    portal = (await signing(town, key)).portal_id
    for fields in ({"client_secret": "x"}, {"client_assertion_type": "something"}):
        got = await ask_token(town, assertion(town, portal, key), **fields)
        assert (got.status, got.json) == (400, {"error": "invalid_request"})
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTED}
    form["client_assertion"] = assertion(town, portal, key)
    basic = {"Authorization": "Basic cHJ0Ong="}
    assert (await town.raw("POST", "/oauth/token", data=form, headers=basic)).status == 400


async def test_a_portal_that_signs_has_no_secret_not_even_an_empty_one(town, key):
    portal = await signing(town, key)
    for secret in ("", "x"):
        form = {"grant_type": "client_credentials", "client_id": portal.portal_id, "client_secret": secret}
        assert (await town.raw("POST", "/oauth/token", data=form)).status == 401
    assert await town.parts.portals.authenticate(portal.portal_id, "") is None


async def test_a_new_key_stands_beside_the_old_one_until_that_is_revoked(town, key):
    portals, portal = town.parts.portals, await signing(town, key)
    newer = OKPKey.generate_key("Ed25519", {"kid": "k2"}, private=True)
    second = await portals.rotate(portal.portal_id, key_set(newer))
    by_old = await ask_token(town, assertion(town, portal.portal_id, key, jti="1"))
    by_new = await ask_token(town, assertion(town, portal.portal_id, newer, alg="Ed25519", jti="2"))
    assert (by_old.status, by_new.status) == (200, 200)
    assert [line.signs for line in await portals.keys(portal.portal_id)] == [True, True]
    assert second.key_id != portal.key_id
    assert await portals.revoke_key(portal.key_id)
    assert (await ask_token(town, assertion(town, portal.portal_id, key, jti="3"))).status == 401
    town.clock.push(5.1)
    old = {"Authorization": f"Bearer {by_old.json['access_token']}"}
    new = {"Authorization": f"Bearer {by_new.json['access_token']}"}
    assert (await town.raw("GET", "/v1/services", headers=old)).status == 401
    assert (await town.raw("GET", "/v1/services", headers=new)).status == 200


@pytest.mark.filterwarnings("ignore:Key size")  # the library says so too, of the short one
async def test_a_key_that_is_weak_private_or_unclear_is_not_registered(town, key):
    private = json.dumps({"keys": [key.as_dict(private=True)]})
    same_name = key_set(key, ECKey.generate_key("P-256", {"kid": "k1"}, private=True))
    wrong = {
        "private": private,
        "secret": json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}),
        "RSA": key_set(RSAKey.generate_key(1024, private=True)),
        "P-256": key_set(ECKey.generate_key("P-384", private=True)),
        "Ed25519": key_set(OKPKey.generate_key("X25519", private=True)),
        "kid": same_name,
        "at most": key_set(*(ECKey.generate_key("P-256", {"kid": f"k{n}"}, private=True) for n in range(6))),
        "JWK Set": "{}",
    }
    for keys in wrong.values():
        with pytest.raises(PortalRefused):
            await town.parts.portals.add("x", contact="a@b.example", scopes=SCOPES, public_keys=keys)


async def test_an_rsa_key_signs_with_pss_and_not_with_the_old_padding(town):
    rsa = RSAKey.generate_key(2048, {"kid": "r"}, private=True)
    portal = (await signing(town, rsa)).portal_id
    assert (await ask_token(town, assertion(town, portal, rsa, alg="PS256"))).status == 200
    assert (await ask_token(town, assertion(town, portal, rsa, alg="RS256"))).status == 401


async def test_refused_signatures_count_against_the_address(sqlite_store, key):
    few = replace(GENEROUS, address=Quota("address", 3, 60))
    async with running_town(sqlite_store, limits=few) as town:
        portal = (await signing(town, key)).portal_id
        stranger = ECKey.generate_key("P-256", {"kid": "k1"}, private=True)
        got = [(await ask_token(town, assertion(town, portal, stranger))).status for _ in range(4)]
        assert got == [401, 401, 401, 429]


async def test_a_proof_of_a_bound_token_that_one_process_took_no_other_takes(store, key):
    signer = Signer.generate()
    async with (
        running_town(store, signer=signer, base_url=OURS) as one,
        running_town(store, signer=signer, base_url=OURS) as another,
    ):
        secret = one.secrets["one"]
        form = {"grant_type": "client_credentials", "client_id": secret.portal_id, "client_secret": secret.secret}
        shown = jwt_proof(one, key, "POST", "/oauth/token", jti="t")
        got = await one.raw("POST", "/oauth/token", data=form, headers={"DPoP": shown})
        token = got.json["access_token"]
        made = jwt_proof(one, key, "GET", "/v1/cases", token=token, jti="once")
        headers = {"Authorization": f"DPoP {token}", "DPoP": made}
        assert (await one.raw("GET", "/v1/cases", headers=headers)).status == 200
        assert (await another.raw("GET", "/v1/cases", headers=headers)).status == 401
        assert await store.read("select digest from used_once") == [], "a proof waits for no disk"
        signed = assertion(one, (await signing(one, key)).portal_id, key, aud=OURS)
        assert (await ask_token(one, signed)).status == 200
        assert len(await store.read("select digest from used_once")) == 1
        await later(one, 300)
        await one.parts.citizens.allowances.tidy()
        assert await store.read("select digest from used_once") == []


def jwt_proof(town, key, method, path, **more):
    """As `proof`, for the public address of the city."""
    return proof(replace_origin(town), key, method, path, **more)


def replace_origin(town):
    class AtItsAddress:
        origin = OURS
        clock = town.clock

    return AtItsAddress


@pytest.mark.figure("S16", "portals that sign")
async def test_the_control_a_memory_of_one_s_own_takes_the_same_proof_again(town, key, figure):
    class Forgetful:
        async def fresh_use(self, *_, **__):
            return True

    class Request:
        method = "GET"

        class headers:  # noqa: N801 - aiohttp's name
            @staticmethod
            def getall(*_):
                return [made]

    made = proof(town, key, "GET", "/v1/cases")
    url = f"{town.origin}/v1/cases"
    for _ in range(2):
        assert await Proofs(town.clock, Forgetful()).key(Request, url)
    figure.control("each process remembers for itself: a proof is taken once by each of them")


async def test_the_metadata_says_how_tokens_are_had(town):
    got = await town.raw("GET", "/.well-known/oauth-authorization-server")
    told = got.json
    assert (got.status, told["issuer"]) == (200, town.origin)
    assert told["token_endpoint"] == f"{town.origin}/oauth/token"
    assert told["token_endpoint_auth_methods_supported"][0] == "private_key_jwt"
    assert "RS256" not in told["token_endpoint_auth_signing_alg_values_supported"]
    assert (await town.raw("GET", told["jwks_uri"].removeprefix(town.origin))).status == 200
