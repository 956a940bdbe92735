"""What goes to the platform: the envelope, the token in the body, filters in the query, and the login before it."""

from digit_line import (
    AT,
    CREATE,
    FORM,
    NUMBER,
    body_of,
    clock,
    complaint,
    driver_for,
    fixed,
    login,
    on,
    query_of,
    router,
    wrapped,
)

from aggregator.sdk.adapter import capabilities_of
from aggregator.sdk.model import Order

__all__ = ["clock", "router"]  # fixtures


def test_what_the_driver_can_do_is_what_it_defines(router, clock):
    assert set(capabilities_of(fixed(router, clock))) == {
        "submits",
        "tracks",
        "finds",
        "looks_up",
        "pays",
        "books",
        "cancels",
        "sends_codes",
    }


async def test_a_complaint_is_filed_on_behalf_of_the_citizen_with_our_reference(router, clock):
    login(router)
    route = on(router, CREATE, wrapped(complaint(ref="CASE-1")))
    got = await driver_for(router, clock).submit(Order("CASE-1", "street_light", FORM, at=AT))
    sent = body_of(route.calls[0])
    service, info = sent["service"], sent["RequestInfo"]
    assert (got.agency_reference, got.reference) == (NUMBER, "CASE-1")
    assert query_of(route.calls[0]) == {"tenantId": "od.bhubaneswar"}
    assert service["serviceCode"] == "Streetlightsnotfunctioning"
    assert (service["citizen"]["mobileNumber"], service["citizen"]["tenantId"]) == ("9000000000", "od")
    assert service["additionalDetail"] == {"clientRef": "CASE-1"}
    assert service["address"]["locality"] == {"code": "SIM01"}
    assert sent["workflow"]["action"] == "APPLY"
    assert (info["authToken"], info["userInfo"]["uuid"]) == ("T-1", "U-1")
    assert (info["ts"], info["msgId"]) == (1768450800000, "1768450800000|en_IN")
    assert "authorization" not in route.calls[0].request.headers
