"""The logistics gateway as a second window on the registers of vehicles and licences: JSON, and XML inside JSON.

One operation asks both registers; the offer decides which. Who is told what of a vehicle is the register's rule, the
same as at the department itself (`adapters.rto`). Envelope and login are in `gateway`, licences in `licence`.
"""

from adapters.rto.ulip.gateway import Gateway
from adapters.rto.ulip.licence import read_licence
from adapters.rto.ulip.vehicle import read_vehicle
from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.errors import Refused
from aggregator.sdk.form import normal
from aggregator.sdk.model import Absent, Facts, Order
from aggregator.sdk.wire import Wire


class Driver:
    """Vehicle records by plate, driving licences by number and date of birth."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._gateway = Gateway(wire, settings)
        self._vahan = f"VAHAN/{settings.option('vahan', '04')}"
        self._sarathi = f"SARATHI/{settings.option('sarathi', '01')}"

    @operation(Class.SAFE, timeout_s=15, fresh_s=60)
    async def lookup(self, order: Order) -> Facts | Absent:
        return await (self._licence(order) if order.service == "licence_record" else self._vehicle(order))

    async def _vehicle(self, order: Order) -> Facts | Absent:
        if not order.form.get("vehicle_number"):
            # The same form also serves the department, which searches by chassis and engine as well.
            raise Refused("", "plate_only")
        plate = normal("vehicle", str(order.form["vehicle_number"]))
        return read_vehicle(await self._gateway.ask(self._vahan, {"vehiclenumber": plate}), plate, order)

    async def _licence(self, order: Order) -> Facts | Absent:
        number = normal("driving_licence", str(order.form["licence_number"]))
        question = {"dlnumber": number, "dob": str(order.form["date_of_birth"])}
        return read_licence(await self._gateway.ask(self._sarathi, question), number)
