"""The REST enquiry as it is usually written in Python: aiohttp on both sides, tenacity, pybreaker, a timeout, a map.

Argument: the agency's address.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pybreaker
import tenacity
from aiohttp import web
from served import serve

WORDS = {"trackstatus.review": "IN_PROGRESS"}
BREAKER = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=5)
SESSION: web.AppKey[aiohttp.ClientSession] = web.AppKey("session", aiohttp.ClientSession)


@tenacity.retry(
    stop=tenacity.stop_after_attempt(3), retry=tenacity.retry_if_exception_type(aiohttp.ClientConnectionError)
)
async def asked(session: aiohttp.ClientSession, url: str, form: dict[str, str]) -> Any:
    year, month, day = form["date_of_birth"].split("-")
    wish = {"fileNo": form["file_no"], "applDob": f"{day}/{month}/{year}", "optStatus": "Application_Status"}
    with BREAKER.calling():
        async with (
            asyncio.timeout(12),
            session.post(url + "/v1/online/trackStatusForFileNo", json={"requestResponseMap": wish}) as reply,
        ):
            reply.raise_for_status()
            return await reply.json()


def normalised(answer: Any, form: dict[str, str]) -> dict[str, Any]:
    row = answer["requestResponseMap"]["applicationStatus"][0]
    if row["FILE_NO"] != form["file_no"]:
        raise web.HTTPBadGateway
    values = {"status": WORDS[row["TXT_MSG_KEY"]], "agency_words": row["STATUS_MESSAGE"], "file_no": row["FILE_NO"]}
    line = {"agency": "passport", "result": "VALUE", "values": [{"name": k, "value": v} for k, v in values.items()]}
    return {"service_id": "passport.file_status", "lines": [line]}


async def enquire(request: web.Request) -> web.Response:
    form = (await request.json())["form"]
    answer = await asked(request.app[SESSION], sys.argv[1], form)
    return web.json_response(normalised(answer, form))


async def with_session(app: web.Application) -> AsyncIterator[None]:
    app[SESSION] = aiohttp.ClientSession()
    yield
    await app[SESSION].close()


if __name__ == "__main__":
    usual = web.Application()
    usual.cleanup_ctx.append(with_session)
    usual.router.add_post("/v1/services/{service}/enquiries", enquire)
    serve(usual)
