"""The control of the payments: a till that begins again after every silence, with a new order and a new posting.

It notes what is paid in a file, after it is paid. Killed in between, it takes the money again. The same drivers, the
same gateway and biller, the same faults as the city has.
"""

import asyncio
import http.client
import sys
import urllib.parse
from pathlib import Path

from naive_client import note, noted

from adapters.gateway.cashfree import Driver as Gateway
from adapters.municipal.digit import Driver as Corporation
from aggregator.sdk.adapter import Settings
from aggregator.sdk.errors import AgencyError
from aggregator.sdk.model import Order
from aggregator.sdk.wire_aiohttp import AiohttpWire


def reference_of(bill: str, attempt: int) -> str:
    """A new one each time: nobody can see that it is the same bill."""
    return f"{bill}X{attempt}"


def at_the_bank(url: str, reference: str) -> None:
    """The citizen pays the page that is shown, again if need be."""
    address = urllib.parse.urlsplit(url)
    bank = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    bank.request("POST", f"/checkout/session_{reference}", "say=pay", form)
    bank.getresponse().read()
    bank.close()


async def pay(drivers: tuple[Gateway, Corporation], url: str, bill: str, attempt: int) -> None:
    """Raises AgencyError where anything was not confirmed."""
    gateway, corporation = drivers
    reference = reference_of(bill, attempt)
    order = {"amount_paise": 66_400, "mobile": "9000000000", "expires_at": "2099-01-01T00:00:00+00:00"}
    await gateway.order(Order(reference, "collect", {**order, "return_url": ""}))
    at_the_bank(url, reference)
    form = {"bill_id": f"SIMBILL-{bill}", "amount_paise": 66_400, "business_service": "WS"}
    await corporation.pay(Order(reference, "water", {**form, "name": "Test Citizen", "mobile": "9000000000"}))


async def main(urls: tuple[str, str], bills: list[str], done: Path) -> None:
    wire = AiohttpWire(connect_timeout_s=0.3, total_timeout_s=0.6, read_timeout_s=0.6, max_connections=4)
    merchant = Settings(urls[0], {"client_id": "sim-merchant"}, {"client_secret": "sim-gateway-secret"})
    tenant = Settings(urls[1], {"tenant": "od.bhubaneswar"}, {"token": "00000000-0000-4000-8000-00000000sim0"})
    drivers = Gateway(wire, merchant), Corporation(wire, tenant)
    try:
        for bill in [one for one in bills if one not in noted(done)]:
            tries = done.with_suffix(f".{bill}")
            while True:
                note(tries, "again")
                try:
                    await pay(drivers, urls[0], bill, len(tries.read_text().split()))
                    break
                except AgencyError:
                    await asyncio.sleep(0.01)
            note(done, bill)
    finally:
        await wire.close()


if __name__ == "__main__":
    asyncio.run(main((sys.argv[1], sys.argv[2]), Path(sys.argv[3]).read_text().split(), Path(sys.argv[4])))
