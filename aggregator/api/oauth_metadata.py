"""What an OAuth client asks before anything else: where tokens are had, by which proofs and grants (RFC 8414)."""

import msgspec
from aiohttp import web

from aggregator.api.edge import SLIP
from aggregator.api.oauth_grants import EXCHANGE
from aggregator.citizens.rights import SCOPES
from aggregator.sdk.proof import CLIENT_ALGORITHMS, PROOF_ALGORITHMS

METADATA = "/.well-known/oauth-authorization-server"


async def metadata(request: web.Request) -> web.Response:
    """GET /.well-known/oauth-authorization-server."""
    origin = request[SLIP].origin
    told = {
        "issuer": origin,
        "token_endpoint": f"{origin}/oauth/token",
        "jwks_uri": f"{origin}/oauth/jwks.json",
        "scopes_supported": sorted(SCOPES),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials", "refresh_token", EXCHANGE],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic", "client_secret_post"],
        "token_endpoint_auth_signing_alg_values_supported": CLIENT_ALGORITHMS,
        "dpop_signing_alg_values_supported": PROOF_ALGORITHMS,
        "tls_client_certificate_bound_access_tokens": True,
        "service_documentation": f"{origin}/docs",
        "ui_locales_supported": ["en", "or", "hi"],
    }
    headers = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "public, max-age=300"}
    return web.Response(body=msgspec.json.encode(told), headers=headers)
