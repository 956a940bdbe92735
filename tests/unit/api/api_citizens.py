"""Citizens of the town: they log in, give their codes and wait."""

from typing import Any

from api_town import Reply_, Town

DEVICE = "device-of-this-citizen-01"


async def begin(town: Town, mobile: str, *, portal: str = "one", device: str = DEVICE, **more: Any) -> Reply_:
    """Asks for a code."""
    body = {"purpose": "LOGIN", "mobile": mobile, "device": device, **more}
    return await town.ask("POST", "/sessions", portal=portal, json=body)


async def give(town: Town, session_id: str, code: str, *, portal: str = "one", device: str = DEVICE) -> Reply_:
    """Gives a code."""
    path = f"/sessions/{session_id}/verifications"
    return await town.ask("POST", path, portal=portal, json={"code": code, "device": device})


async def logged_in(town: Town, mobile: str, *, portal: str = "one", name: str = "") -> dict[str, Any]:
    """A citizen's session, opened by code; its token is known to the town under `name` or the mobile."""
    session_id = (await begin(town, mobile, portal=portal)).json["session_id"]
    got = await give(town, session_id, town.codes.code(f"+91{mobile}"), portal=portal)
    assert got.status == 200, got.body
    town.tokens[name or mobile] = got.json["access_token"]
    return got.json


async def confirmation(town: Town, token: str, purpose: str, to: str, **more: Any) -> str:
    """A session of a citizen whose code was given for one thing."""
    body = {"purpose": purpose, "device": DEVICE, **more}
    began = await town.ask("POST", "/sessions", portal=token, json=body)
    assert began.status == 201, began.body
    got = await town.ask(
        "POST", f"/sessions/{began.json['session_id']}/verifications", portal=token,
        json={"code": town.codes.code(to), "device": DEVICE},
    )  # fmt: skip
    assert got.status == 200, got.body
    return began.json["session_id"]


async def later(town: Town, seconds: float) -> None:
    """Time goes by, and the portals get new tokens as they would."""
    town.clock.push(seconds)
    for name in town.secrets:
        town.tokens[name] = (await town.token(name)).json["access_token"]
