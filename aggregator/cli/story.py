"""Two minutes in a city, told in plain words: what happens to citizens when an agency works, dies, or goes silent.

Everything is real but the agencies: the story is a portal that speaks the published API over HTTP, and its agencies
are processes it kills. Each step ends in something that has to be seen, or the story fails.
"""

from collections.abc import Mapping
from typing import Any

from aggregator.cli.board import Board, Case
from aggregator.cli.failure import Failure
from aggregator.cli.over_http import Answer, Server, told
from aggregator.cli.simulated import SimulatedCity
from aggregator.cli.table import paint
from aggregator.sdk.clock import SystemChance, SystemClock, new_id

CITIZEN = "ctz_sandbox00000000000000001"
"""A sample citizen of sandbox/citizens.toml."""
FIRST, SECOND, SILENT = "9000000000", "9000000007", "9000000408"
"""Obviously invented mobile numbers; the last one makes the simulated office act and never answer."""
_DAY_S = 86_400
_SOON_S = 30.0


def passport_form(mobile: str) -> dict[str, str]:
    """A fresh passport for a citizen who does not exist."""
    return {
        "given_name": "Test",
        "surname": "Citizen 0001",
        "date_of_birth": "1990-01-01",
        "gender": "F",
        "place_of_birth": "Demo Town",
        "mobile": mobile,
        "address_line1": "Plot 1, Demo Colony",
        "district": "Khordha",
        "state": "Odisha",
        "pin": "751001",
        "police_station": "Demo Nagar",
    }


def licence_form(mobile: str) -> dict[str, str]:
    """The renewal of a licence nobody holds."""
    return {
        "licence_number": "OD9920990000000",
        "name": "Test Citizen 0002",
        "mobile": mobile,
        "address": "Plot 2, Demo Colony, Bhubaneswar",
        "office": "OD-02",
    }


class Story:
    """The steps in order. `tell` raises Failure at the first one that does not come true."""

    def __init__(self, server: Server, city: SimulatedCity, *, pause_s: float) -> None:
        self._server = server
        self._city = city
        self._clock = SystemClock()
        self._pause_s = pause_s
        self._board = Board(server, self._clock)
        self._step = 0

    async def tell(self) -> None:
        passport, licence = await self.two_citizens_apply()
        await self.one_sends_it_twice()
        await self.the_agencies_work(passport, licence)
        held = await self.an_agency_goes_down()
        await self.it_comes_back(held)
        await self.an_agency_goes_silent()
        await self.what_do_i_owe()
        await self.the_end()

    async def two_citizens_apply(self) -> tuple[Case, Case]:
        await self._title(
            "Two citizens apply, one form each, through one interface.",
            "The passport office speaks JSON, the transport office encrypted SOAP of 2009. Nobody outside has to know.",
        )
        passport = await self._apply("passport.fresh", passport_form(FIRST))
        licence = await self._apply("dl.renewal", licence_form(FIRST))
        await self._board.until(
            lambda seen: all(_references(case) for case in seen.values()), _SOON_S, "both agencies gave their numbers"
        )
        return passport, licence

    async def one_sends_it_twice(self) -> None:
        await self._title(
            "The portal's connection breaks, so it sends the very same request again.",
            "The same key gives the same answer, byte for byte; there is no second application.",
        )
        key, form = _key(), licence_form(SECOND)
        first, again = [await self._post("dl.renewal", form, key) for _ in range(2)]
        if first.body != again.body or again.headers.get("idempotency-replayed") != "true":
            raise Failure("the story stopped: a repeated request was not answered with the same bytes")
        self._board.add(first.json())
        self._board.say(f"     {paint('same bytes', 'green')}, and the answer says Idempotency-Replayed: true")

    async def the_agencies_work(self, passport: Case, licence: Case) -> None:
        await self._title(
            "The agencies work, and every portal sees the same consolidated status.",
            "(Their clocks are moved on: weeks pass in seconds. We only ask; the words are theirs.)",
        )
        await self._control("passport", "/clock", {"advance_s": 3 * _DAY_S})
        await self._control("rto", "/advance", {"ref": self._number(licence), "to": "SCR"})
        await self._board.until(
            lambda seen: {seen[case["id"]]["status"] for case in (passport, licence)} == {"IN_PROGRESS"},
            _SOON_S,
            "both were being worked on",
        )
        await self._control("passport", "/clock", {"advance_s": 20 * _DAY_S})
        await self._control("rto", "/advance", {"ref": self._number(licence), "to": "DLV"})
        await self._board.until(
            lambda seen: {seen[case["id"]]["status"] for case in (passport, licence)} == {"COMPLETED"},
            _SOON_S,
            "both were completed",
        )

    async def an_agency_goes_down(self) -> Case:
        await self._title(
            "The transport office goes down. Really: its process is killed.",
            "A citizen applies all the same and still gets a number that counts from now.",
        )
        await self._city.stop("rto")
        held = await self._apply("dl.renewal", licence_form(SECOND))
        await self._board.until(
            lambda seen: seen[held["id"]]["status"] == "HELD", _SOON_S, "the case was held with a reason"
        )
        self._quote(self._board.now(held))
        await self._quote_in_odia(held)
        self._board.say("     Nobody else notices: a passport application goes through meanwhile.")
        passport = await self._apply("passport.fresh", passport_form(SECOND))
        await self._board.until(
            lambda seen: bool(_references(seen[passport["id"]])), _SOON_S, "the passport office gave its number"
        )
        return held

    async def it_comes_back(self, held: Case) -> None:
        await self._title("The transport office is back. The held case is delivered by itself; nobody did anything.")
        await self._city.start("rto")
        await self._board.until(
            lambda seen: bool(_references(seen[held["id"]])), 2 * _SOON_S, "the held case was delivered"
        )

    async def an_agency_goes_silent(self) -> None:
        await self._title(
            "The worst case: the office takes an application, and its answer never comes.",
            "Did it arrive? Sending it again might register it twice; forgetting it would lose it. So it is settled.",
        )
        doubtful = await self._apply("dl.renewal", licence_form(SILENT))
        await self._board.until(
            lambda seen: seen[doubtful["id"]]["status"] == "UNCONFIRMED", _SOON_S, "the case was called unconfirmed"
        )
        self._quote(self._board.now(doubtful))
        await self._board.until(
            lambda seen: seen[doubtful["id"]]["status"] not in {"UNCONFIRMED", "ACCEPTED"}, 2 * _SOON_S, "it was found"
        )
        await self._count_at_the_office(doubtful)

    async def what_do_i_owe(self) -> None:
        await self._title(
            "A citizen asks once: what do I owe, everywhere? And what do you hold of mine?",
            "Every agency is asked at the same moment, in its own protocol; one that is away would cost its own line.",
        )
        bills = await self._server.later("GET", f"/v1/citizens/{CITIZEN}/bills", headers={"Prefer": "wait=20"})
        held = await self._server.later("POST", f"/v1/citizens/{CITIZEN}/enquiries", {}, {"Prefer": "wait=20"})
        lines = [line for answer in (bills, held) if answer.status == 200 for line in answer.json()["lines"]]
        if not any(line["result"] == "VALUE" and line.get("amount") for line in lines):
            raise Failure("the story stopped: no agency said what the citizen owes")
        for line in lines:
            self._board.say(f"     {line['service_id']:<32}{line['agency_title'][:44]:<46}{_said(line)}")

    async def the_end(self) -> None:
        await self._title("All of it in one place, whatever agency it is at.")
        self._board.say(self._board.table())
        for agency in sorted(self._city.places):
            duplicates = (await self._ask(agency, "GET", "/duplicates")).json()
            if duplicates:
                raise Failure(f"the story stopped: {agency} registered {len(duplicates)} things twice")
        await self._read_the_feed()
        self._board.say(f"     The agencies' own ledgers: {paint('nothing lost, duplicates 0', 'green')}")

    async def _read_the_feed(self) -> None:
        answer = await self._server.later("GET", "/v1/feeds/all?limit=1000")
        text = answer.body.decode()
        if answer.status != 200 or any(secret in text for secret in (FIRST, SECOND, SILENT, "Test Citizen")):
            raise Failure("the story stopped: the operations centre's feed could not be read, or names a citizen")
        self._board.say(f"     The operations centre has read {len(answer.json())} events of it, and not one name.")

    async def _count_at_the_office(self, case: Case) -> None:
        number = self._number(self._board.now(case))
        rows = (await self._ask("rto", "GET", "/ledger?operation=submit")).json()
        mine = {row["our_ref"] for row in rows if row["agency_ref"] == number}
        acted = sum(int(row["acted"]) for row in rows if row["our_ref"] in mine)
        duplicates = (await self._ask("rto", "GET", "/duplicates")).json()
        self._board.say(f"     The office's own ledger for {number}: acted {acted}, duplicates {len(duplicates)}")
        if acted != 1 or duplicates:
            raise Failure("the story stopped: the office did not register it exactly once")

    async def _apply(self, service: str, form: Mapping[str, str]) -> Case:
        answer = await self._post(service, form, _key())
        case: Case = answer.json()
        self._board.add(case)
        return case

    async def _post(self, service: str, form: Mapping[str, str], key: str) -> Answer:
        headers = {"Idempotency-Key": f'"{key}"', "Prefer": "wait=1"}
        answer = await self._server.later("POST", "/v1/cases", {"service_id": service, "form": form}, headers)
        if answer.status not in {201, 202}:
            raise Failure(f"the story stopped: {told(answer)}")
        return answer

    async def _control(self, agency: str, path: str, body: Any) -> None:
        answer = await self._ask(agency, "POST", path, body)
        if answer.status != 200:
            raise Failure(f"the story stopped: the simulator of {agency} refused {path}")

    async def _ask(self, agency: str, method: str, path: str, body: Any = None) -> Answer:
        return await Server(self._city.places[agency].control_url, "").later(method, path, body)

    def _number(self, case: Case) -> str:
        return _references(self._board.now(case))[0]

    def _quote(self, case: Case) -> None:
        self._board.say(f"     The citizen reads: {paint(case['explanation'], 'bold')}")

    async def _quote_in_odia(self, case: Case) -> None:
        answer = await self._server.later("GET", f"/v1/cases/{case['id']}", headers={"Accept-Language": "or"})
        self._board.say(f"     and in Odia: {paint(answer.json()['explanation'], 'bold')}")

    async def _title(self, title: str, *more: str) -> None:
        await self._clock.sleep(self._pause_s)
        self._step += 1
        self._board.say()
        self._board.say(paint(f"  {self._step}. {title}", "bold"))
        for line in more:
            self._board.say(f"     {line}")
        await self._clock.sleep(self._pause_s)


def _said(line: Mapping[str, Any]) -> str:
    """What one line of the answer comes to."""
    if amount := line.get("amount"):
        return f"Rs {amount['amount']}"
    return "answered" if line["result"] == "VALUE" else str(line["result"]).lower()


def _references(case: Case) -> list[str]:
    return [leg["reference"] for leg in case["legs"] if leg.get("reference")]


def _key() -> str:
    return new_id("demo", SystemClock(), SystemChance())
