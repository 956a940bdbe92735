"""What a problem's `type` leads to: a page that says in three languages what happened and what to do.

No script, no other host, readable on an old phone.
"""

from html import escape

from aiohttp import web

from aggregator.api.headers import LANGUAGES
from aggregator.api.problem import KINDS, Problem, Says

_CSP = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_NAMES = {"en": "English", "or": "ଓଡ଼ିଆ", "hi": "हिन्दी"}
_STYLE = "body{max-width:40rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 sans-serif}"


class ProblemPages:
    """GET /problems/{code}."""

    def __init__(self, say: Says) -> None:
        self._pages = {code: _page(code, say) for code in KINDS}

    async def show(self, request: web.Request) -> web.Response:
        page = self._pages.get(request.match_info["code"])
        if page is None:
            raise Problem("not-found")
        headers = {"Content-Security-Policy": _CSP, "Cache-Control": "public, max-age=3600"}
        return web.Response(text=page, content_type="text/html", headers=headers)


def _page(code: str, say: Says) -> str:
    sections = "".join(_section(code, language, say) for language in LANGUAGES)
    title = escape(say(f"problem.{code}.title", "en"))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><main><p><code>{code}</code> &middot; HTTP {KINDS[code].status}</p>{sections}</main></body></html>"
    )


def _section(code: str, language: str, say: Says) -> str:
    title, detail, advice = (escape(say(f"problem.{code}.{part}", language)) for part in ("title", "detail", "do"))
    return (
        f'<section lang="{language}"><h2>{title}</h2><p>{detail}</p><p><strong>{advice}</strong></p>'
        f"<p><small>{_NAMES[language]}</small></p></section>"
    )
