"""Rows of the route table: acting for a citizen at a counter."""

from aggregator.api import assistances
from aggregator.api.assistance_shapes import AssistanceAsked, AssistanceGiven, AssistanceList
from aggregator.api.route import Route
from aggregator.api.session_shapes import CodeGiven, NothingGiven

ASSISTANCES = (
    Route(
        method="POST", path="/assistances", operation_id="beginAssistance", handle=assistances.begin,
        scope="assistance.write", summary="Ask to act for a citizen",
        about="Sends a code to the citizen's mobile that names your portal and the tasks. The same answer for known "
        "and unknown numbers.",
        body=AssistanceAsked, result=AssistanceGiven, success=(201,), for_whom="portal",
    ),
    Route(
        method="GET", path="/assistances/{assistance_id}", operation_id="getAssistance", handle=assistances.show,
        scope="assistance.write", summary="One assistance", about="Where it stands.", result=AssistanceGiven,
        for_whom="portal",
    ),
    Route(
        method="POST", path="/assistances/{assistance_id}/verifications", operation_id="verifyAssistance",
        handle=assistances.verify, scope="assistance.write", summary="Give the citizen's code",
        about="Brings a token with the rights the tasks need, for as long as was asked and not a minute longer.",
        body=CodeGiven, result=AssistanceGiven, conflicts=True, for_whom="portal",
    ),
    Route(
        method="POST", path="/assistances/{assistance_id}/resends", operation_id="resendAssistanceCode",
        handle=assistances.resend, scope="assistance.write", summary="Send another code",
        about="After 30, 60 and 120 seconds; the code before it is worth nothing then.", result=AssistanceGiven,
        success=(202,), conflicts=True, for_whom="portal",
    ),
    Route(
        method="DELETE", path="/assistances/{assistance_id}", operation_id="endAssistance", handle=assistances.end,
        scope="assistance.write", summary="Stop acting for a citizen", about="Its token ends within five seconds.",
        result=NothingGiven, success=(204,), for_whom="portal",
    ),
    Route(
        method="GET", path="/citizens/{citizen_id}/assistances", operation_id="listAssistances",
        handle=assistances.listing, scope="consents.read", summary="Who acts for the citizen",
        about="Newest first, ended ones too; what was done is in the access records.", result=AssistanceList,
        for_whom="citizen", in_person=True, of_nominee=True,
    ),
    Route(
        method="DELETE", path="/citizens/{citizen_id}/assistances/{assistance_id}", operation_id="stopAssistance",
        handle=assistances.stop, scope="consents.write", summary="Let nobody act any more",
        about="Withdraws the consent; the assistant's token ends within five seconds.", result=NothingGiven,
        success=(204,), for_whom="citizen", in_person=True,
    ),
)  # fmt: skip
