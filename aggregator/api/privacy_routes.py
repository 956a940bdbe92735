"""Rows of the route table: a citizen's own rights."""

from aggregator.api import privacy, takeout
from aggregator.api.privacy_shapes import (
    AccessList,
    CitizenExport,
    ConsentAsked,
    ConsentGiven,
    ConsentList,
    ErasureNotice,
    TakeoutAsked,
    TakeoutGiven,
)
from aggregator.api.route import Route
from aggregator.api.session_shapes import NothingGiven

PRIVACY = (
    Route(
        method="POST", path="/citizens/{citizen_id}/consents", operation_id="giveConsent", handle=privacy.give,
        scope="consents.write", summary="Allow this portal something",
        about="For one purpose, at one agency or all, for at most a year. It counts from this answer on.",
        body=ConsentAsked, result=ConsentGiven, success=(201,), for_whom="citizen", in_person=True,
    ),
    Route(
        method="GET", path="/citizens/{citizen_id}/consents", operation_id="listConsents", handle=privacy.consents,
        scope="consents.read", summary="What the citizen allowed", about="Newest first.", result=ConsentList,
        for_whom="citizen", in_person=True, of_nominee=True,
    ),
    Route(
        method="GET", path="/citizens/{citizen_id}/consents/{consent_id}", operation_id="getConsent",
        handle=privacy.consent, scope="consents.read", summary="One consent", about="With its signed artefact.",
        result=ConsentGiven, for_whom="citizen", in_person=True, of_nominee=True,
    ),
    Route(
        method="DELETE", path="/citizens/{citizen_id}/consents/{consent_id}", operation_id="withdrawConsent",
        handle=privacy.withdraw, scope="consents.write", summary="Withdraw a consent",
        about="It holds no longer when this is answered.", result=NothingGiven, success=(204,), for_whom="citizen",
        in_person=True, of_nominee=True,
    ),
    Route(
        method="GET", path="/citizens/{citizen_id}/access-records", operation_id="listAccessRecords",
        handle=privacy.looks, scope="consents.read", summary="Who looked at what",
        about="Who read what of the citizen's, when, and on which consent.", result=AccessList,
        for_whom="citizen", in_person=True, of_nominee=True,
    ),
    Route(
        method="GET", path="/citizens/{citizen_id}/export", operation_id="exportCitizen", handle=privacy.export,
        scope="citizens.read", summary="My data through this portal",
        about="In short, as far as it came through this portal; everything is at `exports`.",
        result=CitizenExport, for_whom="citizen", in_person=True, of_nominee=True,
    ),
    Route(
        method="POST", path="/citizens/{citizen_id}/exports", operation_id="takeEverythingAlong", handle=takeout.take,
        scope="citizens.read", summary="Everything of mine, to take along",
        about="With a code (purpose CONFIRM), because it is over all portals: profile and history, links, consents, "
        "looks, sessions, cases, payments, drafts, documents, nominees, assistances, in one archive that is fetched "
        "once within five minutes. Documents that do not fit come with `documents_after`.",
        body=TakeoutAsked, result=TakeoutGiven, success=(201,), conflicts=True, for_whom="citizen", in_person=True,
        of_nominee=True,
    ),
    Route(
        method="DELETE", path="/citizens/{citizen_id}", operation_id="forgetCitizen", handle=privacy.forget,
        scope="citizens.write", summary="Forget me",
        about="After 48 hours' notice, and not before open cases have ended; until then it can be taken back.",
        result=ErasureNotice, success=(202,), for_whom="citizen", in_person=True, of_nominee=True,
    ),
    Route(
        method="GET", path="/citizens/{citizen_id}/erasure", operation_id="getErasure", handle=privacy.notice,
        scope="citizens.read", summary="When I am forgotten", about="And what holds it up.", result=ErasureNotice,
        for_whom="citizen", in_person=True, of_nominee=True,
    ),
    Route(
        method="DELETE", path="/citizens/{citizen_id}/erasure", operation_id="cancelErasure",
        handle=privacy.keep_after_all, scope="citizens.write", summary="Keep me after all",
        about="Takes the request back.", result=NothingGiven, success=(204,), for_whom="citizen", in_person=True,
    ),
)  # fmt: skip
