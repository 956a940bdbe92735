"""S16, our side: a bound token is worth nothing without its key or certificate; a used refresh credential is caught.

The control is a bearer token: whoever saw it may use it.
"""

import json
import ssl
from dataclasses import replace

import aiohttp
import pytest
import trustme
from api_citizens import DEVICE, begin, give, logged_in
from api_town import running_town
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from aggregator.api.app import DOOR, make_app
from aggregator.api.door import listen
from aggregator.api.oauth_grants import EXCHANGE
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import SystemClock
from aggregator.sdk.proof import digest
from aggregator.store import open_store

ISSUER = "https://login.one.example"


def proof(town, key, method, path, *, token="", **changed):
    claims = {"htm": method, "htu": town.origin + path, "iat": int(town.clock.now().timestamp()), "jti": "p-1"}
    if token:
        claims["ath"] = digest(token.encode())
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims | changed, key, algorithms=["ES256"])


async def token_of(town, key=None, portal="one", **more):
    secret = town.secrets[portal]
    form = {"grant_type": "client_credentials", "client_id": secret.portal_id, "client_secret": secret.secret, **more}
    headers = {"DPoP": proof(town, key, "POST", "/oauth/token", jti=f"t-{len(more)}")} if key else {}
    return await town.raw("POST", "/oauth/token", data=form, headers=headers)


@pytest.fixture
def key():
    return ECKey.generate_key("P-256", private=True)


@pytest.mark.figure("S16", "bound tokens")
async def test_a_bound_token_works_once_per_proof_and_for_its_key_alone(town, key, figure):
    got = (await token_of(town, key)).json
    assert got["token_type"] == "DPoP"
    token = got["access_token"]

    async def use(shown=key, path="/v1/cases", scheme="DPoP", **changed):
        made = proof(town, shown, "GET", path, token=changed.pop("token", token), **changed)
        return (await town.raw("GET", "/v1/cases", headers={"Authorization": f"{scheme} {token}", "DPoP": made})).status

    now = int(town.clock.now().timestamp())
    assert await use(jti="a") == 200
    assert await use(jti="a") == 401
    assert await use(jti="b") == 200
    stranger = ECKey.generate_key("P-256", private=True)
    refused = {
        "another key": {"shown": stranger, "jti": "c"},
        "another address": {"path": "/v1/services", "jti": "d"},
        "another method": {"htm": "POST", "jti": "e"},
        "an old one": {"iat": now - 61, "jti": "f"},
        "one of the future": {"iat": now + 120, "jti": "g"},
        "for another token": {"token": "other", "jti": "h"},
        "without an id": {"jti": ""},
    }
    for name, how in refused.items():
        assert await use(**how) == 401, name
    bare = await town.raw("GET", "/v1/cases", headers={"Authorization": f"DPoP {token}"})
    bearer = await town.raw("GET", "/v1/cases", headers={"Authorization": f"Bearer {token}"})
    assert (bare.status, bearer.status) == (401, 401)
    assert bare.headers["WWW-Authenticate"].startswith("DPoP ")
    figure.measured(f"{len(refused) + 3} ways to use one without its key, replays included: 0 let in")


@pytest.mark.figure("S16", "bound tokens")
async def test_the_control_a_bearer_token_works_for_whoever_saw_it(town, key, figure):
    token = (await token_of(town)).json["access_token"]
    for _ in range(2):
        assert (await town.raw("GET", "/v1/cases", headers={"Authorization": f"Bearer {token}"})).status == 200
    made = proof(town, key, "GET", "/v1/cases", token=token)
    mixed = await town.raw("GET", "/v1/cases", headers={"Authorization": f"DPoP {token}", "DPoP": made})
    assert mixed.status == 401
    figure.control("a bearer token: 2 of 2 uses by whoever saw it")


@pytest.mark.figure("S16", "bound tokens")
async def test_a_proof_is_used_after_a_restart_too_and_after_a_power_loss_none_from_before_is_taken(
    sqlite_url, opened, key, figure
):
    async def using(store, made=None, push=0.0):
        """The answer to a proof, and the proof: a new one, or this one."""
        async with running_town(store, signer=signer, base_url="https://city.example") as running:
            running.clock.push(push)
            town = AtItsAddress(running)
            secret = town.secrets["one"]
            form = {"grant_type": "client_credentials", "client_id": secret.portal_id, "client_secret": secret.secret}
            shown = {"DPoP": proof(town, key, "POST", "/oauth/token", jti=f"t{len(answers)}")}
            got = await town.raw("POST", "/oauth/token", data=form, headers=shown)
            if got.status != 200:
                return got.status, made
            token = made[0] if made else got.json["access_token"]
            made = made or (token, proof(town, key, "GET", "/v1/cases", token=token, jti="p"))
            used = {"Authorization": f"DPoP {token}", "DPoP": made[1]}
            return (await town.raw("GET", "/v1/cases", headers=used)).status, made

    class AtItsAddress:
        origin = "https://city.example"

        def __init__(self, town):
            self.clock, self.secrets, self.raw = town.clock, town.secrets, town.raw

    signer, answers = Signer.generate(), []
    store = await opened(sqlite_url)
    status, made = await using(store)
    answers.append(status)
    await store.close()
    store = await opened(sqlite_url)
    answers.append((await using(store, made))[0])
    await store.close()
    store = open_store(sqlite_url, clock=SystemClock())
    store._once._boot = "another boot"
    await store.open()
    answers += [(await using(store, made))[0], (await using(store))[0]]
    answers.append((await using(store, push=121.0))[0])
    await store.close()
    assert answers[:2] == [200, 401]
    assert answers[2:4] == [400, 400], "no token is given for a proof that may be from before, and no old one is taken"
    assert answers[4] == 200
    figure.measured("a proof stays used over restarts; after a power loss none of before, and again after two minutes")


async def test_a_portal_whose_tokens_must_be_bound_gets_no_other(town, key):
    secret = await town.parts.portals.add("Bound", contact="a@b.example", scopes=["services.read"], bound=True)
    town.secrets["bound"] = secret
    got = await token_of(town, portal="bound")
    assert (got.status, got.json) == (400, {"error": "invalid_dpop_proof"})
    assert (await token_of(town, key, portal="bound")).status == 200


async def test_a_proof_signed_with_another_algorithm_or_showing_a_private_key_is_none(town):
    rsa = RSAKey.generate_key(2048, private=True)
    claims = {"htm": "POST", "htu": f"{town.origin}/oauth/token", "iat": int(town.clock.now().timestamp()), "jti": "x"}
    header = {"alg": "RS256", "typ": "dpop+jwt", "jwk": rsa.as_dict(private=False)}
    ec = ECKey.generate_key("P-256", private=True)
    private = {"alg": "ES256", "typ": "dpop+jwt", "jwk": ec.as_dict(private=True)}
    for made in (
        jwt.encode(header, claims, rsa, algorithms=["RS256"]),
        jwt.encode(private, claims, ec, algorithms=["ES256"]),
        "nonsense",
    ):
        secret = town.secrets["one"]
        form = {"grant_type": "client_credentials", "client_id": secret.portal_id, "client_secret": secret.secret}
        got = await town.raw("POST", "/oauth/token", data=form, headers={"DPoP": made})
        assert got.json == {"error": "invalid_dpop_proof"}


async def refresh(town, credential, portal="one"):
    return await town.token(portal, grant_type="refresh_token", refresh_token=credential)


async def test_a_refresh_credential_works_once_and_a_second_use_ends_the_session_for_both(both_towns):
    town = both_towns
    logged = await logged_in(town, "9000000042", name="asha")
    first = await refresh(town, logged["refresh_token"])
    assert first.status == 200
    assert first.json["citizen_id"] == logged["citizen_id"]
    town.tokens["asha"] = first.json["access_token"]
    assert (await town.ask("GET", "/citizens/me", portal="asha")).status == 200
    stolen = await refresh(town, logged["refresh_token"])
    assert (stolen.status, stolen.json) == (400, {"error": "invalid_grant"})
    assert (await refresh(town, first.json["refresh_token"])).status == 400
    town.clock.push(5.1)
    assert (await town.ask("GET", "/citizens/me", portal="asha")).status == 401


async def test_a_refresh_credential_of_one_portal_is_nothing_at_another(town):
    logged = await logged_in(town, "9000000042")
    assert (await refresh(town, logged["refresh_token"], portal="two")).status == 400
    assert (await refresh(town, logged["refresh_token"])).status == 200


async def exchange(town, subject, portal="one"):
    return await town.token(
        portal, grant_type=EXCHANGE, subject_token=subject,
        subject_token_type="urn:ietf:params:oauth:token-type:id_token",
    )  # fmt: skip


async def test_a_portal_s_own_log_in_becomes_a_citizen_of_ours_and_stays_the_same_one(both_towns):
    town = both_towns
    theirs = RSAKey.generate_key(2048, {"kid": "k1"}, private=True)
    await town.parts.portals.trust_issuer(
        town.secrets["one"].portal_id, ISSUER, json.dumps({"keys": [theirs.as_dict(private=False)]})
    )
    now = int(town.clock.now().timestamp())
    good = {"iss": ISSUER, "aud": town.secrets["one"].portal_id, "sub": "user-7", "exp": now + 60}

    def signed(key=theirs, alg="RS256", **changed):
        claims = {name: value for name, value in (good | changed).items() if value is not None}
        return jwt.encode({"alg": alg, "kid": "k1"}, claims, key, algorithms=[alg])

    first, again = await exchange(town, signed()), await exchange(town, signed())
    assert (first.status, first.json["citizen_id"]) == (200, again.json["citizen_id"])
    town.tokens["fed"] = first.json["access_token"]
    assert (await town.ask("GET", "/citizens/me", portal="fed")).json["state"] == "PENDING"
    other = await exchange(town, signed(sub="user-8"))
    assert other.json["citizen_id"] != first.json["citizen_id"]
    stranger = RSAKey.generate_key(2048, private=True)
    refused = {
        "over": signed(exp=now - 1),
        "without an end": signed(exp=None),
        "for another": signed(aud="prt_other"),
        "by another": signed(iss="https://evil.example"),
        "of another key": signed(key=stranger),
        "nonsense": "a.b.c",
    }
    for name, token in refused.items():
        assert (await exchange(town, token)).status == 400, name
    assert (await exchange(town, signed(), portal="two")).status == 400


@pytest.mark.figure("S16", "bound tokens")
async def test_a_token_of_a_certificate_is_refused_with_another_and_without_one(town, tmp_path, figure):
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(server)
    server.verify_mode = ssl.CERT_OPTIONAL

    def client(name=""):
        context = ssl.create_default_context()
        authority.configure_trust(context)
        if name:
            authority.issue_cert(name).configure_cert(context)
        return context

    app = make_app(replace(town.parts))
    listening = await listen(app, app[DOOR], host="127.0.0.1", port=0, drain_s=0.2, tls=server)
    origin = f"https://127.0.0.1:{listening.port}"
    secret = town.secrets["one"]
    form = {"grant_type": "client_credentials", "client_id": secret.portal_id, "client_secret": secret.secret}

    async def call(context, method, path, **more):
        connector = aiohttp.TCPConnector(ssl=context)
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            http.request(method, origin + path, **more) as got,
        ):
            return got.status, await got.json()

    ours = client("portal.one.example")
    try:
        _, told = await call(ours, "POST", "/oauth/token", data=form)
        headers = {"Authorization": f"Bearer {told['access_token']}"}
        assert (await call(ours, "GET", "/v1/cases", headers=headers))[0] == 200
        assert (await call(client("other.example"), "GET", "/v1/cases", headers=headers))[0] == 401
        assert (await call(client(), "GET", "/v1/cases", headers=headers))[0] == 401
        figure.measured("with another certificate and with none: refused")
    finally:
        await listening.close()


async def test_what_a_citizen_is_given_through_a_bound_portal_is_bound_too(town, key):
    token = (await token_of(town, key)).json["access_token"]
    began = await begin(town, "9000000042")
    code = town.codes.code("+919000000042")
    path = f"/v1/sessions/{began.json['session_id']}/verifications"
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof(town, key, "POST", path, token=token, jti="v")}
    got = await town.raw("POST", path, json={"code": code, "device": DEVICE}, headers=headers)
    assert (got.status, got.json["token_type"]) == (200, "DPoP")
    stolen = {"Authorization": f"Bearer {got.json['access_token']}"}
    assert (await town.raw("GET", "/v1/citizens/me", headers=stolen)).status == 401
    assert (await give(town, began.json["session_id"], code)).status == 409
