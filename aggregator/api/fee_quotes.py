"""POST /services/{service_id}/quotes: what it costs, before anybody pays.

A bill is asked for live, because only the agency knows it; so is a flat fee, where the agency lists its fees. Every
other fee comes from the city's facts. Ways to pay are named only where something is due.
"""

from dataclasses import replace
from typing import Annotated, Any

from msgspec import UNSET, UnsetType

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.catalogue_view import rupees
from aggregator.api.decode import explained, invalid
from aggregator.api.enquiries import LEAST_S, afforded
from aggregator.api.form_view import form_lines
from aggregator.api.problem import Problem
from aggregator.api.route import Answer, Route
from aggregator.api.service_shapes import Money
from aggregator.api.shapes import FormData, Given
from aggregator.api.words import AgencyId, Flag, Sentence, ServiceId, Title, When, many, open_words, whole
from aggregator.cases.enquire import Line
from aggregator.cases.everything import BILL
from aggregator.cases.listed_fee import ListedFee, listed_fee
from aggregator.discovery.fees import Due, NoSuchVariant, quoted
from aggregator.discovery.forms import violations
from aggregator.registry.agency import Agency, Fee, Service


class QuoteAsked(FormData, frozen=True, kw_only=True):
    """For which answers. A form that is not finished gives the fee as far as its answers decide it."""

    variant: (
        Annotated[int, whole("The variant chosen, where the fee has several.", 1, least=1, most=50)] | UnsetType
    ) = UNSET


class QuoteRow(Given, frozen=True, kw_only=True):
    """One amount."""

    number: Annotated[int, whole("Which row; as a variant, what to choose it by.", 1, least=1, most=50)]
    title: Title
    amount: Money
    count: Annotated[int, whole("How often, multiplied in already.", 3, least=1)]


class PayOption(Given, frozen=True, kw_only=True):
    """A way to pay."""

    code: Annotated[str, open_words("Where it is paid.", "THROUGH_US", "AT_AGENCY")]
    title: Sentence


class FeeQuote(Given, frozen=True, kw_only=True):
    """What it costs, as far as anybody can say now."""

    service_id: ServiceId
    result: Annotated[str, open_words("What we know.", "FIXED", "LIVE", "CHOOSE", "NOTHING_DUE", "UNKNOWN")]
    explanation: Sentence
    total: Money | UnsetType = UNSET
    rows: Annotated[tuple[QuoteRow, ...], many("What is due.", 50)]
    variants: Annotated[tuple[QuoteRow, ...], many("One of these is the whole fee; which, somebody has to say.", 50)]
    options: Annotated[tuple[PayOption, ...], many("Ways to pay; none where nothing is due.", 10)]
    agency: AgencyId | UnsetType = UNSET
    as_of: When | UnsetType = UNSET
    stale: Flag = False
    source: Annotated[
        str, open_words("Whose word it is: the city's facts, or the agency's own.", "CATALOGUE", "AGENCY")
    ]


async def quote(call: Call) -> Answer:
    """The quote; a live one from the first agency of the service that answers."""
    service, asked = call.service(), call.body
    billing = _billing(call, service, asked.form)
    if billing is not None:
        return Answer(await _live(call, service, *billing))
    wrong = [error for error in violations(service.form, asked.form) if error.code != "required"]
    if wrong:
        raise invalid(form_lines(call, service, wrong))
    try:
        found = quoted(service.fee, asked.form, None if asked.variant is UNSET else asked.variant)
    except NoSuchVariant as exc:
        line = explained("/variant", "too_large", {"limit": str(exc.count)}, call.rooms.say, call.language)
        raise invalid([line]) from exc
    if asked.variant is UNSET and _is_flat(service.fee):
        patience_s = max(LEAST_S, float(call.patience.seconds))
        told = await listed_fee(call.rooms.registry(), service, deadline_s=patience_s)
        if told is not None:
            return Answer(_listed(call, service, told))
    due = found.result == "FIXED"
    return Answer(
        FeeQuote(
            service_id=service.id,
            result=found.result,
            explanation=call.say(f"quote.{found.result.lower()}"),
            total=_money(found.total_paise) if found.result in {"FIXED", "NOTHING_DUE"} else UNSET,
            rows=_rows(call, service, found.due),
            variants=_rows(call, service, found.variants),
            options=_options(call, service) if due else (),
            source="CATALOGUE",
        )
    )


def _is_flat(fee: Fee | None) -> bool:
    """Whether one amount says it all: a price list knows nothing of answers, counts and variants."""
    return fee is None or (len(fee.rows) == 1 and not fee.rows[0].when and not fee.rows[0].per)


def _listed(call: Call, service: Service, told: ListedFee) -> FeeQuote:
    rows = service.fee.rows if service.fee is not None else ()
    return _asked(call, service, told, call.titled(rows[0].title if rows else service.title))


def _asked(call: Call, service: Service, told: ListedFee, title: str) -> FeeQuote:
    """The quote of an agency's own amount, with its age where the agency is away."""
    paise = told.amount_paise
    result = "LIVE" if paise else "NOTHING_DUE"
    age = str(max(0, int((call.now() - told.as_of).total_seconds())))
    words = call.say("quote.stale", age=age) if told.stale and paise else call.say(f"quote.{result.lower()}")
    row = QuoteRow(number=1, title=title, amount=_money(paise), count=1)
    return FeeQuote(
        service_id=service.id, result=result, explanation=words, total=_money(paise), rows=(row,) if paise else (),
        variants=(), options=_options(call, service) if paise else (), source="AGENCY", agency=told.agency,
        as_of=second(told.as_of), stale=told.stale,
    )  # fmt: skip


def _billing(call: Call, service: Service, form: dict[str, Any]) -> tuple[Service, dict[str, Any]] | None:
    """The service that tells the bill, and what of the form it needs; None for what is no bill."""
    if service.operation == BILL:
        return service, form
    if service.kind != "PAYMENT":
        return None
    for other in call.rooms.registry().services.values():
        if other.operation == BILL and set(other.agencies) & set(service.agencies):
            fields = other.form.get("properties", {})
            return other, {name: value for name, value in form.items() if name in fields}
    return None


async def _live(call: Call, service: Service, billing: Service, form: dict[str, Any]) -> FeeQuote:
    errors = form_lines(call, billing, violations(billing.form, form))
    if errors:
        raise invalid(errors)
    asked = [name for name in billing.agencies if name in service.agencies]
    within = afforded(call, asked)
    person = f"{call.caller.portal_id}/{call.caller.citizen_name}"
    lines = await call.rooms.enquire(
        call.rooms.registry(), replace(billing, agencies=within), form, person=person,
        deadline_s=max(0.1, float(call.patience.seconds)),
    )  # fmt: skip
    told = next((line for line in lines if line.result in {"value", "absent"}), lines[0])
    if told.result == "unavailable":
        reason = {"agency": call.agency_title(told.agency), "reason": told.reason_code}
        raise Problem("agency-unavailable", retry_after_s=5.0, agency=told.agency, about=reason)
    return _told(call, service, told)


def _told(call: Call, service: Service, line: Line) -> FeeQuote:
    amount = line.values.get("amount_paise", "")
    paise = int(amount) if line.result == "value" and amount.isascii() and amount.isdigit() else 0
    if line.result == "refused":
        return FeeQuote(
            service_id=service.id, result="UNKNOWN", explanation=call.say("quote.unknown"), rows=(), variants=(),
            options=(), source="AGENCY", agency=line.agency,
        )  # fmt: skip
    told = ListedFee(line.agency, paise, line.as_of or call.now(), line.stale)
    return _asked(call, service, told, call.say("quote.bill", agency=call.agency_title(line.agency)))


def _rows(call: Call, service: Service, dues: tuple[Due, ...]) -> tuple[QuoteRow, ...]:
    rows = service.fee.rows if service.fee is not None else ()
    return tuple(
        QuoteRow(
            number=rows.index(due.row) + 1, title=call.titled(due.row.title), amount=_money(due.amount_paise),
            count=due.count,
        )
        for due in dues
    )  # fmt: skip


def _options(call: Call, service: Service) -> tuple[PayOption, ...]:
    agencies = call.rooms.registry().agencies
    codes = ["THROUGH_US"] if any(_takes(agencies[name], service) for name in service.agencies) else []
    return tuple(PayOption(code=code, title=call.say(f"quote.{code.lower()}")) for code in [*codes, "AT_AGENCY"])


def _takes(agency: Agency, service: Service) -> bool:
    """Whether the agency's interface has a place for a payment of this: for its bills, or among an offer's actions."""
    offer = agency.manifest.offers.get(service.offer)
    offered = offer is None or offer.actions is None or "PAY" in offer.actions or service.kind == "PAYMENT"
    return "pay" in agency.operations and (offered or service.operation == BILL)


def _money(paise: int) -> Money:
    return Money(amount=rupees(paise), currency="INR")


QUOTES = (
    Route(
        method="POST", path="/services/{service_id}/quotes", operation_id="quoteFee", handle=quote,
        scope="services.read", summary="What it costs, before anybody pays",
        about="From the city's facts; a bill is asked for live, so it can be 503. UNKNOWN is not nothing: the agency "
        "will say.",
        body=QuoteAsked, result=FeeQuote, waits=True,
    ),
)  # fmt: skip
