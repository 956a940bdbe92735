"""The fixed texts of the contract documents: who it is for, which headers every answer has, what each right means."""

from typing import Any

_TEXT = {"type": "string", "maxLength": 300, "pattern": "^[ -~]*$"}

INFO: dict[str, dict[str, Any]] = {
    "citizen": {
        "title": "Citizen services",
        "summary": "One interface to the services of a city's agencies.",
        "description": (
            "For portals, kiosks and chat channels. After a case is accepted the agency's trouble is in the case and "
            "never in an HTTP error. Idempotency keys are kept 90 days."
        ),
        "x-api-id": "6f1d2c0e-6f43-4b6e-9a0b-2a0c1d9b7e01",
        "x-audience": "external-public",
    },
    "catalogue": {
        "title": "Catalogue of citizen services",
        "summary": "The words, places and days the services of a city are made of.",
        "description": (
            "For pages that let people browse, and for whoever harvests the catalogue. Services themselves are in the "
            "citizen document."
        ),
        "x-api-id": "6f1d2c0e-6f43-4b6e-9a0b-2a0c1d9b7e04",
        "x-audience": "external-public",
    },
    "operations": {
        "title": "Operations of the citizen service aggregator",
        "summary": "How calls to agencies are going.",
        "description": "For operators and the operations centre. From our own calls; no agency is asked.",
        "x-api-id": "6f1d2c0e-6f43-4b6e-9a0b-2a0c1d9b7e02",
        "x-audience": "company-internal",
    },
    "feeds": {
        "title": "Feeds of the citizen service aggregator",
        "summary": "Everything that happened, in commit order.",
        "description": "HTTP Feeds: CloudEvents after a position. No event has a field for personal data.",
        "x-api-id": "6f1d2c0e-6f43-4b6e-9a0b-2a0c1d9b7e03",
        "x-audience": "company-internal",
    },
}
LICENCE: dict[str, Any] = {
    "contact": {"name": "City help desk", "url": "https://city.example/help", "email": "api@city.example"},
    "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
    "termsOfService": "https://city.example/terms",
}
TAGS: dict[str, dict[str, str]] = {
    "documents": {"name": "documents", "description": "Files a citizen brings along."},
    "services": {"name": "services", "description": "What the city offers."},
    "agencies": {"name": "agencies", "description": "Who provides it."},
    "cases": {"name": "cases", "description": "What a citizen starts and follows."},
    "citizens": {"name": "citizens", "description": "Everything of one citizen's, over all linked agencies."},
    "receipts": {"name": "receipts", "description": "A signed receipt brought back: its case, whatever was lost."},
    "sessions": {"name": "sessions", "description": "Logging citizens in and out."},
    "assistances": {
        "name": "assistances",
        "description": "Acting for a citizen at a counter, with the citizen's code.",
    },
    "payments": {"name": "payments", "description": "Bills paid through the city: collected, posted, given back."},
    "track": {"name": "track", "description": "Status by tracking number."},
    "worklist": {"name": "worklist", "description": "What waits for people, and what they decide."},
    "nominee-claims": {"name": "nominee-claims", "description": "Nominees who ask to act, and what officers decide."},
    "overrides": {"name": "overrides", "description": "Agencies that operators have stopped."},
    "catalogue": {"name": "catalogue", "description": "Words, places and days people browse by."},
    "health": {"name": "health", "description": "How calls to agencies are going."},
    "audit": {"name": "audit", "description": "Signed roots of the log, and proofs under them."},
    "feeds": {"name": "feeds", "description": "The log of everything that happened."},
}
DOCUMENTED = {
    "documents.read": "Read what this portal's citizens uploaded.",
    "documents.write": "Upload documents.",
    "services.read": "Read services, forms and agencies, and ask agencies live.",
    "cases.read": "Read this portal's cases.",
    "cases.write": "Open and change cases.",
    "citizens.read": "Ask the agencies what they hold of a citizen.",
    "payments.read": "Ask the agencies what a citizen owes, and read this portal's payments.",
    "payments.write": "Pay bills, and want the money back.",
    "track.read": "Read the status of a tracking number.",
    "feeds.read": "Read the feeds.",
    "operations.read": "Read how calls to agencies are going, and the worklist.",
    "audit.read": "Read the signed roots of the log, and proofs.",
    "consents.read": "Read what a citizen allowed, and who looked.",
    "consents.write": "Give and withdraw a citizen's consents.",
    "assistance.write": "Act for citizens at a counter, with their code.",
    "nominees.write": "Decide whether a nominee may act for a citizen.",
    "operations.write": "Decide what waits for people; stop an agency and let it go on.",
    "sessions.write": "Log citizens in and out.",
    "citizens.write": "Register citizens and change what they say about themselves.",
    "links.read": "Read which records at agencies are a citizen's.",
    "links.write": "Link a citizen to records at agencies, and unlink.",
}
SCHEMES: dict[str, dict[str, Any]] = {
    "OAuth2": {
        "type": "oauth2",
        "description": "Client credentials. Access tokens are JWTs checked as RFC8725 says; they live ten minutes.",
    }
}


def _header(about: str, example: str, **schema: Any) -> dict[str, Any]:
    return {"description": about, "example": example, "schema": {**_TEXT, "example": example, **schema}}


HEADERS: dict[str, Any] = {
    "Access-Control-Allow-Origin": _header("Only ever a registered origin.", "https://portal.example"),
    "Cache-Control": _header("`no-store` wherever a citizen is in it.", "no-store"),
    "Content-Language": _header("The language of the texts.", "or"),
    "ETag": _header("Strong validator.", '"7.1763719200.0.0.en"'),
    "Idempotency-Replayed": _header("`true`: this is the first answer to the key again.", "true"),
    "Link": _header("The next page.", '<https://city.example/v1/cases?cursor=1.eA.c2ln>; rel="next"', maxLength=2100),
    "Location": _header("Where the case is.", "/v1/cases/case_01JCZ5QK8V9XW3T6R2M4N7P0AB"),
    "Preference-Applied": _header("What of `Prefer` was honoured.", "wait=2"),
    "RateLimit": _header("What is left of each limit, and seconds until it is full again.", '"default";r=5999;t=1'),
    "RateLimit-Policy": _header("The limits that apply.", '"default";q=6000;w=60'),
    "Request-Id": _header("This request's id.", "req_01JCZ5QK8V9XW3T6R2M4N7P0AB"),
    "Retry-After": {
        "description": "Seconds after which it makes sense to ask again.",
        "example": 2,
        "schema": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 31_536_000, "example": 2},
    },
    "Vary": _header("What else the answer depends on.", "Accept-Language, Origin"),
}
ANSWER_HEADERS = (
    "Access-Control-Allow-Origin",
    "Cache-Control",
    "Content-Language",
    "RateLimit",
    "RateLimit-Policy",
    "Request-Id",
    "Vary",
)
HEADER_PARAMETERS: dict[str, dict[str, Any]] = {
    "Accept-Language": {
        "required": False,
        "description": "en, or, hi with q-values; anything else gives English.",
        "example": "or, hi;q=0.8",
        "schema": {**_TEXT},
    },
    "Idempotency-Key": {
        "required": True,
        "description": "One key per intention, quoted or bare; kept 90 days.",
        "example": '"7f3c2b1e-0d7a-4c1f-9a63-5d3a8c1c2e10"',
        "schema": {
            "type": "string",
            "maxLength": 255,
            "pattern": '^("[!#-\\[\\]-~]{1,253}"|[!#-~]{1,255})$',
        },
    },
    "Prefer": {
        "required": False,
        "description": "`wait=N`: seconds to wait for a settled answer, 0 to 30, default 2; `respond-async` is 0.",
        "example": "wait=5",
        "schema": {**_TEXT, "maxLength": 200},
    },
    "If-Match": {
        "required": True,
        "description": "The tag of the version that is changed.",
        "example": '"7"',
        "schema": {**_TEXT},
    },
    "If-None-Match": {
        "required": False,
        "description": "The tag last seen.",
        "example": '"7.1763719200.0.0.en"',
        "schema": {**_TEXT},
    },
}
