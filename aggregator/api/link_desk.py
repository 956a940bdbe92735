"""A citizen's links: made with the agency's proof, shown masked, ended at once. Proof by its own code: `link_codes`.

A claim the agency does not confirm, one that only another citizen may have, and one about nothing at all get the same
refusal. An agency that is away leaves the claim pending; asking again later needs nothing typed twice.
"""

from msgspec import UNSET

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.citizen_of import citizen_of
from aggregator.api.link_codes import asked_for, code_view, right, sentence_of
from aggregator.api.link_fill import known
from aggregator.api.link_proof import Claim, claimed, proved
from aggregator.api.link_shapes import FormValues, LinkAsked, LinkGiven, LinkList, ProofAsked, ValuesQuery
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.session_shapes import NothingGiven
from aggregator.citizens.link_codes import LinkCode
from aggregator.citizens.verified_links import VERIFIED, ElsewhereLinked, KeptLink, TooManyLinks
from aggregator.registry.agency import AGENCY_CODE


async def listing(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/links."""
    links = await call.rooms.citizens.links.of(await citizen_of(call))
    return Answer(LinkList(items=tuple([await _told(call, link) for link in links])))


async def make(call: Call) -> Answer:
    """POST /citizens/{citizen_id}/links."""
    asked: LinkAsked = call.body
    citizen_id = await citizen_of(call)
    agency = asked.agency if isinstance(asked.agency, str) else ""
    amount = asked.amount if isinstance(asked.amount, str) else ""
    proof = asked.proof if isinstance(asked.proof, str) else ""
    claim = await claimed(call, asked.service_id, agency, asked.form, amount, proof)
    draft = call.rooms.citizens.links.drafted(citizen_id, claim.agency, claim.service.id, claim.form)
    link = await _proved_and_kept(call, claim, draft)
    location = {"Location": f"/v1/citizens/me/links/{link.id}"}
    return Answer(await _told(call, link), status=201 if link.state == VERIFIED else 202, headers=location)


async def show(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/links/{link_id}."""
    return Answer(await _told(call, await _mine(call)))


async def verify(call: Call) -> Answer:
    """POST /citizens/{citizen_id}/links/{link_id}/verifications."""
    asked: ProofAsked = call.body
    link = await _mine(call)
    form = asked.form if isinstance(asked.form, dict) else link.form
    amount = asked.amount if isinstance(asked.amount, str) else ""
    coded = isinstance(asked.code, str)
    claim = await claimed(call, link.service_id, link.agency, form, amount, AGENCY_CODE if coded else "")
    draft = call.rooms.citizens.links.drafted(link.citizen_id, link.agency, link.service_id, claim.form)
    if not isinstance(asked.code, str):
        return Answer(await _told(call, await _proved_and_kept(call, claim, draft)))
    one = await right(call, claim, draft, asked.code)
    kept = await _kept(call, draft, verified=True)
    await call.rooms.citizens.link_codes.over(one)
    return Answer(await _told(call, kept))


async def send_code(call: Call) -> Answer:
    """POST /citizens/{citizen_id}/links/{link_id}/codes."""
    link = await _mine(call)
    claim = await claimed(call, link.service_id, link.agency, link.form, "", AGENCY_CODE)
    if link.state != VERIFIED:
        await asked_for(call, claim, link)
    return Answer(await _told(call, link), status=202)


async def end(call: Call) -> Answer:
    """DELETE /citizens/{citizen_id}/links/{link_id}."""
    link = await _mine(call)
    await call.rooms.citizens.link_codes.forget(link)
    await call.rooms.citizens.links.revoke(link)
    return Answer(NothingGiven(), status=204)


async def values(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/form-values."""
    query: ValuesQuery = call.query
    await citizen_of(call)
    service = call.rooms.registry().services.get(query.service_id)
    if service is None:
        raise Problem("not-found")
    found = await known(call, service, {})
    words = call.say("link.values" if found else "link.no_values")
    return Answer(FormValues(service_id=service.id, values=found, explanation=words))


async def _proved_and_kept(call: Call, claim: Claim, draft: KeptLink) -> KeptLink:
    if claim.by_code:
        same = await call.rooms.citizens.links.same(draft)
        if same is not None and same.state == VERIFIED:
            return same
        await asked_for(call, claim, draft)
        return await _kept(call, draft, verified=False)
    said = await proved(call, claim, draft)
    if said is False:
        raise Problem("link-not-verified")
    return await _kept(call, draft, verified=bool(said))


async def _kept(call: Call, draft: KeptLink, *, verified: bool) -> KeptLink:
    try:
        return await call.progress.commit(
            call.rooms.citizens.links.keep(draft, call.caller.portal_id, verified=verified),
            unmoved=lambda exc: isinstance(exc, ElsewhereLinked | TooManyLinks),
        )
    except ElsewhereLinked as exc:
        raise Problem("link-not-verified") from exc
    except TooManyLinks as exc:
        raise Problem("link-not-verified", variant="many") from exc


async def _mine(call: Call) -> KeptLink:
    """The link of the path. Raises Problem not-found, the same for a foreign one and for none."""
    link = await call.rooms.citizens.links.one(await citizen_of(call), call.params["link_id"])
    if link is None:
        raise Problem("not-found")
    return link


async def _told(call: Call, link: KeptLink) -> LinkGiven:
    """The link with the code its citizen waits for, if there is one."""
    pending = link.state != VERIFIED
    return link_view(call, link, await call.rooms.citizens.link_codes.of(link) if pending else None)


def link_view(call: Call, link: KeptLink, code: LinkCode | None = None) -> LinkGiven:
    """A link in the caller's language, its identifier masked."""
    words = {"agency": call.agency_title(link.agency), "sent_to": code.sent_to if code is not None else ""}
    return LinkGiven(
        id=link.id,
        agency=link.agency,
        agency_title=call.agency_title(link.agency),
        service_id=link.service_id,
        kind=link.kind,
        identifier=link.shown,
        state=link.state,
        exclusive=link.exclusive,
        created_at=second(link.created_at),
        verified_at=second(link.verified_at) if link.verified_at else UNSET,
        code=code_view(code),
        explanation=call.say(sentence_of(link, code), **words),
    )
