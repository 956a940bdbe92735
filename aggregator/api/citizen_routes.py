"""Rows of the route table: citizens' own records."""

from aggregator.api import citizen_profile
from aggregator.api.profile_shapes import (
    ChangeList,
    CitizenGiven,
    CitizenList,
    CitizensQuery,
    ProfileChange,
    RegistrationAsked,
)
from aggregator.api.route import Route
from aggregator.api.session_shapes import SessionGiven

CITIZENS = (
    Route(
        method="POST", path="/citizens", operation_id="registerCitizen", handle=citizen_profile.register,
        scope="citizens.write", summary="Register a citizen",
        about="Everything at once, as a form or a counter has it. It counts once the code sent to the number is given "
        "to the session; a number that is known already logs in instead, and the answer here is the same.",
        body=RegistrationAsked, result=SessionGiven, success=(201,), for_whom="portal",
    ),
    Route(
        method="GET", path="/citizens", operation_id="listCitizens", handle=citizen_profile.listing,
        scope="citizens.read", summary="Citizens this portal registered", about="Their ids, and nothing they said.",
        query=CitizensQuery, result=CitizenList, for_whom="portal",
    ),
    Route(
        method="GET", path="/citizens/{citizen_id}", operation_id="getCitizen", handle=citizen_profile.show,
        scope="citizens.read", summary="A citizen's own record", about="With the citizen's token alone.",
        result=CitizenGiven, conditional=True, for_whom="citizen", of_nominee=True,
    ),
    Route(
        method="PATCH", path="/citizens/{citizen_id}", operation_id="changeCitizen", handle=citizen_profile.change,
        scope="citizens.write", summary="Change a citizen's own record",
        about="A new number or e-mail address needs a code of its own, and everything that logs in or says who one is "
        "needs a code to the present number. After a new number sensitive changes wait 24 hours.",
        body=ProfileChange, result=CitizenGiven, matched=True, conflicts=True, for_whom="citizen", of_nominee=True,
    ),
    Route(
        method="GET", path="/citizens/{citizen_id}/changes", operation_id="listCitizenChanges",
        handle=citizen_profile.history, scope="citizens.read", summary="History of a citizen's record",
        about="Which fields changed when, newest first.", result=ChangeList, for_whom="citizen", of_nominee=True,
    ),
)  # fmt: skip
