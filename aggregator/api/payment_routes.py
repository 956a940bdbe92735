"""The payments' rows of the route table, and the one plain page: where a browser comes back from the bank."""

from html import escape
from urllib.parse import urlencode, urlsplit, urlunsplit

from aiohttp import web

from aggregator.api import payments
from aggregator.api.headers import LANGUAGES
from aggregator.api.payment_shapes import (
    Payment,
    PaymentAsked,
    PaymentEvidence,
    PaymentList,
    PaymentReceipt,
    PaymentsQuery,
)
from aggregator.api.ports import PaymentsPort
from aggregator.api.problem import Problem, Says
from aggregator.api.route import Route

PAYMENTS = (
    Route(
        method="POST", path="/payments", operation_id="openPayment", handle=payments.pay, scope="payments.write",
        for_whom="portal", summary="Pay a bill or a case's fee",
        about="The agency is asked anew and decides the amount. 201 with `pay_url` when the citizen can pay, 202 "
        "while the gateway has not answered. One open payment per bill or fee: another is 409 `payment-in-doubt`.",
        body=PaymentAsked, result=Payment, success=(201, 202), keyed=True, waits=True,
    ),
    Route(
        method="GET", path="/payments", operation_id="listPayments", handle=payments.listing, scope="payments.read",
        for_whom="portal", summary="Payments of this portal", about="Newest first.", query=PaymentsQuery,
        result=PaymentList,
    ),
    Route(
        method="GET", path="/payments/{payment_id}", operation_id="getPayment", handle=payments.show,
        scope="payments.read", for_whom="portal", summary="One payment",
        about="Both sides of it: collected, posted; money in doubt is shown as such.", result=Payment, conditional=True,
    ),
    Route(
        method="POST", path="/payments/{payment_id}/checks", operation_id="checkPayment", handle=payments.check,
        scope="payments.read", for_whom="portal", summary="Look again now",
        about="The gateway is asked at once, unless it just was; `next_check_at` says when.", result=Payment,
        success=(202,),
    ),
    Route(
        method="POST", path="/payments/{payment_id}/refunds", operation_id="refundPayment", handle=payments.give_back,
        scope="payments.write", for_whom="portal", summary="Want the money back",
        about="It goes back as soon as it is proved that the biller does not have it, and never before. Asking again "
        "changes nothing.",
        result=Payment, success=(202,), conflicts=True,
    ),
    Route(
        method="GET", path="/payments/{payment_id}/receipt", operation_id="getPaymentReceipt",
        handle=payments.receipt,
        scope="payments.read", for_whom="portal", summary="A signed receipt",
        about="Of a payment that was recorded or given back. Verifiable offline.", result=PaymentReceipt,
    ),
    Route(
        method="GET", path="/payments/{payment_id}/evidence", operation_id="getPaymentEvidence",
        handle=payments.evidence, scope="payments.read", for_whom="portal", summary="Where the money is, with proofs",
        about="Every identifier and time, both files' lines, the ledger: one pack, fetched once from `download_url`.",
        result=PaymentEvidence,
    ),
)  # fmt: skip

_STYLE = "body{max-width:40rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 sans-serif}"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def payment_return_routes(counter: PaymentsPort, say: Says) -> list[web.RouteDef]:
    """GET and POST /payments/{id}/return: some gateways come back with a form. Nothing they bring is read."""

    async def back(request: web.Request) -> web.StreamResponse:
        payment = await counter.look_again(request.match_info["payment_id"])
        if payment is None:
            raise Problem("not-found")
        if payment.return_url:
            to = {"Location": _with_id(payment.return_url, payment.id)}
            return web.Response(status=303, headers={**_HEADERS, **to})
        number = await counter.case_number(payment.case_id)
        return web.Response(text=_page(number, say), content_type="text/html", headers=_HEADERS)

    path = "/payments/{payment_id:pay_[0-9A-HJKMNP-TV-Z]{26}}/return"
    return [web.get(path, back), web.post(path, back)]


def _with_id(url: str, payment_id: str) -> str:
    """The portal's address with the payment's id; what happened is the API's to say."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode({"payment_id": payment_id})) if part)
    return urlunsplit(parts._replace(query=query))


def _page(number: str, say: Says) -> str:
    """The same for every payment: whoever holds the link learns a number, and nothing about money."""
    shown = "-".join(number[at : at + 4] for at in range(0, len(number), 4))
    parts = "".join(
        f'<section lang="{language}"><h2>{escape(say("payment_page.title", language))}</h2>'
        f"<p>{escape(say('payment_page.number', language, number=shown))}</p>"
        f"<p>{escape(say('payment_page.again', language))}</p></section>"
        for language in LANGUAGES
    )
    title = escape(say("payment_page.title", LANGUAGES[0]))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><main>{parts}</main></body></html>"
    )
