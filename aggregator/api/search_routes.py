"""The row of the route table for people who do not know a service's name."""

from aggregator.api import search_view
from aggregator.api.route import Route
from aggregator.api.search_shapes import SearchAnswer, SearchAsked

SEARCH = (
    Route(
        method="POST", path="/services/searches", operation_id="searchServices", handle=search_view.search,
        scope="services.read", summary="Find services by what somebody says they need",
        about="In any of the city's languages and scripts, misspelt or told as a story. Grouped by what is wanted, "
        "with a reason for each hit, one question where two fit equally, and NONE where nothing does.",
        body=SearchAsked, result=SearchAnswer, browsing=True,
    ),
)  # fmt: skip
