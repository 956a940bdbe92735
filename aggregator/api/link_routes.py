"""Rows of the route table: a citizen's links to records at agencies."""

from aggregator.api import link_desk
from aggregator.api.link_shapes import FormValues, LinkAsked, LinkGiven, LinkList, ProofAsked, ValuesQuery
from aggregator.api.route import Route
from aggregator.api.session_shapes import NothingGiven

LINKS = (
    Route(
        method="GET", path="/citizens/{citizen_id}/links", operation_id="listLinks", handle=link_desk.listing,
        scope="links.read", summary="A citizen's links", about="Identifiers are masked.", result=LinkList,
        for_whom="citizen",
    ),
    Route(
        method="POST", path="/citizens/{citizen_id}/links", operation_id="makeLink", handle=link_desk.make,
        scope="links.write", summary="Link a record at an agency",
        about="The agency proves it: an identifier with a second factor, or its own code to the mobile number it has "
        "on record. 201 when it has, 202 while the agency is away or the code is on its way. Repeating it gives the "
        "same link: no key is needed.",
        body=LinkAsked, result=LinkGiven, success=(201, 202), waits=True, conflicts=True, for_whom="citizen",
    ),
    Route(
        method="GET", path="/citizens/{citizen_id}/links/{link_id}", operation_id="getLink", handle=link_desk.show,
        scope="links.read", summary="One link", about="Its identifier is masked.", result=LinkGiven,
        for_whom="citizen",
    ),
    Route(
        method="DELETE", path="/citizens/{citizen_id}/links/{link_id}", operation_id="endLink", handle=link_desk.end,
        scope="links.write", summary="Unlink", about="At once, and what was kept of the record is destroyed.",
        result=NothingGiven, success=(204,), for_whom="citizen",
    ),
    Route(
        method="POST", path="/citizens/{citizen_id}/links/{link_id}/verifications", operation_id="verifyLink",
        handle=link_desk.verify, scope="links.write", summary="Prove a link again",
        about="With the code that the agency sent, or for a link that is pending because its agency was away.",
        body=ProofAsked, result=LinkGiven, waits=True, conflicts=True, for_whom="citizen",
    ),
    Route(
        method="POST", path="/citizens/{citizen_id}/links/{link_id}/codes", operation_id="sendLinkCode",
        handle=link_desk.send_code, scope="links.write", summary="Have the agency send another code",
        about="After 30, 60 and 120 seconds, then once an hour; five an hour and ten a day for a record and a citizen. "
        "The code before it is over.",
        result=LinkGiven, success=(202,), waits=True, conflicts=True, for_whom="citizen",
    ),
    Route(
        method="GET", path="/citizens/{citizen_id}/form-values", operation_id="getFormValues",
        handle=link_desk.values, scope="links.read", summary="What is known of a form already",
        about="From the citizen's links and what he said about himself; `POST /cases` fills in the same by itself.",
        query=ValuesQuery, result=FormValues, for_whom="citizen",
    ),
)  # fmt: skip
