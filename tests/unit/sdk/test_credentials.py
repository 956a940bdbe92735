"""Signatures and secrets against their published vectors, and tokens that nobody else could have signed."""

import base64
import hashlib
import json
from datetime import UTC, datetime

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from aggregator.sdk.auth import (
    BodyHmac,
    SharedSecretCipher,
    Signer,
    Unverified,
    hmac_base64,
    password_digest,
    same,
)
from aggregator.sdk.errors import ContractBroken

DIGILOCKER = (
    b'<?xml version="1.0" encoding="UTF-8"?><PullURIRequest ver="3.0" ts="2026-01-15T10:00:00+05:30" '
    b'txn="SIMTXN0001" orgId="in.gov.sim" format="both"><DocDetails><DocType>RVCER</DocType>'
    b"<DigiLockerId>00000000-0000-4000-8000-000000000000</DigiLockerId><UDF1>OD99ZZ0000</UDF1></DocDetails>"
    b"</PullURIRequest>"
)


def test_the_digilocker_signature_is_over_the_bytes_on_the_wire():
    assert len(DIGILOCKER) == 299
    expected = "zCqE6Fj/tKHVomAZudcX/iFr6ymlnsV/Y9dE/449Fmg="
    assert hmac_base64("sim-digilocker-key", DIGILOCKER) == expected
    assert hmac_base64("sim-digilocker-key", DIGILOCKER + b"\n") == "qKbsf4dJBe9ivo3gy/6jbPPtLGZLIxnxRuVMdQDSqDs="
    assert BodyHmac("sim-digilocker-key").headers("POST", "", DIGILOCKER) == {"x-digilocker-hmac": expected}
    assert same(expected, expected)
    assert not same(expected, expected[:-1])


def test_the_password_digest_has_its_published_value():
    nonce = bytes(range(16))
    assert base64.b64encode(nonce) == b"AAECAwQFBgcICQoLDA0ODw=="
    digest = password_digest(nonce, "2026-01-15T04:30:00Z", "sim-police-password")
    assert digest == "mdHmW70Ii7IMwQTx12MsNouzQH4="


@pytest.mark.parametrize(
    ("secret", "plain", "sealed"),
    [
        (
            "sim-vahan-secret-01",
            "Vehicle Registration No not valid",
            "ZV020sPPeHLOSCQWpJKgAgDlR5DmVLObRPdvek3QXX3puBAMgOQKg2Rg1lvozhBi",
        ),
        ("short", "OK", "ZHp8NDmHaiuYG1ZdgcLulw=="),
        (
            "sim-vahan-secret-01",
            "<VehicleDetails><stautsMessage>OK</stautsMessage><rc_regn_no>OD99ZZ0000</rc_regn_no></VehicleDetails>",
            (
                "36HDEpmRi2uH1xEJGCmZc3SOEUzlNJ5KkPNsJihRpUOxWWzSHRS3yLNBRyrUJORYUuBwrpOMasCuAYMAiztpmT5edi+FEcy0kbZ/Fjt5"
                "htGBrOQlDz5Y4AcAdgNexwWYEGfgNxz4c0qzB4Cv/oP/8A=="
            ),
        ),
    ],
)
def test_the_string_cipher_has_its_published_values(secret, plain, sealed):
    cipher = SharedSecretCipher(secret)
    assert cipher.encrypt(plain) == sealed
    assert cipher.decrypt(sealed) == plain
    lines = "\r\n".join(sealed[at : at + 76] for at in range(0, len(sealed), 76))
    assert cipher.decrypt(lines) == plain


@pytest.mark.parametrize("text", ["", "????", "AAAA", "ZV020sPPeHLOSCQWpJKgAgDlR5DmVLObRPdvek3QXX3p", "ଓ"])
def test_a_ciphertext_cut_or_changed_is_garbled(text):
    with pytest.raises(ContractBroken) as caught:
        SharedSecretCipher("sim-vahan-secret-01").decrypt(text)
    assert caught.value.garbled


def test_a_plaintext_in_another_charset_is_garbled_but_its_bytes_can_be_had():
    cipher = SharedSecretCipher("s")
    sealed = cipher.encrypt("caf\u00e9")
    assert cipher.decrypt_bytes(sealed) == "caf\u00e9".encode()
    with pytest.raises(ContractBroken):
        SharedSecretCipher("another").decrypt(sealed)


NOW = datetime(2026, 1, 15, 4, 30, tzinfo=UTC)
CLAIMS = {"iss": "city", "aud": "portal", "exp": int(NOW.timestamp()) + 60, "sub": "ctz_1"}


@pytest.fixture(scope="module")
def signer():
    return Signer.generate()


def test_a_token_of_ours_is_read_back_here_and_after_a_restart(signer):
    token = signer.sign(CLAIMS)
    again = Signer.from_pem(signer.pem())
    assert again.verify(token, audience="portal", issuer="city", now=NOW) == CLAIMS
    assert again.jwks() == signer.jwks()


@pytest.mark.parametrize("missing", ["aud", "iss", "exp"])
def test_cr2_a_token_without_audience_issuer_or_expiry_is_no_token(signer, missing):
    claims = {key: value for key, value in CLAIMS.items() if key != missing}
    token = signer.sign(claims)
    # The naive control: an empty claims registry has nothing against it.
    jwt.JWTClaimsRegistry(now=int(NOW.timestamp())).validate(
        jwt.decode(token, signer._key, algorithms=["ES256"]).claims
    )
    with pytest.raises(Unverified):
        signer.verify(token, audience="portal", issuer="city", now=NOW)


@pytest.mark.parametrize(
    "change", [{"aud": "other"}, {"iss": "other"}, {"exp": 0}, {"exp": "soon"}, {"nbf": int(NOW.timestamp()) + 600}]
)
def test_a_token_for_somebody_else_or_another_time_is_not_valid(signer, change):
    with pytest.raises(Unverified):
        signer.verify(signer.sign({**CLAIMS, **change}), audience="portal", issuer="city", now=NOW)


def test_a_receipt_does_not_expire_and_still_nobody_else_can_write_one(signer):
    token = signer.sign({**CLAIMS, "exp": 1})
    assert signer.receipt(token)["sub"] == "ctz_1"
    with pytest.raises(Unverified):
        Signer.generate().receipt(token)


def _compact(header: dict, claims: dict, signature: bytes) -> str:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    return ".".join([part(json.dumps(header).encode()), part(json.dumps(claims).encode()), part(signature)])


def test_cr1_no_other_algorithm_is_accepted_whatever_the_token_says(signer):
    public = ECKey.import_key(signer.jwks()["keys"][0]).as_pem(private=False)
    forged = [
        _compact({"alg": "none"}, CLAIMS, b""),
        _compact({"alg": "ES256"}, CLAIMS, b"\0" * 64),
        # Algorithm confusion: the public key as the secret of an HMAC.
        jwt.encode({"alg": "HS256"}, CLAIMS, OctKey.import_key(hashlib.sha256(public).digest()), algorithms=["HS256"]),
        jwt.encode({"alg": "RS256"}, CLAIMS, RSAKey.generate_key(2048), algorithms=["RS256"]),
        "",
        "a.b",
        "a.b.c",
        "ଓ.ଓ.ଓ",
        signer.sign(CLAIMS) + "x",
    ]
    for token in forged:
        with pytest.raises(Unverified):
            signer.verify(token, audience="portal", issuer="city", now=NOW)


def test_what_we_publish_has_no_private_half(signer):
    (key,) = signer.jwks()["keys"]
    assert "d" not in key
    assert (key["alg"], key["use"], key["crv"]) == ("ES256", "sig", "P-256")


@pytest.mark.parametrize("pem", [b"", b"not pem"])
def test_a_key_that_is_none_is_refused(pem):
    with pytest.raises(ValueError, match="P-256"):
        Signer.from_pem(pem)


def test_a_key_of_another_kind_or_without_its_private_half_is_refused(signer):
    others = [
        ECKey.generate_key("P-384").as_pem(private=True),
        RSAKey.generate_key(2048).as_pem(private=True),
        ECKey.import_key(signer.jwks()["keys"][0]).as_pem(private=False),
    ]
    for pem in others:
        with pytest.raises(ValueError, match="P-256"):
            Signer.from_pem(pem)
