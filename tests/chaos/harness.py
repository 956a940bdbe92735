"""A city under fire: the real server, real simulated agencies in other processes, and a judge who trusts neither.

Counts come from the agencies' durable ledgers and from the portal's own notes of what it was promised, never from the
server's log or tables. A portal here does what a good one does: it repeats a request with its key until it is answered.
"""

import base64
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agencies import HERE, ROOT, Simulator, call

SPEED = 100.0


PUSHING = ("bscl", "paygate", "tpcodl")
"""Agencies that must be told where the city is."""


ENDED = {"CONFIRMED", "REJECTED", "EXPIRED", "CANCELLED", "NEEDS_HUMAN"}


FINAL_OR_TOLD = {
    "SUBMITTED",
    "IN_PROGRESS",
    "COMPLETED",
    "ACKNOWLEDGED",
    "AWAITING_CITIZEN",
    "AWAITING_PAYMENT",
    "REJECTED",
    "WITHDRAWN",
}


FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "passport": (
        "passport.fresh",
        {
            "scheme": "Normal", "given_name": "Test", "surname": "Citizen", "date_of_birth": "1990-01-01",
            "gender": "F", "place_of_birth": "Bhubaneswar", "address_line1": "Plot 1", "district": "Khordha",
            "state": "Odisha", "pin": "751001", "police_station": "Saheed Nagar",
        },
    ),
    "rto": (
        "rto.transfer_ownership",
        {
            "vehicle_number": "OD02AB1234", "chassis_last5": "01234", "name": "Test Citizen",
            "address": "Plot 1, Demo Colony", "buyer_name": "Test Buyer", "buyer_mobile": "9000000000",
            "buyer_address": "Plot 2, Demo Colony", "office": "OD-02",
        },
    ),
    "bscl": (
        "bscl.parking_pass", {"name": "Test Citizen", "vehicle_number": "OD02AB1234", "zone": "A", "months": 3}
    ),
    "bmc": (
        "municipal.hall_booking",
        {
            "community_hall": "SIMHALL", "hall": "H1", "from_time": "10:00", "to_time": "14:00", "purpose": "Wedding",
            "name": "Test Citizen",
        },
    ),
    "tpcodl_portal": (
        "electricity.supply_complaint",
        {"consumer_id": "900S00000", "complaint_type": "NS", "text": "No power since morning"},
    ),
    "odisha_police": (
        "police.character_certificate",
        {
            "name": "Test Citizen", "father_name": "Test Father", "gender": "F", "date_of_birth": "1990-01-01",
            "address_line1": "Plot 1", "district": "98", "police_station": "9801", "pin": "751001",
            "id_type": "VOTER", "id_last4": "1234", "purpose": "Employment",
        },
    ),
}  # fmt: skip


MIX = (["600"] * 15) + (["408"] * 20) + (["501"] * 10) + (["601"] * 10) + (["000"] * 45)
"""The last digits of the applicant's mobile choose how the agency takes the first attempt: 15 % reset before acting,
20 % act and hang, 10 % act then 500, 10 % act then reset, the rest is well."""


@dataclass
class Promise:
    """What a portal was told: this key, this number."""

    key: str
    agency: str
    mobile: str
    case_id: str = ""
    number: str = ""
    form: dict[str, Any] = field(default_factory=dict)
    """What this citizen answers otherwise than `FORMS`."""
    withdrawal: str = ""
    """"asked" once a withdrawal was asked for, "answered" once it was taken."""


@dataclass
class City:
    """The server under test, started again and again on the same data."""

    folder: Path
    registry: Path
    agencies: dict[str, Simulator]
    seed: int
    database: str = ""
    """Where the server keeps its cases; "" for SQLite in its data folder."""
    speed: float = SPEED
    wrapper: list[str] = field(default_factory=list)
    """A program the server is started under: strace, or nothing."""
    born: float = field(default_factory=time.time)
    process: subprocess.Popen[str] | None = None
    port: int = 0
    pid: int = 0
    """The server's own, whatever it was started under."""
    kills: int = 0
    promises: list[Promise] = field(default_factory=list)
    restarts_s: list[float] = field(default_factory=list)
    reached: set[str] = field(default_factory=set)
    """Points at which the server killed itself."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def start(
        self,
        kill_at: str = "",
        nth: int = 1,
        speed: float | None = None,
        *,
        without: str = "",
        stop_at: str = "",
        port: int = 0,
    ) -> None:
        """`without` names a rule of ours the server runs without: a control (see fast_city.py)."""
        env = {**os.environ, "FAST_SPEED": str(speed or self.speed), "FAST_BORN": str(self.born)}
        if self.speed == 1.0 or "paygate" in self.agencies:  # notices are signed, and orders end, by the real time
            env["FAST_EPOCH"] = str(self.born)
        env.pop("KILL_AT", None)
        env |= {
            name: value
            for name, value in (("WITHOUT", without), ("STOP_AT", stop_at), ("FAST_PORT", str(port or "")))
            if value
        }
        if self.database:
            env["AGGREGATOR_DATABASE"] = self.database
        for simulator in self.agencies.values():
            env |= simulator.env
        if kill_at:
            env |= {"KILL_AT": kill_at, "KILL_NTH": str(nth)}
        urls = {name: f"http://127.0.0.1:{simulator.port}" for name, simulator in self.agencies.items()}
        begun = time.monotonic()
        command = [sys.executable, str(HERE / "fast_city.py"), str(self.folder / "data"), str(self.registry)]
        self.process = subprocess.Popen(
            [*self.wrapper, *command, json.dumps(urls)], stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line:
            told = json.loads(line)
            self.port, self.pid = told["port"], told["pid"]
            self.restarts_s.append(time.monotonic() - begun)
            for name in [one for one in PUSHING if one in self.agencies]:
                address = f"http://127.0.0.1:{self.port}/callbacks/{name}"
                self.agencies[name].tell("POST", "/callback-url", {"url": address})
        else:
            self.buried()

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        if self.process is not None:
            if self.wrapper and self.pid:
                os.kill(self.pid, signal.SIGKILL)
            else:
                self.process.send_signal(signal.SIGKILL)
            self.buried()

    def buried(self) -> None:
        assert self.process is not None
        self.process.communicate()
        self.kills += 1
        self.process = None

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        code = self.process.returncode
        self.process = None
        return code

    def wish(self) -> Promise:
        """The next citizen: an agency and a fate, both from the seed."""
        agency = self.random.choice(sorted(self.agencies))
        promise = Promise(f"key-{len(self.promises)}", agency, "9000000" + self.random.choice(MIX))
        self.promises.append(promise)
        return promise

    def submit(self, promise: Promise, wait_s: int = 0, *, strictly: bool = False) -> bool:
        """Whether the portal got its number; it asks again with the same key if not. `strictly`: breaks are raised."""
        service, form = FORMS[promise.agency]
        form = {**form, "mobile": promise.mobile, **promise.form}
        if promise.agency == "bmc":  # a hall is let once a day
            nth = int(promise.key.removeprefix("key-"))
            form["date"] = f"{2040 + nth // 336}-{1 + nth // 28 % 12:02d}-{1 + nth % 28:02d}"
        body = {"service_id": service, "form": form}
        headers = {"Idempotency-Key": promise.key, "Prefer": f"wait={wait_s}"}
        try:
            status, case = call(self.port, "POST", "/v1/cases", body, headers)
        except (OSError, http.client.HTTPException):
            if strictly:
                raise
            return False
        if status in {409, 503}:  # asked again with the same key
            return False
        assert status in {201, 202}, (status, case)
        assert promise.number in {"", case["number"]}, "one key, one number"
        promise.case_id, promise.number = case["id"], case["number"]
        return True

    def withdraw(self, promise: Promise) -> None:
        """Asks once more with the same key until somebody answers."""
        promise.withdrawal = "asked"
        body = {"action": "WITHDRAW", "form": {"reason": "Changed my mind"}}
        headers = {"Idempotency-Key": "w-" + promise.key, "Prefer": "wait=0"}
        try:
            status, told = call(self.port, "POST", f"/v1/cases/{promise.case_id}/actions", body, headers)
        except (OSError, http.client.HTTPException):
            return
        # 409: not possible now (still being handed over), or the same request is being answered.
        assert status in {200, 202, 409}, (status, told)
        if status != 409:
            promise.withdrawal = "answered"

    def enquire(self) -> None:
        """A safe question: answered or not answered, and never anything else."""
        body = {"form": {"vehicle_number": "OD02AB1234"}}
        try:
            status, told = call(
                self.port, "POST", "/v1/services/rto.vehicle_record/enquiries", body, {"Prefer": "wait=2"}
            )
        except (OSError, http.client.HTTPException):
            return
        assert status == 200, (status, told)

    def references(self, promise: Promise) -> set[str]:
        """Our references at the agency, as the citizen's signed receipt tells them."""
        token = call(self.port, "GET", f"/v1/cases/{promise.case_id}/receipt")[1]["receipt"]
        claims = token.split(".")[1]
        told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return {row["ours"] for row in told["references"]}

    def case(self, promise: Promise) -> dict[str, Any]:
        status, case = call(self.port, "GET", f"/v1/cases/{promise.case_id}")
        assert status == 200, (status, case)
        found: dict[str, Any] = case
        return found

    def drain(self, patience_s: float) -> list[dict[str, Any]]:
        """Every promised case, once none of them is waiting for a machine any more, or the patience is over."""
        until = time.monotonic() + patience_s
        while True:
            cases = [self.case(promise) for promise in self.promises]
            open_ones = [case for case in cases if not resting(case)]
            if not open_ones or time.monotonic() > until:
                return cases
            time.sleep(0.5)


def resting(case: dict[str, Any]) -> bool:
    """Nothing more will come of it by itself: told by the agency, or with a person."""
    actions = [asked for asked in case.get("asked", []) if asked["state"] not in ENDED]
    return not actions and (case["status"] in FINAL_OR_TOLD or (case["settled"] and with_people(case)))


def with_people(case: dict[str, Any]) -> bool:
    return case["legs"][0].get("reason_code") in {"opaque_doubt", "looks_exhausted", "conflict"}
