"""The floor of an HTTP answer in Python as we serve it: bare aiohttp, one route, the same small JSON for everybody."""

from aiohttp import web
from served import serve

BODY = b'{"hello":"world"}'


async def hello(_request: web.Request) -> web.Response:
    return web.Response(body=BODY, content_type="application/json")


if __name__ == "__main__":
    app = web.Application()
    app.router.add_get("/hello", hello)
    serve(app)
