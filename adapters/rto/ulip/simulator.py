"""The logistics gateway, simulated: login, envelope, and the two registers behind it, on a real socket.

`python -m adapters.rto.ulip.simulator --port 0 --control-port 0 --data DIR --seed 1`
User `sim`, password `sim-ulip-password`. Which plate or licence meets which fault: README.md.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from adapters.rto.ulip import simulator_registers as registers
from aggregator.sdk.testing.pages import JSON, clothed
from aggregator.sdk.testing.serve import parser, run
from aggregator.sdk.testing.simulator import Answer, Arrived, Call, Dialect, Done, World, magic

USER, PASSWORD = "sim", "sim-ulip-password"
TOKEN_LIFE = timedelta(minutes=30)
_BASE = "/ulip/v1.0.0/"
_DATASETS = {"VAHAN/01", "VAHAN/04", "SARATHI/01", "SARATHI/02"}
_AWAY = {"VAHAN": "VAHAN service unavailable", "SARATHI": "SARATHI service unavailable"}


class Ulip(Dialect):
    """A document is a whole envelope; a vehicle stands in it as a dictionary until it is dressed."""

    driver = "ulip"
    content_type = JSON
    not_applicable: Mapping[str, frozenset[str]] = {
        "*": frozenset({"100", "102", "104", "105", "106", "107", "108", "109", "701", "802", "803", "804", "814"}),
        "login": frozenset({"206", "208", "800", "801", "805", "808", "809", "811", "812", "813"}),
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._told = 0

    def read(self, arrived: Arrived) -> Call | Answer:
        dataset = arrived.path.removeprefix(_BASE)
        if arrived.method != "POST" or dataset not in _DATASETS | {"user/login"}:
            return Answer(b'{"message":"no Route matched with those values"}', JSON, 404)
        try:
            asked = dict(json.loads(arrived.body))
        except (ValueError, TypeError):
            return Answer(b'{"message":"bad request"}', JSON, 400)
        if dataset == "user/login":
            if (asked.get("username"), asked.get("password")) != (USER, PASSWORD):
                return _turned_away()
            return Call("login", write=False, counted_by=USER, args=(dataset, asked, ""))
        token = arrived.headers.get("authorization", "").removeprefix("Bearer ")
        until = self.world.table("tokens").get(token)
        if until is None or self.world.now() >= datetime.fromisoformat(until):
            return _turned_away()
        number = str(asked.get("vehiclenumber" if dataset.startswith("VAHAN") else "dlnumber", ""))
        digits = magic(r"OD99ZZ(\d{4})", number) or magic(r"OD992099000(\d{4})", number)
        return Call("lookup", write=False, magic=digits, counted_by=number, args=(dataset, asked, token))

    def act(self, call: Call, fault: str) -> Done:
        dataset, asked, _ = call.args
        if dataset == "user/login":
            token = self.world.chance(f"token {self.world.number('token')}").bytes(24).hex()
            self.world.table("tokens")[token] = (self.world.now() + TOKEN_LIFE).isoformat()
            return Done({"response": {"id": token}, "error": "false", "code": "200", "message": "Success"})
        if dataset.startswith("VAHAN"):
            plate = str(asked.get("vehiclenumber", ""))
            if not registers.PLATE.match(plate):
                return Done(self._no(dataset))
            return Done(_envelope(registers.spoiled(registers.vehicle(plate, self.world.seed), fault)))
        number = str(asked.get("dlnumber", ""))
        if not registers.LICENCE.match(number) or asked.get("dob") != registers.BORN:
            return Done(self._no(dataset))
        return Done(_envelope(registers.spoiled_licence(registers.licence(number, self.world.seed), fault)))

    def refuse(self, call: Call, fault: str) -> Any:
        dataset = call.args[0]
        if call.operation == "login":
            return None
        if fault == "103":
            return _envelope(None, "FAILURE", {"code": "299", "text": "Data not available at State Server"})
        return self._no(dataset) if fault == "101" else None

    def _no(self, dataset: str) -> dict[str, Any]:
        """VAHAN says so in a message whose code is now a number and now a text, SARATHI in a success."""
        if dataset.startswith("SARATHI"):
            return _envelope({"errorcode": -1, "errormessage": "Details not Found For Given DLNumber"})
        self._told += 1
        code: Any = 231 if self._told % 2 else "231"
        return _envelope(None, "ERROR", {"code": code, "text": "Vehicle Details not Found"})

    def page(self, call: Call, fault: str) -> Answer | None:
        dataset, _, token = call.args
        if fault == "401" and token:
            self.world.table("tokens").pop(token, None)
            return _turned_away()
        if fault == "412":
            told = {"error": "true", "code": "412 PRECONDITION_FAILED", "message": "Precondition Failed"}
            return Answer(json.dumps(told).encode(), JSON, 412)
        if fault == "502" and call.operation == "lookup":
            text = _AWAY[dataset.partition("/")[0]]
            return Answer(json.dumps(_envelope(None, "FAILURE", {"code": "502", "text": text})).encode(), JSON)
        return None

    def bend(self, call: Call, document: Any, fault: str) -> Any:
        if fault == "207":
            return {**document, "traceId": "1"}
        if fault == "209" and call.operation == "lookup":
            return {**document, "error": False, "code": 200}
        return document

    def dress(self, call: Call, document: Any, fault: str) -> Answer:
        if call.args[0] == "VAHAN/01":
            [item] = document["response"]
            if isinstance(item["response"], dict):
                document = {**document, "response": [{**item, "response": registers.as_xml(item["response"])}]}
        elif call.args[0] == "VAHAN/04":
            [item] = document["response"]
            if isinstance(item["response"], dict):
                document = {**document, "response": [{**item, "response": registers.as_camel(item["response"])}]}
        return clothed(json.dumps(document, ensure_ascii=False), JSON, fault, xml=False)


def _envelope(response: Any, status: str = "SUCCESS", message: Any = None) -> dict[str, Any]:
    item = {"response": response, "responseStatus": status, "message": message}
    return {"response": [item], "error": "false", "code": "200", "message": "Success"}


def _turned_away() -> Answer:
    return Answer(b'{"error":"true","code":"401","message":"Unauthorized"}', JSON, 401)


if __name__ == "__main__":
    run(lambda world, _options: Ulip(world), parser("rto/ulip"))
