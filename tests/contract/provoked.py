"""Each problem the API can tell, with a request that brings it about."""

import asyncio
import io

from api_citizens import begin, give, logged_in
from api_town import GOOD_FORM

from aggregator.api.problem import KINDS

FIELDS = {"type", "title", "status", "detail", "instance", "code", "request_id", "effect", "safe_to_retry"}
JSON = {"Content-Type": "application/json"}


class Broken:
    """A desk whose store or code fails at one of its uses."""

    def __init__(self, desk, use, error):
        self._desk, self._use, self._error = desk, use, error

    def __getattr__(self, name):
        if name != self._use:
            return getattr(self._desk, name)

        async def fail(*_args, **_named):
            raise self._error

        return fail


async def malformed(town):
    headers = town.headers() | JSON
    return await town.raw("POST", "/v1/services/office.permit/form-checks", data=b'{"form": {', headers=headers)


async def invalid(town):
    return await town.open(form={"name": "x", "mobile": "12"})


async def stale_cursor(town):
    return await town.ask("GET", "/cases?cursor=1.Y2FzZV8x.AAAA")


async def keyless(town):
    return await town.ask("POST", "/cases", json={"service_id": "office.permit", "form": GOOD_FORM})


async def anonymous(town):
    return await town.raw("GET", "/v1/cases")


async def unauthorised(town):
    return await town.ask("GET", "/cases", portal="reader")


async def nowhere(town):
    return await town.ask("GET", "/cases/case_01JCZ5QK8V9XW3T6R2M4N7P0AB")


async def wrong_method(town):
    return await town.ask("DELETE", "/cases")


async def wrong_type(town):
    headers = town.headers(Idempotency_Key="k") | {"Content-Type": "text/plain"}
    return await town.raw("POST", "/v1/cases", data=b"{}", headers=headers)


async def oversize(town):
    headers = town.headers(Idempotency_Key="k") | JSON
    return await town.raw("POST", "/v1/cases", data=io.BytesIO(b" " * 1_100_000), headers=headers)


async def in_progress(town):
    town.office.held = asyncio.Event()
    first = asyncio.create_task(town.open("same"))
    await asyncio.sleep(0.2)
    got = await town.open("same")
    town.office.held.set()
    assert (await first).status == 201
    return got


async def impossible(town):
    case = (await town.open()).json
    return await town.ask("POST", f"/cases/{case['id']}/actions", json={"action": "WITHDRAW"}, Idempotency_Key="w")


async def reused(town):
    await town.open("same")
    return await town.open("same", form={"name": "Another", "mobile": "9000000000"})


async def agency_budget(town):
    body = {"form": {"consumer": "123456"}}
    spent = []
    for _ in range(20):  # a busy machine may be slower than the share grows back
        asked = (town.ask("POST", "/services/office.bill/enquiries", json=body) for _ in range(60))
        spent += [got for got in await asyncio.gather(*asked) if got.status == 429]
        if spent:
            break
    return spent[0]


async def agency_away(town):
    case = (await town.open()).json
    town.office.down = True
    return await town.ask("GET", f"/cases/{case['id']}/document", Prefer="wait=1")


async def portal_for_citizen(town):
    return await town.ask("GET", "/citizens/me")


async def wrong_code(town):
    began = await begin(town, "9000000042")
    code = "000000" if town.codes.code("+919000000042") != "000000" else "000001"
    return await give(town, began.json["session_id"], code)


async def change_of_a_citizen(town, change, **headers):
    await logged_in(town, "9000000042", name="asha")
    return await town.ask("PATCH", "/citizens/me", portal="asha", json=change, **headers)


async def unconfirmed(town):
    return await change_of_a_citizen(town, {"mobile": "9000000077"}, If_Match="*")


async def stale_version(town):
    return await change_of_a_citizen(town, {"gender": "FEMALE"}, If_Match='"77"')


async def versionless(town):
    return await change_of_a_citizen(town, {"gender": "FEMALE"})


async def not_theirs(town):
    await logged_in(town, "9000000042", name="asha")
    body = {"service_id": "office.dues", "form": {"account": "A1"}, "amount": "1.00"}
    return await town.ask("POST", "/citizens/me/links", portal="asha", json=body)


async def behind_their_back(town):
    name = (await logged_in(town, "9000000042"))["citizen_id"]
    return await town.ask("GET", f"/citizens/{name}/bills")


PROVOKED = {
    "link-not-verified": not_theirs,
    "wrong-token": portal_for_citizen,
    "code-not-accepted": wrong_code,
    "confirmation-needed": unconfirmed,
    "precondition-failed": stale_version,
    "precondition-required": versionless,
    "malformed-request": malformed,
    "validation-failed": invalid,
    "cursor-stale": stale_cursor,
    "idempotency-key-missing": keyless,
    "not-authenticated": anonymous,
    "insufficient-scope": unauthorised,
    "consent-required": behind_their_back,
    "not-found": nowhere,
    "method-not-allowed": wrong_method,
    "not-supported": wrong_type,
    "too-large": oversize,
    "request-in-progress": in_progress,
    "action-not-possible": impossible,
    "idempotency-key-reused": reused,
    "agency-budget-spent": agency_budget,
    "agency-unavailable": agency_away,
}


ELSEWHERE = {"payment-in-doubt", "rate-limited", "overloaded", "store-unavailable", "internal"}


def shaped(got, code, effect="none"):
    """The problem, after checking what every problem must have."""
    assert got.headers["Content-Type"] == "application/problem+json"
    problem = got.json
    assert problem.keys() >= FIELDS
    assert problem["code"] == code
    assert problem["status"] == got.status == KINDS[code].status
    assert problem["effect"] == effect
    assert problem["request_id"] == got.headers["Request-Id"]
    assert problem["what_you_should_do"]
    assert problem["type"].endswith(f"/problems/{code}")
    if "Retry-After" in got.headers:
        assert "next_check_at" in problem
    return problem
