"""Rows of the route table: nominees."""

from aggregator.api import nominee_desk, nominees
from aggregator.api.nominee_shapes import (
    ActingAsked,
    ActingGiven,
    ClaimAsked,
    ClaimGiven,
    Confirmed,
    NominationAsked,
    NominationGiven,
    NominationList,
    NominatorGiven,
    NominatorList,
    NomineeAnswer,
    NomineeDecided,
    NomineeDecision,
    NomineeItemDetail,
    NomineeItemList,
)
from aggregator.api.route import Route
from aggregator.api.session_shapes import NothingGiven

_OWN = "/citizens/{citizen_id}/nominations"
_AS = "/citizens/{citizen_id}/nominators"
NOMINEES = (
    Route(
        method="POST", path=_OWN, operation_id="nameNominee", handle=nominees.name, scope="consents.write",
        summary="Name who has my rights after me",
        about="By name and mobile, with a code (purpose CONFIRM). The same answer whether or not the number is known "
        "here; it is told by SMS that somebody named it, and not who. At most three live at a time.",
        body=NominationAsked, result=NominationGiven, success=(201,), conflicts=True, for_whom="citizen",
        in_person=True,
    ),
    Route(
        method="GET", path=_OWN, operation_id="listNominations", handle=nominees.listing, scope="consents.read",
        summary="Whom I named", about="Newest first, with what each asks for.", result=NominationList,
        for_whom="citizen", in_person=True,
    ),
    Route(
        method="GET", path=_OWN + "/{nomination_id}", operation_id="getNomination", handle=nominees.show,
        scope="consents.read", summary="One nomination", about="And what the nominee asks for.",
        result=NominationGiven, for_whom="citizen", in_person=True,
    ),
    Route(
        method="POST", path=_OWN + "/{nomination_id}/withdrawals", operation_id="withdrawNomination",
        handle=nominees.withdraw, scope="consents.write", summary="Name somebody no more",
        about="With a code. What the nominee asked or was granted ends with it.", body=Confirmed,
        result=NominationGiven, success=(201,), conflicts=True, for_whom="citizen", in_person=True,
    ),
    Route(
        method="DELETE", path=_OWN + "/{nomination_id}/claims", operation_id="stopNominee", handle=nominees.stop,
        scope="consents.write", summary="I am alive, and can act myself",
        about="Ends what the nominee asked for or was granted, at once and without a code; the nomination stays.",
        result=NothingGiven, success=(204,), for_whom="citizen", in_person=True,
    ),
    Route(
        method="GET", path=_AS, operation_id="listNominators", handle=nominees.nominators, scope="consents.read",
        summary="Who named me", about="By the mobile number one has proved, or accepted before.",
        result=NominatorList, for_whom="citizen", in_person=True,
    ),
    Route(
        method="POST", path=_AS + "/{nomination_id}/answers", operation_id="answerNomination",
        handle=nominees.answer, scope="consents.write", summary="Be somebody's nominee, or not",
        about="A yes needs a code and binds the citizen, not the number; a no is possible at any time.",
        body=NomineeAnswer, result=NominatorGiven, success=(201,), conflicts=True, for_whom="citizen", in_person=True,
    ),
    Route(
        method="POST", path=_AS + "/{nomination_id}/claims", operation_id="claimAsNominee", handle=nominees.claim,
        scope="consents.write", summary="Ask to act as the nominee",
        about="With a code and the number of a paper. The citizen is told; two officers decide; then it takes effect "
        "after three days (death) or seven (incapacity), for ninety days. Nothing of the citizen is shown before.",
        body=ClaimAsked, result=ClaimGiven, success=(202,), conflicts=True, for_whom="citizen", in_person=True,
    ),
    Route(
        method="POST", path=_AS + "/{nomination_id}/sessions", operation_id="actAsNominee", handle=nominees.act,
        scope="consents.write", summary="Act as the nominee",
        about="With a code: a token for the rights over the data of who named you, for at most an hour. It opens no "
        "case and pays nothing; every use is in that citizen's list of looks.",
        body=ActingAsked, result=ActingGiven, success=(201,), conflicts=True, for_whom="citizen", in_person=True,
    ),
    Route(
        method="GET", path="/nominee-claims", operation_id="listNomineeClaims", handle=nominee_desk.listing,
        scope="nominees.write", summary="Nominees who ask to act", about="The oldest first; nobody's name.",
        result=NomineeItemList, document="operations", for_whom="portal",
    ),
    Route(
        method="GET", path="/nominee-claims/{claim_id}", operation_id="getNomineeClaim", handle=nominee_desk.show,
        scope="nominees.write", summary="One request with what it is decided by",
        about="Whom the paper must speak of. The citizen's list of looks has it before it is shown.",
        result=NomineeItemDetail, document="operations", for_whom="portal",
    ),
    Route(
        method="POST", path="/nominee-claims/{claim_id}/decisions", operation_id="decideNomineeClaim",
        handle=nominee_desk.decide, scope="nominees.write", summary="Grant or refuse a nominee's request",
        about="The first officer's grant proposes, another one's carries out: another name, and another key. One "
        "officer refuses.",
        body=NomineeDecision, result=NomineeDecided, success=(201,), conflicts=True, document="operations",
        for_whom="portal",
    ),
)  # fmt: skip
