"""The frame of every page for people: one set of templates, one style sheet named by its hash, nothing else may load.

A page holds no script and fetches nothing, so it works on an old phone, on a kiosk and behind a bad line. Values are
placed by templates that escape every one.
"""

import base64
import hashlib
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from aggregator.api.edge import SLIP
from aggregator.api.headers import LANGUAGES
from aggregator.api.problem import Says

NAMES = {"en": "English", "or": "ଓଡ଼ିଆ", "hi": "हिन्दी"}


class Frame:
    """The templates, compiled once."""

    def __init__(self, say: Says) -> None:
        self.say = say
        # The loader's own cache never grows: there are a dozen templates.
        self._templates = Environment(
            loader=PackageLoader("aggregator.api"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        source = self._templates.loader
        assert source is not None  # noqa: S101 - set in the line above
        self._style = source.get_source(self._templates, "style.css")[0]
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none';"
            " frame-ancestors 'none'"
        )
        """The Content-Security-Policy of every page: this style, forms to ourselves, nothing else."""

    def made(self, template: str, language: str, **values: Any) -> str:
        """The page. `here`: its own address; `switchable`: its language may change by a link; `city`: whose it is."""

        def say(key: str, **args: str) -> str:
            return self.say(key, language, **args)

        return self._templates.get_template(template).render(
            language=language,
            languages=[(code, NAMES[code]) for code in LANGUAGES],
            say=say,
            style=self._style,
            **values,
        )

    def lost(self, language: str, city: str) -> web.Response:
        """A page for whoever followed a link to what is not there: says so, and offers the search."""
        title = self.say("catalogue.page.lost", language)
        text = self.made("lost.html", language, title=title, city=city, here="/catalogue", switchable=True)
        headers = {"Content-Security-Policy": self.policy, "Content-Language": language, "Cache-Control": "no-store"}
        return web.Response(text=text, status=404, content_type="text/html", headers=headers)


def language_of_page(request: web.Request) -> str:
    """The language a page is shown in: `?lang=` decides before the header."""
    asked = request.query.get("lang", "")
    return asked if asked in LANGUAGES else request[SLIP].language


def wants_page(request: web.Request) -> bool:
    """Whether a browser asks: machines get problem documents, people pages."""
    return "text/html" in request.headers.get("Accept", "")
