"""A city at DEBUG, and a citizen who says everything about herself everywhere, rightly and wrongly."""

import json
import re
import subprocess
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from canaries import Canaries
from running_city import RunningCity, until

DEVICE = "zq-device-of-this-citizen-7731"


@dataclass
class Citizen:
    """Quillandra, her portal, and what was answered to whom. `done`: requests that did what they were for."""

    city: RunningCity
    canaries: Canaries
    refusals: dict[str, bytes] = field(default_factory=dict)
    """Answers of 400 and above, by request: a mistake is told without the words it was made with."""
    done: int = 0
    cases: list[dict[str, Any]] = field(default_factory=list)
    waiting: dict[str, str] = field(default_factory=dict)
    """Agencies' codes that were sent and not given yet, by where they are given."""
    token: str = ""
    secret: str = ""

    def word(self, what: str) -> str:
        return self.canaries.known[what]

    def ask(self, method: str, path: str, *, token: str = "", **more: Any) -> httpx.Response:
        """One request, as the citizen if she has a token and no other is given."""
        headers = {"Authorization": f"Bearer {token or self.token or self.secret or 'nobody'}"} | more.pop(
            "headers", {}
        )
        headers |= {"Cookie": f"session={self.word('cookie')}", "User-Agent": "portal"}
        if method in {"POST", "PATCH", "DELETE"}:
            headers = {"Idempotency-Key": f"k-{time.monotonic_ns()}", "If-Match": "*"} | headers
        with httpx.Client(base_url=self.city.url, timeout=70, trust_env=False) as client:
            got = client.request(method, path, headers=headers, **more)
        if path.startswith("/forms/"):
            self.done += 1  # the page shows what was typed on it, to whoever typed it
        elif got.status_code >= 400:
            told = str(got.headers).encode() + got.content
            self.refusals[f"{got.status_code} {method} {path} {len(self.refusals)}"] = told
        else:
            self.done += 1
        return got

    def code(self) -> str:
        """The code she was sent last, read from her telephone."""
        to = f"%2B91{self.word('mobile ..000')}"

        def arrived() -> list[str]:
            messages = []
            for notifier in ("sms_first", "sms_second"):
                url = self.city.place(notifier)["url"] + f"/inbox?to={to}"
                got = httpx.get(url, headers={"Authorization": "Bearer sim-courier-token"}, trust_env=False)
                messages += got.json().get("messages", [])
            return [found[0] for message in messages if (found := re.search(r"\b\d{6}\b", message["text"]))]

        codes = until(lambda: [code for code in arrived() if code not in self.canaries.codes], lambda: "no code came")
        self.canaries.codes += codes
        return str(codes[-1])

    def logs_in(self) -> None:
        """A portal of hers is registered, and she logs in there with a wrong code and the right one."""
        ran = subprocess.run(
            self.city.command("portal", "add", "Canary portal", "--contact", "a@portal.example"),
            env=self.city.env, capture_output=True, text=True, check=True, cwd=self.city.folder, timeout=300,
        )  # fmt: skip
        found = re.search(r"client_id\s+(\S+)\s+client_secret\s+(\S+)", ran.stdout)
        assert found, ran.stdout
        secret = self.canaries.learn("the portal's secret", found[2])
        form = {"grant_type": "client_credentials", "client_id": found[1]}
        assert self.ask("POST", "/oauth/token", data=form | {"client_secret": secret + "x"}).status_code == 401
        got = self.ask("POST", "/oauth/token", data=form | {"client_secret": secret}).json()
        self.secret = self.canaries.learn("the portal's token", got["access_token"])
        began = self.ask("POST", "/v1/sessions", json={
            "purpose": "LOGIN", "mobile": self.canaries.mobile(), "device": self.canaries.learn("device", DEVICE),
        })  # fmt: skip
        assert began.status_code == 201, began.text
        code = self.code()
        path = f"/v1/sessions/{began.json()['session_id']}/verifications"
        self.ask("POST", path, json={"code": f"{(int(code) + 1) % 10**6:06d}", "device": DEVICE})
        given = self.ask("POST", path, json={"code": code, "device": DEVICE}).json()
        self.token = self.canaries.learn("the citizen's token", given["access_token"])
        self.refresh = self.canaries.learn("the refresh credential", given["refresh_token"])

    def says_who_she_is(self) -> None:
        address = {"line": self.word("address"), "area": "ward 7", "city": "Bhubaneswar", "pin_code": "751001"}
        profile = {"name": self.word("name"), "date_of_birth": "1977-03-01", "gender": "FEMALE", "address": address}
        for change in ({"name": profile["name"]}, {"date_of_birth": "1977-03-01"}, {"address": address},
                       {"name": self.word("name in Odia")}, {"gender": self.word("name")},
                       {"email": self.word("e-mail")}, {"username": self.word("user name")},
                       {"password": self.word("password")}, {"address": self.word("address")}):  # fmt: skip
            self.ask("PATCH", "/v1/citizens/me", json=change)
        asked = {"purpose": "PASSWORD", "username": self.word("user name"), "password": self.word("password")}
        self.ask("POST", "/v1/sessions", token=self.secret, json=asked | {"device": DEVICE})

    def opens(self, service: str, form: dict[str, Any]) -> None:
        got = self.ask(
            "POST", "/v1/cases", json={"service_id": service, "form": form}, headers={"Prefer": "wait=0"}
        )  # fmt: skip
        if got.status_code < 300:
            self.cases.append(got.json())

    def opens_everything(self) -> None:
        """Cases at agencies of every kind; the endings of the mobile number make some of them fail in every way."""
        word = self.word
        for ending in ("000", "408", "501", "600", "200", "203", "206", "103", "210", "703", "308"):
            mobile = self.canaries.mobile(ending)
            self.opens("passport.fresh", {
                "given_name": "Quillandra Zemphryova", "surname": "Zyqq", "date_of_birth": "1977-03-01", "gender": "F",
                "place_of_birth": "Zyqqtown", "mobile": mobile, "address_line1": word("address"),
                "district": "Khordha", "state": "Odisha", "pin": "751001", "police_station": "Demo Nagar",
            })  # fmt: skip
            self.opens("dl.renewal", {
                "licence_number": word("licence"), "name": word("name"), "mobile": mobile,
                "address": word("address"), "office": "OD-02",
            })  # fmt: skip
        mobile = self.canaries.mobile()
        person = {
            "name": word("name"), "father_name": word("father's name"), "gender": "F", "date_of_birth": "1977-03-01",
            "mobile": mobile, "email": word("e-mail"), "address_line1": word("address"), "district": "01",
            "police_station": "0101", "pin": "751001", "id_type": "AADHAAR", "id_last4": word("aadhaar")[-4:],
        }  # fmt: skip
        self.opens("police.character_certificate", person | {"purpose": word("what was written")})
        told = word("what was written") + " " + word("PAN")
        self.opens("municipal.garbage", {
            "name": word("name"), "mobile": mobile, "locality": "SUN01", "landmark": word("address"), "details": told,
        })  # fmt: skip
        self.opens("bscl.feedback", {"name": word("name in Odia"), "mobile": mobile, "subject": "WIFI", "text": told})
        self.opens("bscl.parking_pass", {
            "name": word("name in Hindi"), "mobile": mobile, "vehicle_number": word("plate"), "zone": "A", "months": 3,
        })  # fmt: skip
        self.opens("electricity.supply_complaint", {
            "consumer_id": word("account"), "mobile": mobile, "complaint_type": "NS", "text": told,
        })  # fmt: skip
        self.opens("reports.road", {
            "text": told, "address": word("address"), "mobile": mobile, "surface": "ASPHALT",
            "first_name": "Quillandra Zemphryova", "email": word("e-mail"),
        })  # fmt: skip

    def gets_it_wrong(self) -> None:
        """Every mistake with her words in it: types, shapes, places, methods, encodings."""
        word = self.word
        wrong = {name: word(name) for name in ("name", "aadhaar", "PAN", "e-mail")}
        form = {"name": 7, "mobile": word("aadhaar"), "licence_number": word("name"), "office": word("address")}
        self.opens("dl.renewal", form)
        self.opens("dl.renewal", {"mobile": [word("aadhaar")], "name": {"x": word("name")}})
        self.ask("POST", "/v1/services/dl.renewal/form-checks", json={"form": form})
        self.ask(
            "POST", "/v1/cases", content=f'{{"service_id": "dl.renewal", "form": {{"name": "{word("name")}'.encode()
        )
        self.ask("POST", "/v1/cases", content=word("name in Odia").encode("utf-16"))
        self.ask("POST", "/v1/cases", json=wrong["name"])
        self.ask("POST", "/v1/sessions", json={"purpose": word("name"), "device": word("name"), "mobile": wrong["PAN"]})
        for value in (word("aadhaar"), word("mobile ..000"), word("PAN"), word("e-mail")):
            self.ask("GET", f"/v1/track/{value}")
            self.ask("GET", f"/v1/cases/{value}")
            self.ask("GET", f"/v1/cases?status={value}&limit={value}&cursor={value}")
            self.ask("GET", f"/v1/nowhere/{value}?q={value}")
            self.ask("DELETE", f"/v1/citizens/{value}")
            self.ask("GET", "/v1/cases", headers={"Authorization": f"Bearer {value}"})
            self.ask("GET", "/v1/cases", headers={"If-None-Match": value, "Prefer": value, "Accept-Language": value})
            self.ask("POST", "/v1/cases", json={}, headers={"Idempotency-Key": value})
            self.ask("POST", "/oauth/token", data={"grant_type": value, "client_id": value, "client_secret": value})
        for agency in ("rto", "odisha_police", "paygate", "bscl", "tpcodl", "nobody"):
            body = json.dumps(wrong).encode()
            self.ask(
                "POST", f"/callbacks/{agency}/{wrong['PAN']}", content=body, headers={"X-Signature": wrong["name"]}
            )

    def asks_and_writes(self) -> None:
        """Drafts, documents, questions, searches, links, consents, actions, pages, payments."""
        word = self.word
        self.ask("POST", "/v1/services/dl.renewal/drafts", json={"form": {"name": word("name"), "mobile": "9"}})
        paper = b"%PDF-1.4\n1 0 obj<</Title(" + word("name").encode() + b")>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
        name = f"{word('name')} {word('aadhaar')}.pdf"
        self.ask("POST", "/v1/documents", files={"file": (name, paper, "application/pdf")})
        for said in (word("name"), f"my name is {word('name')}, number {word('aadhaar')}", word("name in Odia")):
            self.ask("POST", "/v1/services/searches", json={"words": said})
            self.ask("GET", "/v1/services", params={"q": said})
        self.ask("POST", "/v1/services/rto.vehicle_record/enquiries", json={"form": {"vehicle_number": word("plate")}})
        self.ask("POST", "/v1/citizens/me/links", json={
            "service_id": "electricity.consumer_check", "form": {"consumer_id": word("account")},
        })  # fmt: skip
        self.ask("POST", "/v1/citizens/me/enquiries", json={})
        self.ask("POST", "/v1/payments", token=self.secret, json={
            "service_id": "electricity.bill_payment", "form": {"account": word("account"), "mobile": "9773127000"},
        })  # fmt: skip
        page = {"name": word("name"), "mobile": word("aadhaar"), ".step": "check"}
        self.ask("POST", "/forms/dl.renewal", data=page)
        for case in self.cases:
            for action in ("REMIND", "REPLY", "RATE", "WITHDRAW"):
                more = {"form": {"reason": word("what was written"), "text": word("what was written")}}
                self.ask("POST", f"/v1/cases/{case['id']}/actions", json={"action": action, **more})
            self.ask("GET", f"/v1/cases/{case['id']}/receipt")
        self.ask("GET", "/v1/citizens/me/export")
        self.ask("DELETE", "/v1/citizens/me")
        self.ask("DELETE", "/v1/citizens/me/erasure")

    def has_codes_sent(self) -> None:
        """Two agencies send their own codes; the right ones are given after the kill."""
        record = {"consumer_code": self.canaries.learn("connection", "WS/DEMO/007731")}
        holder = self.canaries.learn("the holder's mobile", "9000017731")
        plate = {"vehicle_number": self.word("plate")}
        for agency, service, form, to in (
            ("bmc", "water.bill", record, holder), ("rto", "rto.vehicle_record", plate, "9000000000"),
        ):  # fmt: skip
            got = self.ask(
                "POST", "/v1/citizens/me/links", json={"service_id": service, "form": form, "proof": "AGENCY_CODE"},
                headers={"Prefer": "wait=20"},
            )  # fmt: skip
            assert got.json()["code"]["state"] == "SENT", got.text
            url = self.city.place(agency)["control_url"] + f"/inbox?to={to}"
            [message] = httpx.get(url, trust_env=False).json()["messages"]
            code = re.search(r"\b\d{6}\b", message["text"])[0]
            self.canaries.codes += [code, f"{(int(code) + 1) % 10**6:06d}"]
            path = f"/v1/citizens/me/links/{got.json()['id']}/verifications"
            assert self.ask("POST", path, json={"code": self.canaries.codes[-1]}).status_code == 409
            self.waiting[path] = code

    def comes_back(self) -> None:
        """After the kill: the tokens still hold, and so do the agencies' codes."""
        assert self.ask("GET", "/v1/citizens/me").status_code == 200
        for path, code in self.waiting.items():
            got = self.ask("POST", path, json={"code": code})
            assert (got.status_code, got.json().get("state")) == (200, "VERIFIED"), got.text
        for case in self.cases:
            self.ask("GET", f"/v1/cases/{case['id']}", params={"wait": 1})
        until(lambda: self.ask("GET", "/readyz").status_code == 200, lambda: "never ready again")

    def what_others_are_told(self) -> dict[str, bytes]:
        """Operators, the operations centre, another portal, whoever scrapes the metrics."""
        key = "sk_test_portal"
        items = self.ask("GET", "/v1/worklist", token=key).json()["items"]
        note = {"action": "NOTE", "by": self.word("a decider's name"), "note": self.word("what was written")}
        for item in items[:3]:
            self.ask("POST", f"/v1/worklist/{item['id']}/decisions", token=key, json=note)
        switch = {"by": self.word("a decider's name"), "reason": self.word("what was written")}
        for action in ("STOP", "GO"):
            self.ask("POST", "/v1/health/crut/overrides", token=key, json={"action": action, **switch})
        paths = ["/metrics", "/livez", "/readyz", "/v1/health", "/v1/health/rto", "/v1/cases", "/v1/documents",
                 "/v1/citizens", "/v1/audit", "/v1/agencies", "/v1/payments"]  # fmt: skip
        paths += [f"/v1/track/{case['number']}" for case in self.cases]
        told = {path: self.ask("GET", path, token=key).content for path in paths}
        position = ""
        for batch in range(50):
            got = self.ask("GET", "/v1/feeds/all", token=key, params={"lastEventId": position} if position else {})
            if not got.json():
                break
            position, told[f"/v1/feeds/all {batch}"] = got.json()[-1]["id"], got.content
        return told


def the_story(citizen: Citizen) -> None:
    citizen.logs_in()
    citizen.says_who_she_is()
    citizen.opens_everything()
    citizen.gets_it_wrong()
    citizen.asks_and_writes()
    citizen.has_codes_sent()
