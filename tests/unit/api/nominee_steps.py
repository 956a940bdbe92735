"""The steps of a nomination, as a citizen, a nominee and two officers take them over HTTP."""

from typing import Any

from api_citizens import confirmation, later, logged_in
from api_town import Town

from aggregator.citizens.rights import KINDS

ASHA, RAVI = "9000000042", "9000000043"
DAY_S = 86_400
PAPER = {"why": "DEATH", "certificate": "DEATH_CERTIFICATE", "certificate_number": "D-2026-7781"}
ILL = {"why": "INCAPACITY", "certificate": "MEDICAL_CERTIFICATE", "certificate_number": "M-17/2026"}


async def people(town: Town) -> None:
    """Asha with a record, and Ravi with his."""
    for mobile, name in ((ASHA, "Asha Das"), (RAVI, "Ravi Das")):
        await logged_in(town, mobile)
        said = {"name": name, "date_of_birth": "1950-01-02"}
        got = await town.ask("PATCH", "/citizens/me", portal=mobile, json=said, If_Match="*")
        assert got.status == 200, got.body


async def officers(town: Town) -> None:
    """Two officers, each with a client of their own."""
    for name in ("first", "second"):
        secret = await town.parts.portals.add(name, contact="a@city.example", scopes=KINDS["OPERATOR"], kind="OPERATOR")
        town.secrets[name] = secret
        town.tokens[name] = (await town.token(name)).json["access_token"]


async def stepped(town: Town, who: str) -> list[str]:
    return [await confirmation(town, who, "CONFIRM", f"+91{who}")]


async def named(town: Town, *, mobile: str = RAVI, who: str = ASHA, **more: Any) -> Any:
    body = {"name": "Ravi, my brother", "mobile": mobile, "confirmations": await stepped(town, who), **more}
    return await town.ask("POST", "/citizens/me/nominations", portal=who, json=body)


async def accepted(town: Town, nomination_id: str, who: str = RAVI) -> Any:
    body = {"accept": True, "confirmations": await stepped(town, who)}
    return await town.ask("POST", f"/citizens/me/nominators/{nomination_id}/answers", portal=who, json=body)


async def asked(town: Town, nomination_id: str, who: str = RAVI, **more: Any) -> Any:
    body = {**PAPER, "confirmations": await stepped(town, who), **more}
    return await town.ask("POST", f"/citizens/me/nominators/{nomination_id}/claims", portal=who, json=body)


async def decided(town: Town, claim_id: str, by: str, name: str, decision: str = "GRANT") -> Any:
    body = {"decision": decision, "by": name, "note": "Looked it up at the registrar's."}
    return await town.ask("POST", f"/nominee-claims/{claim_id}/decisions", portal=by, json=body)


async def acting(town: Town, nomination_id: str, who: str = RAVI, **more: Any) -> Any:
    """The nominee's token is `nominee`."""
    body = {"confirmations": await stepped(town, who), **more}
    got = await town.ask("POST", f"/citizens/me/nominators/{nomination_id}/sessions", portal=who, json=body)
    if got.status == 201:
        town.tokens["nominee"] = got.json["access_token"]
    return got


async def granted(town: Town, **paper: Any) -> tuple[str, str]:
    """A nomination that was accepted and claimed, and the claim granted: their ids."""
    nomination_id = (await named(town)).json["nomination_id"]
    assert (await accepted(town, nomination_id)).status == 201
    claim_id = (await asked(town, nomination_id, **paper)).json["claim_id"]
    assert (await decided(town, claim_id, "first", "A. Sahu")).json["outcome"] == "PROPOSED"
    assert (await decided(town, claim_id, "second", "B. Nayak")).json["outcome"] == "GRANTED"
    return nomination_id, claim_id


async def days(town: Town, count: float) -> None:
    """Time goes by; who was logged in logs in again."""
    await later(town, count * DAY_S)
    for mobile in (ASHA, RAVI):
        await logged_in(town, mobile)


async def in_force(town: Town, **paper: Any) -> str:
    """A nominee who may act: the nomination's id."""
    nomination_id, _ = await granted(town, **paper)
    await days(town, 8)
    return nomination_id
