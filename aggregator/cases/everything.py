"""Everything of one citizen's, asked live of all their agencies under one deadline.

"What do I owe, everywhere" and "what do you hold of mine" are the same fan-out over links: each link fills the forms
of its agency's enquiries, every question is one line of the answer, and a dead agency costs its own line.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aggregator.cases.enquire import Leave, Line, enquire_one, no_leave
from aggregator.citizens.links import Link
from aggregator.registry.agency import Registry, Service

BILL = "bill"
"""The operation that says what is due; its value has `amount_paise`, nothing due is an absence."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of the fan-out and its line."""

    service_id: str
    line: Line


async def bills(
    registry: Registry, links: Iterable[Link], *, person: str, deadline_s: float, leave: Leave = no_leave
) -> list[Asked]:
    """What the citizen owes: a line per bill service of each linked agency; never raises for an agency's trouble."""
    return await _ask(registry, links, Terms(person, deadline_s, leave), bills_only=True)


async def enquiries(
    registry: Registry, links: Iterable[Link], *, person: str, deadline_s: float, leave: Leave = no_leave
) -> list[Asked]:
    """What the agencies hold: a line per other enquiry that a link can answer the form of."""
    return await _ask(registry, links, Terms(person, deadline_s, leave), bills_only=False)


@dataclass(frozen=True, slots=True)
class Terms:
    """For whom, how long, and on whose leave is asked."""

    person: str
    deadline_s: float
    leave: Leave


async def _ask(registry: Registry, links: Iterable[Link], terms: Terms, *, bills_only: bool) -> list[Asked]:
    questions = [
        (service, link, form)
        for link in links
        for service in registry.services.values()
        if (service.operation == BILL) == bills_only and (form := _form(service, link)) is not None
    ]
    lines = await asyncio.gather(
        *(
            enquire_one(
                registry,
                service,
                link.agency,
                form,
                person=terms.person,
                deadline_s=terms.deadline_s,
                leave=terms.leave,
            )
            for service, link, form in questions
        )
    )
    return [Asked(service.id, line) for (service, _, _), line in zip(questions, lines, strict=True)]


def _form(service: Service, link: Link) -> Mapping[str, str] | None:
    """The service's form filled from the link; None when it is no enquiry of this agency or something is missing."""
    if service.kind != "ENQUIRY" or link.agency not in service.agencies:
        return None
    fields = service.form.get("properties", {})
    form = {name: value for name, value in link.identifiers.items() if name in fields}
    return form if form and set(service.form.get("required", ())) <= set(form) else None
