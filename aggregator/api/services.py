"""The form of a service, and checking it before anything is sent. The service itself: catalogue_search.py."""

from aggregator.api.call import Call
from aggregator.api.form_view import form_lines, schema_of, ui_schema_of
from aggregator.api.route import Answer
from aggregator.api.service_shapes import FormQuery, ServiceForm
from aggregator.api.shapes import FormCheck, FormData
from aggregator.api.tags import tagged
from aggregator.discovery.forms import violations


async def form(call: Call) -> Answer:
    """GET /services/{service_id}/form."""
    service = call.service()
    query: FormQuery = call.query
    value = ServiceForm(
        service_id=service.id,
        renderer=query.renderer,
        language=call.language,
        data_schema=schema_of(service, call.language, query.renderer),
        ui_schema=ui_schema_of(call, service, query.renderer),
    )
    return tagged(value, call.language)


async def check_form(call: Call) -> Answer:
    """POST /services/{service_id}/form-checks: a dry run; nothing is stored."""
    service = call.service()
    asked: FormData = call.body
    errors = form_lines(call, service, violations(service.form, asked.form))
    return Answer(FormCheck(valid=not errors, errors=errors))
