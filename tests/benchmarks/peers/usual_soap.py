"""The SOAP enquiry as it is usually written in Python: zeep's AsyncClient over httpx behind an aiohttp server.

No circuit, no retry, no limits: that is to its advantage. Arguments: the agency's address, the WSDL, the shared secret.
"""

import base64
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import zeep
from aiohttp import web
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from lxml import etree
from served import serve
from zeep.transports import AsyncTransport

URL, WSDL, SECRET = sys.argv[1:4]
KEY = SECRET.encode()[:16]
CIPHER = Cipher(algorithms.AES(KEY), modes.CBC(KEY))
SHOWN = {
    "vehicle_number": "rc_regn_no", "vehicle_class": "rc_vh_class_desc", "maker": "rc_maker_desc",
    "model": "rc_maker_model", "fuel": "rc_fuel_desc", "vehicle_status": "rc_status",
    "registration_valid_until": "rc_regn_upto", "fitness_valid_until": "rc_fit_upto",
    "insurance_valid_until": "rc_insurance_upto", "tax_valid_until": "rc_tax_upto",
    "pollution_valid_until": "rc_pucc_upto",
}  # fmt: skip
SERVICE: web.AppKey[Any] = web.AppKey("service")


def opened(sealed: str) -> etree._Element:
    decryptor, unpadder = CIPHER.decryptor(), padding.PKCS7(128).unpadder()
    padded = decryptor.update(base64.b64decode(sealed)) + decryptor.finalize()
    return etree.fromstring(unpadder.update(padded) + unpadder.finalize())


async def enquire(request: web.Request) -> web.Response:
    plate = (await request.json())["form"]["vehicle_number"]
    record = opened(await request.app[SERVICE].getDetails(arg0="SIMCLIENT", arg1=plate))
    values = [{"name": name, "value": record.findtext(theirs)} for name, theirs in SHOWN.items()]
    if values[0]["value"] != plate:
        raise web.HTTPBadGateway
    line = {"agency": "rto", "result": "VALUE", "values": values}
    return web.json_response({"service_id": "rto.vehicle_record", "lines": [line]})


async def with_client(app: web.Application) -> AsyncIterator[None]:
    async with httpx.AsyncClient() as http:
        client = zeep.AsyncClient(WSDL, transport=AsyncTransport(client=http, wsdl_client=httpx.Client()))
        # create_service would answer without waiting: the usual way out is the option of the service that is there.
        client.service._binding_options["address"] = URL + "/vahanws/VahanInfo"
        app[SERVICE] = client.service
        yield


if __name__ == "__main__":
    usual = web.Application()
    usual.cleanup_ctx.append(with_client)
    usual.router.add_post("/v1/services/{service}/enquiries", enquire)
    serve(usual)
