"""Forms without scripts at /forms: filled in, corrected, read once more, sent; questions to agencies answered at once.

The pages are a portal of the city's own: what they open are cases like any other, under the portal the operator named
(in a sandbox the sandbox's). Without one they check and print, and say so. A page carries its own idempotency key, so
that a citizen who presses twice, or goes back and presses again, has one case. Nothing typed is in an address.
"""

import base64
import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from aggregator.api.case_view import explained_case
from aggregator.api.dispatch import read_capped
from aggregator.api.edge import SLIP
from aggregator.api.enquiries import line_members
from aggregator.api.form_render import Mistake, Pages, Shown
from aggregator.api.form_view import told
from aggregator.api.headers import LANGUAGES
from aggregator.api.limits import Buckets, Limits
from aggregator.api.page_frame import Frame, language_of_page, wants_page
from aggregator.api.ports import DeskPort, Enquire
from aggregator.api.problem import Problem, Says
from aggregator.api.same_site import pressed_elsewhere
from aggregator.api.upload_read import read_page
from aggregator.cases.desk import (
    AgencyNotOffered,
    FormInvalid,
    Key,
    KeyReused,
    KeyRunning,
    NewCase,
    StoredAnswer,
    UnknownService,
)
from aggregator.cases.number import shown
from aggregator.citizens.documents import Owner
from aggregator.citizens.documents.shelf import Arriving, DocumentShelf
from aggregator.discovery.forms import FormError, localised, violations
from aggregator.discovery.forms.answers import form_of
from aggregator.registry.agency import Registry, Service
from aggregator.sdk.clock import Chance, Clock

CHANNEL = "page"
ASK_S = 10.0
SETTLE_S = 3.0
MOST_FIELDS = 400
_ONCE = re.compile(r"[A-Za-z0-9_-]{32}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
Given = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageParts:
    """What the pages are made of. `portal` names the portal that cases are opened under; "" where there is none."""

    desk: DeskPort
    enquire: Enquire
    registry: Callable[[], Registry]
    say: Says
    clock: Clock
    chance: Chance
    buckets: Buckets
    limits: Limits
    portal: Callable[[], str]
    documents: DocumentShelf


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who reads the page: nobody we know, in a language."""

    parts: PageParts
    language: str

    def say(self, key: str, **args: str) -> str:
        return self.parts.say(key, self.language, **args)

    def agency_title(self, agency_id: str) -> str:
        agency = self.parts.registry().agencies.get(agency_id)
        return agency_id if agency is None else agency.title.get(self.language) or agency.title["en"]

    def now(self) -> datetime:
        return self.parts.clock.now()


class FormPages:
    """GET /forms, GET and POST /forms/{service_id}, GET /forms/{service_id}/blank."""

    def __init__(self, parts: PageParts) -> None:
        self._parts = parts
        self._frame = Frame(parts.say)
        self._pages = Pages(self._frame)

    def routes(self) -> list[web.RouteDef]:
        one = "/forms/{service_id:[a-z0-9_]+(?:[.][A-Za-z0-9_]+)+}"
        return [
            web.get("/forms", self.listing),
            web.get(one, self.show),
            web.post(one, self.take),
            web.get(one + "/blank", self.blank),
        ]

    async def listing(self, request: web.Request) -> web.Response:
        language = language_of_page(request)
        registry = self._parts.registry()
        groups: dict[str, list[dict[str, str]]] = defaultdict(list)
        for service in sorted(registry.services.values(), key=lambda one: one.id):
            title = service.title.get(language) or service.title["en"]
            groups[service.agencies[0]].append({"id": service.id, "title": title})
        visitor = Visitor(self._parts, language)
        shown_groups = [{"title": visitor.agency_title(name), "services": found} for name, found in groups.items()]
        return self._response(self._pages.services(registry.city.name, language, shown_groups), language)

    async def show(self, request: web.Request) -> web.Response:
        registry = self._parts.registry()
        if request.match_info["service_id"] not in registry.services and wants_page(request):
            return self._frame.lost(language_of_page(request), registry.city.name)
        page = self._shown(request, language_of_page(request))
        return self._response(self._pages.form(page), page.language)

    async def blank(self, request: web.Request) -> web.Response:
        page = self._shown(request, language_of_page(request))
        agency = Visitor(self._parts, page.language).agency_title(page.service.agencies[0])
        return self._response(self._pages.blank(page, agency), page.language)

    async def take(self, request: web.Request) -> web.Response:
        """What was pressed: check, send, change, or the same page in another language."""
        elsewhere = pressed_elsewhere(request.headers, request.host, request[SLIP].origin)
        if elsewhere and request.content_type == "multipart/form-data":
            raise Problem("not-supported", variant="form", close=True)
        given, step, language, once = _read(await self._pairs(request))
        if elsewhere and step == "send":
            step = "check"  # on somebody else's page: read once more here, and pressed here or not at all
        page = self._shown(request, language, given)
        if step != "check" and step.removeprefix("say-") in (*LANGUAGES, "change"):
            again = self._shown(request, language if step == "change" else step.removeprefix("say-"), given)
            return self._response(self._pages.form(again), again.language)
        if self._parts.buckets.take(self._parts.limits.address, request[SLIP].address).wait_s > 0:
            return self._again(page, "form.busy", 429)
        form, mistakes = self._checked(page)
        return self._wrong(page, mistakes) if mistakes else await self._done(page, form, step, once)

    async def _pairs(self, request: web.Request) -> list[tuple[str, str]]:
        """What the page sent; a file becomes the document it was put away as. Raises Problem."""
        if request.content_type == "application/x-www-form-urlencoded":
            raw = await read_capped(request, self._parts.limits.body_bytes, self._parts.limits.body_s)
            try:
                return parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
            except ValueError as exc:
                raise Problem("malformed-request", close=True) from exc
        if request.content_type != "multipart/form-data" or not self._parts.portal():
            raise Problem("not-supported", variant="form", close=True)
        if self._parts.buckets.take(self._parts.limits.address, request[SLIP].address).wait_s > 0:
            raise Problem("rate-limited", close=True)
        sent = await read_page(request, self._parts.limits, MOST_FIELDS)
        owner = Owner(self._parts.portal())
        pairs = sent.words
        for name, upload in sent.files:
            new = Arriving(owner=owner, size_bytes=len(upload.content), name=upload.name)
            record = await self._parts.documents.put(new, upload.content)
            pairs = [*((one, value) for one, value in pairs if one != name), (name, record.uri)]
        return pairs

    async def _done(self, page: Shown, form: Mapping[str, Any], step: str, once: str) -> web.Response:
        """A form without mistakes: asked, sent, or shown to be read once more."""
        if page.service.kind == "ENQUIRY":
            return await self._asked(page, form)
        if step == "send" and self._parts.portal():
            return await self._sent(page, form, once)
        return self._review(page, form)

    def _review(self, page: Shown, form: Mapping[str, Any]) -> web.Response:
        once = base64.urlsafe_b64encode(self._parts.chance.bytes(24)).decode()
        text = self._pages.review(page, form, once=once, sends=bool(self._parts.portal()))
        return self._response(text, page.language)

    def _checked(self, page: Shown) -> tuple[dict[str, Any], list[Mistake]]:
        form = localised(page.service.form, page.language)
        answers = form_of(form, page.given)
        say = Visitor(self._parts, page.language).say
        errors = violations(page.service.form, answers)
        mistakes = [_mistake(form, error, say) for error in errors]
        hidden = [name for name, values in page.given.items() if any(_CONTROL.search(one) for one in values)]
        mistakes += [_mistake(form, FormError(f"/form/{name}", "control"), say) for name in hidden]
        return answers, mistakes

    async def _asked(self, page: Shown, form: Mapping[str, Any]) -> web.Response:
        """The agencies' answers now; nothing is stored."""
        lines = await self._parts.enquire(self._parts.registry(), page.service, form, person="page", deadline_s=ASK_S)
        visitor = Visitor(self._parts, page.language)
        parts = []
        for line in lines:
            told_line = line_members(visitor, line)
            values = [(value.label, value.value) for value in told_line["values"]]
            parts.append({"title": told_line["agency_title"], "text": told_line["explanation"], "lines": values})
        return self._response(self._pages.told(page, "form.answers_title", parts), page.language)

    async def _sent(self, page: Shown, form: Mapping[str, Any], once: str) -> web.Response:
        """The tracking number, whatever the agency does; the same number for the same press."""
        if not _ONCE.fullmatch(once):
            return self._review(page, form)
        portal = self._parts.portal()
        digest = hashlib.sha256(msgspec.json.encode(form, order="deterministic")).hexdigest()
        key = Key(portal, "", "POST", page.service.id, once, digest)
        new = NewCase(portal, "", page.service.id, None, form, channel=CHANNEL)
        try:
            opened = await self._parts.desk.open(new, key)
        except FormInvalid as invalid:
            form_shown, say = localised(page.service.form, page.language), Visitor(self._parts, page.language).say
            return self._wrong(page, [_mistake(form_shown, error, say) for error in invalid.errors])
        except KeyReused:
            return self._again(page, "form.changed", 409)
        except (KeyRunning, UnknownService, AgencyNotOffered):
            return self._again(page, "form.not_now", 409)
        if opened.answer is None:
            # At once, so that a second press while the agency is being waited for finds its case.
            await self._parts.desk.answered(key, StoredAnswer(200, {}, b""))
        else:
            page = replace(page, notice=self._parts.say("form.again", page.language))
        record = await self._parts.desk.settled(opened.record.id, SETTLE_S)
        visitor = Visitor(self._parts, page.language)
        title = visitor.say(f"status.{record.status}")
        parts = [{"title": title, "text": explained_case(record, visitor), "lines": []}]
        return self._response(self._pages.told(page, "form.done_title", parts, shown(record.number)), page.language)

    def _wrong(self, page: Shown, mistakes: Sequence[Mistake]) -> web.Response:
        made = replace(page, fresh=False, mistakes=mistakes)
        return self._response(self._pages.form(made), page.language, 400)

    def _again(self, page: Shown, why: str, status: int) -> web.Response:
        """The page as it was typed, with a sentence above it."""
        made = replace(page, fresh=False, notice=self._parts.say(why, page.language))
        return self._response(self._pages.form(made), page.language, status)

    def _shown(self, request: web.Request, language: str, given: Given | None = None) -> Shown:
        registry = self._parts.registry()
        service: Service | None = registry.services.get(request.match_info["service_id"])
        if service is None:
            raise Problem("not-found")
        return Shown(
            service=service, language=language, city=registry.city.name, given=given or {}, fresh=given is None
        )

    def _response(self, text: str, language: str, status: int = 200) -> web.Response:
        headers = {
            "Content-Security-Policy": self._frame.policy,
            "Content-Language": language,
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",  # with it a form pressed here says so; see same_site.py
        }
        return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def _read(pairs: Sequence[tuple[str, str]]) -> tuple[dict[str, list[str]], str, str, str]:
    """The fields, what was pressed, the page's language, its key."""
    ours = {name: value for name, value in pairs if name.startswith(".")}
    given: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        if not name.startswith(".") and value:
            given[name].append(value)
    language = ours.get(".language", "en")
    return dict(given), ours.get(".step", "check"), language if language in LANGUAGES else "en", ours.get(".once", "")


def _mistake(form: Mapping[str, Any], error: FormError, say: Callable[..., str]) -> Mistake:
    fields = form.get("properties", {})
    name = error.pointer.removeprefix("/form").lstrip("/").partition("/")[0]
    text = say("form.control") if error.code == "control" else told(form, error, say)
    if name in fields:
        return Mistake(name, str(fields[name].get("title", name)), text)
    # A rule of the whole form leads to its first field; the name of an unknown one is not repeated.
    return Mistake(next(iter(fields), ""), "", text)
