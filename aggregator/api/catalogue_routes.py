"""Routes of the catalogue: services and what helps before beginning for portals, words and places for browsing."""

from aggregator.api import catalogue_help, catalogue_lists, catalogue_search
from aggregator.api.browse_shapes import (
    ActRuleList,
    ComplaintTypeList,
    ComplaintTypesQuery,
    Eligibility,
    EligibilityAsked,
    HolidayList,
    HolidaysQuery,
    Needs,
    OfficeList,
    OfficesQuery,
    PlaceList,
    ShelfList,
)
from aggregator.api.catalogue_shapes import ServiceDetail, ServiceList, ServicesQuery
from aggregator.api.route import CATALOGUE, Route

CATALOGUE_ROUTES = (
    Route(
        method="GET", path="/services", operation_id="listServices", handle=catalogue_search.listing,
        scope="services.read", summary="Find services",
        about="Services and complaint types of the city; `q` looks for words in every language, the other parameters "
        "narrow the list, and `facets` counts what is left by them.",
        query=ServicesQuery, result=ServiceList, browsing=True, cache=CATALOGUE,
    ),
    Route(
        method="GET", path="/services/{service_id}", operation_id="getService", handle=catalogue_search.show,
        scope="services.read", summary="One service",
        about="Fees, documents, time limit, whether its agency answers now, what repeating can and cannot do, and "
        "where each fact was read.",
        result=ServiceDetail, conditional=True, browsing=True, cache=CATALOGUE,
    ),
    Route(
        method="GET", path="/services/{service_id}/needs", operation_id="getServiceNeeds",
        handle=catalogue_help.needs, scope="services.read", summary="What you will need",
        about="Documents, fees and what the form asks for: everything to have ready before beginning.",
        result=Needs, conditional=True, browsing=True, cache=CATALOGUE,
    ),
    Route(
        method="GET", path="/services/{service_id}/eligibility", operation_id="getServiceEligibility",
        handle=catalogue_help.eligibility, scope="services.read", summary="Who may have it",
        about="The questions that tell. NO_RULES: we know none, which does not mean that there are none.",
        result=Eligibility, conditional=True, browsing=True, cache=CATALOGUE,
    ),
    Route(
        method="POST", path="/services/{service_id}/eligibility-checks", operation_id="checkEligibility",
        handle=catalogue_help.check_eligibility, scope="services.read", summary="May I have it",
        about="Answers some or all of the questions. Nothing is stored, and only the agency decides.",
        body=EligibilityAsked, result=Eligibility, browsing=True,
    ),
)  # fmt: skip
BROWSE_ROUTES = (
    Route(
        method="GET", path="/catalogue/categories", operation_id="listCategories", handle=catalogue_lists.categories,
        scope="services.read", summary="Categories", about="Shelves of the catalogue, the fullest first.",
        result=ShelfList, conditional=True, browsing=True, cache=CATALOGUE, document="catalogue",
    ),
    Route(
        method="GET", path="/catalogue/life-events", operation_id="listLifeEvents",
        handle=catalogue_lists.life_events, scope="services.read", summary="Life events",
        about="Times at which people need several services at once.",
        result=ShelfList, conditional=True, browsing=True, cache=CATALOGUE, document="catalogue",
    ),
    Route(
        method="GET", path="/catalogue/departments", operation_id="listDepartments",
        handle=catalogue_lists.departments, scope="services.read", summary="Departments",
        about="Of state, union and corporation.",
        result=ShelfList, conditional=True, browsing=True, cache=CATALOGUE, document="catalogue",
    ),
    Route(
        method="GET", path="/catalogue/audiences", operation_id="listAudiences", handle=catalogue_lists.audiences,
        scope="services.read", summary="Audiences", about="Whom services are for.",
        result=ShelfList, conditional=True, browsing=True, cache=CATALOGUE, document="catalogue",
    ),
    Route(
        method="GET", path="/catalogue/complaint-groups", operation_id="listComplaintGroups",
        handle=catalogue_lists.groups, scope="services.read", summary="Groups of complaint types",
        about="The first question of a complaint: what is it about?",
        result=ShelfList, conditional=True, browsing=True, cache=CATALOGUE, document="catalogue",
    ),
    Route(
        method="GET", path="/catalogue/complaint-types", operation_id="listComplaintTypes",
        handle=catalogue_lists.complaint_types, scope="services.read", summary="Complaint types",
        about="What people can complain of, by group and by the department that answers.",
        query=ComplaintTypesQuery, result=ComplaintTypeList, browsing=True, cache=CATALOGUE, document="catalogue",
    ),
    Route(
        method="GET", path="/catalogue/offices", operation_id="listOffices", handle=catalogue_lists.offices,
        scope="services.read", summary="Offices",
        about="Near a place, of a ward, of an organisation, or for a service; positions say how far off they may be.",
        query=OfficesQuery, result=OfficeList, browsing=True, cache=CATALOGUE, document="catalogue",
    ),
    Route(
        method="GET", path="/catalogue/places", operation_id="listPlaces", handle=catalogue_lists.places,
        scope="services.read", summary="Wards and localities", about="The parts of the city and of its surroundings.",
        result=PlaceList, conditional=True, browsing=True, cache=CATALOGUE, document="catalogue",
    ),
    Route(
        method="GET", path="/catalogue/holidays", operation_id="listHolidays", handle=catalogue_lists.holidays,
        scope="services.read", summary="Public holidays", about="Days on which no statutory clock runs.",
        query=HolidaysQuery, result=HolidayList, conditional=True, browsing=True, cache=CATALOGUE,
        document="catalogue",
    ),
    Route(
        method="GET", path="/catalogue/rules", operation_id="listActRules", handle=catalogue_lists.rules,
        scope="services.read", summary="Rules of the Act",
        about="What holds for every service: windows of appeal, penalties, what stops the clock.",
        result=ActRuleList, conditional=True, browsing=True, cache=CATALOGUE, document="catalogue",
    ),
)  # fmt: skip
