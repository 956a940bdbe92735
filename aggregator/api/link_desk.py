"""A citizen's links: made with the agency's proof, shown masked, ended at once.

A claim the agency does not confirm, one that only another citizen may have, and one about nothing at all get the same
refusal. An agency that is away leaves the claim pending; asking again later needs nothing typed twice.
"""

from msgspec import UNSET

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.citizen_of import citizen_of
from aggregator.api.link_fill import known
from aggregator.api.link_proof import Claim, claimed, proved
from aggregator.api.link_shapes import FormValues, LinkAsked, LinkGiven, LinkList, ProofAsked, ValuesQuery
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.session_shapes import NothingGiven
from aggregator.citizens.verified_links import VERIFIED, ElsewhereLinked, KeptLink, TooManyLinks


async def listing(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/links."""
    links = await call.rooms.citizens.links.of(await citizen_of(call))
    return Answer(LinkList(items=tuple(link_view(call, link) for link in links)))


async def make(call: Call) -> Answer:
    """POST /citizens/{citizen_id}/links."""
    asked: LinkAsked = call.body
    citizen_id = await citizen_of(call)
    agency = asked.agency if isinstance(asked.agency, str) else ""
    amount = asked.amount if isinstance(asked.amount, str) else ""
    claim = await claimed(call, asked.service_id, agency, asked.form, amount)
    draft = call.rooms.citizens.links.drafted(citizen_id, claim.agency, claim.service.id, claim.form)
    link = await _proved_and_kept(call, claim, draft)
    location = {"Location": f"/v1/citizens/me/links/{link.id}"}
    return Answer(link_view(call, link), status=201 if link.state == VERIFIED else 202, headers=location)


async def show(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/links/{link_id}."""
    return Answer(link_view(call, await _mine(call)))


async def verify(call: Call) -> Answer:
    """POST /citizens/{citizen_id}/links/{link_id}/verifications."""
    asked: ProofAsked = call.body
    link = await _mine(call)
    form = asked.form if isinstance(asked.form, dict) else link.form
    amount = asked.amount if isinstance(asked.amount, str) else ""
    claim = await claimed(call, link.service_id, link.agency, form, amount)
    draft = call.rooms.citizens.links.drafted(link.citizen_id, link.agency, link.service_id, claim.form)
    return Answer(link_view(call, await _proved_and_kept(call, claim, draft)))


async def end(call: Call) -> Answer:
    """DELETE /citizens/{citizen_id}/links/{link_id}."""
    await call.rooms.citizens.links.revoke(await _mine(call))
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
    said = await proved(call, claim, draft)
    if said is False:
        raise Problem("link-not-verified")
    try:
        return await call.progress.commit(
            call.rooms.citizens.links.keep(draft, call.caller.portal_id, verified=bool(said)),
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


def link_view(call: Call, link: KeptLink) -> LinkGiven:
    """A link in the caller's language, its identifier masked."""
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
        explanation=call.say(f"link.state_{link.state.lower()}", agency=call.agency_title(link.agency)),
    )
