"""The route table: the only place where a path of the contract is written down."""

from aggregator.api import (
    actions,
    agencies,
    cases,
    citizen_summary,
    citizens,
    enquiries,
    feeds,
    leg_questions,
    link_checks,
    receipts,
    services,
    tracking,
)
from aggregator.api.assistance_routes import ASSISTANCES
from aggregator.api.audit_routes import AUDIT
from aggregator.api.case_shapes import (
    ActionAsked,
    Case,
    CaseList,
    CaseQuery,
    CaseReceipt,
    CasesQuery,
    EventList,
    EventsQuery,
    LegList,
    NewCaseAsked,
    TrackAsked,
    TrackedCase,
)
from aggregator.api.catalogue_routes import BROWSE_ROUTES, CATALOGUE_ROUTES
from aggregator.api.citizen_routes import CITIZENS
from aggregator.api.citizen_shapes import BillList, CitizenSummary, EverythingAsked, EverythingFound
from aggregator.api.drafts import DRAFTS
from aggregator.api.fee_quotes import QUOTES
from aggregator.api.feeds import BATCH, CloudEvent, FeedQuery
from aggregator.api.leg_shapes import CaseDocument, SlotList, SlotsQuery
from aggregator.api.link_routes import LINKS
from aggregator.api.nominee_routes import NOMINEES
from aggregator.api.payment_routes import PAYMENTS
from aggregator.api.privacy_routes import PRIVACY
from aggregator.api.receipt_shapes import ReceiptBrought
from aggregator.api.route import CATALOGUE, Route
from aggregator.api.search_routes import SEARCH
from aggregator.api.service_shapes import (
    AgencyDetail,
    AgencyList,
    EnquiryAnswer,
    FormQuery,
    HealthDetail,
    HealthList,
    LinkChecked,
    ServiceForm,
)
from aggregator.api.session_routes import SESSIONS
from aggregator.api.shapes import EnquiryAsked, FormCheck, FormData
from aggregator.api.upload_routes import UPLOADS
from aggregator.api.worklist_routes import WORKLIST

SERVICES = (
    Route(
        method="GET", path="/services/{service_id}/form", operation_id="getServiceForm", handle=services.form,
        scope="services.read", summary="The form of a service",
        about="Data schema (draft-07) and UI schema with texts in the asked language.",
        query=FormQuery, result=ServiceForm, conditional=True, browsing=True, cache=CATALOGUE,
    ),
    Route(
        method="POST", path="/services/{service_id}/form-checks", operation_id="checkServiceForm",
        handle=services.check_form, scope="services.read", summary="Check a form without sending it",
        about="Nothing is stored and nothing is sent.", body=FormData, result=FormCheck, browsing=True,
    ),
    Route(
        method="POST", path="/services/{service_id}/enquiries", operation_id="askAgencies", handle=enquiries.ask,
        scope="services.read", summary="Ask the agencies now",
        about="One line per agency. `Prefer: wait` is the deadline of all of them; a dead agency is a line, no error.",
        body=EnquiryAsked, result=EnquiryAnswer, waits=True,
    ),
    Route(
        method="POST", path="/services/{service_id}/link-checks", operation_id="checkLink", handle=link_checks.check,
        scope="citizens.read", summary="Check that a citizen is this record",
        about="By the agency's own proof: an identifier and a second factor. Only yes or no is told, and never a no "
        "because an agency is away.",
        body=EnquiryAsked, result=LinkChecked, waits=True,
    ),
    Route(
        method="GET", path="/agencies", operation_id="listAgencies", handle=agencies.listing, scope="services.read",
        summary="Agencies of the city", about="Each with its state in plain words.", result=AgencyList, browsing=True,
    ),
    Route(
        method="GET", path="/agencies/{agency_id}", operation_id="getAgency", handle=agencies.show,
        scope="services.read", summary="One agency", about="What its system can do, and whether it answers now.",
        result=AgencyDetail, browsing=True,
    ),
)  # fmt: skip
CASES = (
    Route(
        method="POST", path="/cases", operation_id="openCase", handle=cases.open_case, scope="cases.write",
        summary="Open a case",
        about="201 when the agency answered in time, 202 when not: the same body. After that nothing is lost.",
        body=NewCaseAsked, result=Case, success=(201, 202), keyed=True, waits=True,
    ),
    Route(
        method="GET", path="/cases", operation_id="listCases", handle=cases.listing, scope="cases.read",
        summary="Cases of this portal", about="Newest first.", query=CasesQuery, result=CaseList,
    ),
    Route(
        method="GET", path="/cases/{case_id}", operation_id="getCase", handle=cases.show, scope="cases.read",
        summary="One case", about="With `wait` and `If-None-Match`: when it changes, or 304.", query=CaseQuery,
        result=Case, conditional=True,
    ),
    Route(
        method="GET", path="/cases/{case_id}/events", operation_id="listCaseEvents", handle=cases.events,
        scope="cases.read", summary="The timeline of a case", about="Oldest first.", query=EventsQuery,
        result=EventList,
    ),
    Route(
        method="GET", path="/cases/{case_id}/legs", operation_id="listCaseLegs", handle=cases.legs,
        scope="cases.read", summary="The parts of a case", about="One line per agency.", result=LegList,
    ),
    Route(
        method="GET", path="/cases/{case_id}/receipt", operation_id="getCaseReceipt", handle=cases.receipt,
        scope="cases.read", summary="A signed receipt", about="Verifiable offline.", result=CaseReceipt,
    ),
    Route(
        method="POST", path="/receipts", operation_id="bringReceipt", handle=receipts.bring, scope="cases.write",
        summary="Get the case of a receipt",
        about="Its case; where a restored database has forgotten it, the case rebuilt from the receipt (201), in doubt "
        "until its agency was asked. Only for whom the receipt was given to. Repeating it gives the same case.",
        body=ReceiptBrought, result=Case, success=(200, 201),
    ),
    Route(
        method="POST", path="/cases/{case_id}/actions", operation_id="actOnCase", handle=actions.act,
        scope="cases.write", summary="Do something with a case",
        about="200 when it has ended, 202 while the agency has it, 409 with the reason when it is not possible now. "
        "What became of it is under `asked`.",
        body=ActionAsked, result=Case, success=(200, 202), keyed=True, waits=True,
    ),
    Route(
        method="GET", path="/cases/{case_id}/slots", operation_id="listCaseSlots", handle=leg_questions.slots,
        scope="cases.read", summary="Free slots for a case",
        about="Asked of its agency now; the last good answer, marked as old, while the agency is away.",
        query=SlotsQuery, result=SlotList, waits=True,
    ),
    Route(
        method="GET", path="/cases/{case_id}/document", operation_id="getCaseDocument", handle=leg_questions.document,
        scope="cases.read", summary="The document the agency issued",
        about="Asked of its agency now; it is fetched, once and within five minutes, from `download_url`.",
        result=CaseDocument, waits=True,
    ),
    Route(
        method="GET", path="/citizens/{citizen_id}/bills", operation_id="listCitizenBills", handle=citizens.bills,
        scope="payments.read", summary="What a citizen owes, everywhere",
        about="Asked live over all links. `Prefer: wait` is the deadline; a dead agency is a line, no error.",
        result=BillList, waits=True,
    ),
    Route(
        method="GET", path="/citizens/{citizen_id}/summary", operation_id="getCitizenSummary",
        handle=citizen_summary.summary, scope="citizens.read", summary="What a citizen has going, everywhere",
        about="Counts by status over all agencies, of what came through this portal. No agency is asked.",
        result=CitizenSummary,
    ),
    Route(
        method="POST", path="/citizens/{citizen_id}/enquiries", operation_id="askForCitizen",
        handle=citizens.enquiries, scope="citizens.read", summary="Everything the agencies hold of a citizen",
        about="Asked live over all links. `Prefer: wait` is the deadline; a dead agency is a line, no error.",
        body=EverythingAsked, result=EverythingFound, waits=True,
    ),
    Route(
        method="GET", path="/track/{number}", operation_id="trackNumber", handle=tracking.track, scope="track.read",
        summary="Status by tracking number", about="Status and dates only.", result=TrackedCase,
    ),
    Route(
        method="POST", path="/track", operation_id="trackByFactor", handle=tracking.track_by_factor,
        scope="track.read", summary="Status by number and something only the citizen knows",
        about="For people without an account, whichever portal they applied through: our number or the agency's, with "
        "the mobile number or the date of birth of the application. A wrong number and a wrong factor get the same "
        "answer. Wrong tries are counted per number, address, network and portal.",
        body=TrackAsked, result=TrackedCase,
    ),
)  # fmt: skip
OPERATIONS = (
    Route(
        method="GET", path="/health", operation_id="listHealth", handle=agencies.health_listing,
        scope="operations.read", summary="How calls to agencies are going",
        about="From our own calls; no agency is asked.", result=HealthList, document="operations",
    ),
    Route(
        method="GET", path="/health/{agency_id}", operation_id="getHealth", handle=agencies.health,
        scope="operations.read", summary="How calls to one agency are going",
        about="From our own calls; the agency is not asked.", result=HealthDetail, document="operations",
    ),
)  # fmt: skip
FEEDS = (
    Route(
        method="GET", path="/feeds/all", operation_id="readFeed", handle=feeds.read_all, scope="feeds.read",
        summary="Everything that happened", about="HTTP Feeds: a batch of CloudEvents after a position; long poll.",
        query=FeedQuery, result=CloudEvent, document="feeds", media_type=BATCH, a_list=True,
    ),
)  # fmt: skip
TABLE = (
    CATALOGUE_ROUTES
    + BROWSE_ROUTES
    + SEARCH
    + SERVICES
    + UPLOADS
    + DRAFTS
    + QUOTES
    + CASES
    + CITIZENS
    + LINKS
    + PRIVACY
    + SESSIONS
    + ASSISTANCES
    + NOMINEES
    + PAYMENTS
    + OPERATIONS
    + WORKLIST
    + AUDIT
    + FEEDS
)
