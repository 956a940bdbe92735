"""What the simulated city holds: reports, tokens, comments. Every method is one act and answers with a paper.

A request number nobody was given behaves as if it had always existed; ours begin with BBSR.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from adapters.municipal.open311.simulator_words import (
    BACKWARDS,
    CLOSED_AFTER_H,
    DUPLICATE,
    OFFICE,
    RESOLVED_AFTER_S,
    RESPONSIBLE_AFTER_H,
    SERVICES,
    STATUS_OF_FAULT,
    TWINS_WITHIN_H,
)
from adapters.municipal.open311.simulator_write import Paper, error
from aggregator.sdk.testing.pages import words_for
from aggregator.sdk.testing.simulator import Done, World

MARK = re.compile(r"\[([A-Za-z0-9-]{1,30})\]\s*$")
MAGIC_NUMBER = re.compile(r"SIM-\d{3,4}")
_PLACES = ("lat", "long", "address_string", "address_id")
Fields = Mapping[str, str]


def mark_of(text: str) -> str:
    """The reference at the end of a description."""
    found = MARK.search(text)
    return found[1] if found else ""


class City:
    """The city's books."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._reports = world.table("reports")
        self._comments = world.table("comments")
        self._tokens = world.table("tokens")
        self._polls = world.table("polls")

    def submit(self, fields: Fields, fault: str) -> Done:
        code, kind = fields["service_code"], SERVICES[fields["service_code"]]["type"]
        if code == "001" and fault != "810" and self._twin(fields):
            return Done(error(400, DUPLICATE))
        number = f"BBSR-{self._world.number('report'):06d}"
        self._reports[number] = {
            "service_code": code,
            "description": fields["description"],
            "place": place_of(fields),
            "fields": {name: fields[name] for name in ("address_string", "lat", "long") if fields.get(name)},
            "at": self._world.now().isoformat(),
            "batch": kind == "batch",
            "hidden": kind == "blackbox" or (kind == "batch" and fault == "107"),
            "forced": "",
        }
        row: dict[str, Any] = {"service_request_id": number} if kind == "realtime" else {}
        if kind == "batch":
            token = f"TK{self._world.number('token'):06d}"
            self._tokens[token] = number
            row = {"token": token}
        row |= {"service_notice": words_for(fault) or "Inspection within 3 days", "account_id": ""}
        return Done(Paper("service_requests", "request", [row]), acted=True, agency_ref=number)

    def comment(self, fields: Fields, fault: str) -> Done:
        number = fields["service_request_id"]
        if not MAGIC_NUMBER.fullmatch(number) and number not in self._reports:
            return Done(error(404, "service_request_id was not found"))
        update = f"U{self._world.number('update'):06d}"
        self._comments[update] = {
            "service_request_id": number,
            "description": fields["description"],
            "at": self._world.now().isoformat(),
        }
        row = {"update_id": update}
        if words_for(fault):
            row["description"] = words_for(fault)
        return Done(Paper("service_request_updates", "request_update", [row]), acted=True, agency_ref=update)

    def track(self, number: str, fault: str) -> Paper:
        self._polls[number] = int(self._polls.get(number, 0)) + 1
        if fault == "814" and self._polls[number] > 2:
            return error(404, "service_request_id was not found")
        row = self._magic_row(number, fault) if MAGIC_NUMBER.fullmatch(number) else self._row(number)
        if row is None:
            return error(404, "service_request_id was not found")
        return Paper("service_requests", "request", [row])

    def search(self, asked: Fields) -> Paper:
        """Every report of a service and time, newest first, a page at a time."""
        size = min(int(asked.get("page_size", "1000")), 1000)
        first = (int(asked.get("page", "1")) - 1) * size
        rows = [row for number in reversed(list(self._reports)) if (row := self._listed(number, asked)) is not None]
        return Paper("service_requests", "request", rows[first : first + size])

    def token(self, token: str) -> Paper:
        number = self._tokens.get(token)
        if number is None:
            return error(404, "token was not found")
        known = number if self._row(number) is not None else ""
        return Paper("service_requests", "request", [{"service_request_id": known, "token": token}])

    def updates(self, asked: Fields, fault: str) -> Paper:
        number = asked.get("service_request_id", "")
        rows = []
        if MAGIC_NUMBER.fullmatch(number):
            words = words_for(fault) or "Somebody is looking at it"
            rows.append(self._update("U000000", number, "INVESTIGATING", words, self._world.now()))
        for update, told in self._comments.items():
            shown = self._world.findable(mark_of(told["description"]))
            if shown and number in {"", told["service_request_id"]} and _within(told["at"], asked):
                at = datetime.fromisoformat(told["at"])
                rows.append(self._update(update, told["service_request_id"], "", told["description"], at))
        if not self._world.search_works:
            rows = []
        return Paper("service_requests_updates", "request_update", rows)

    def force(self, number: str, to: str) -> bool:
        """POST /advance, for a request number or a token."""
        number = str(self._tokens.get(number, number))
        if number not in self._reports:
            return False
        self._reports[number] = {**self._reports[number], "forced": to}
        return True

    def _twin(self, fields: Fields) -> bool:
        since = self._world.now() - timedelta(hours=TWINS_WITHIN_H)
        return any(
            told["service_code"] == "001"
            and told["description"] == fields["description"]
            and told["place"] == place_of(fields)
            and datetime.fromisoformat(told["at"]) > since
            for told in self._reports.values()
        )

    def _listed(self, number: str, asked: Fields) -> dict[str, Any] | None:
        told = self._reports[number]
        if asked.get("service_code") not in {None, told["service_code"]} or not _within(told["at"], asked):
            return None
        if not self._world.findable(mark_of(told["description"])):
            return None
        row = self._row(number)
        wanted = asked.get("status", "")
        return row if row is not None and (not wanted or row["status"] in wanted.split(",")) else None

    def _row(self, number: str) -> dict[str, Any] | None:
        """The record as the city shows it; None while it has no number, or never gets one."""
        told = self._reports.get(number)
        if told is None or told["hidden"]:
            return None
        at = datetime.fromisoformat(told["at"])
        if told["batch"] and self._world.now() < at + timedelta(seconds=RESOLVED_AFTER_S):
            return None
        return self._record(number, told, at)

    def _record(self, number: str, told: Mapping[str, Any], at: datetime) -> dict[str, Any]:
        named, closed = at + timedelta(hours=RESPONSIBLE_AFTER_H), at + timedelta(hours=CLOSED_AFTER_H)
        now = self._world.now()
        status = told["forced"] or ("closed" if now >= closed else "open")
        moved = max((moment for moment in (at, named, closed) if moment <= now), default=at)
        return {
            "service_request_id": number,
            "status": status,
            "status_notes": "Repaired" if status == "closed" else "",
            "service_name": SERVICES[told["service_code"]]["service_name"],
            "service_code": told["service_code"],
            "description": told["description"],
            "agency_responsible": OFFICE if now >= named else "",
            "service_notice": "",
            "requested_datetime": at.isoformat(timespec="seconds"),
            "updated_datetime": moved.isoformat(timespec="seconds"),
            "expected_datetime": closed.isoformat(timespec="seconds"),
            "address": told["fields"].get("address_string", ""),
            "address_id": "",
            "zipcode": "",
            "lat": told["fields"].get("lat", ""),
            "long": told["fields"].get("long", ""),
            "media_url": "",
        }

    def _magic_row(self, number: str, fault: str) -> dict[str, Any]:
        """A report that has always existed, in the state its fault asks for."""
        at = self._world.now() - timedelta(hours=2)
        told = {"service_code": "004", "description": "Demo report", "fields": {}, "forced": ""}
        row = self._record(number, told, at)
        row["status_notes"] = words_for(fault)
        if fault in STATUS_OF_FAULT:
            row["status"] = STATUS_OF_FAULT[fault]
        elif fault == "802":
            row["status"] = BACKWARDS[min(self._polls.get(number, 1), len(BACKWARDS)) - 1]
        elif fault == "811":
            row["description"] = "Another citizen's report [SIM-OTHER]"
        elif fault == "812":
            row |= {"updated_datetime": "0001-01-01", "expected_datetime": "", "requested_datetime": "00/00/0000"}
        elif fault == "813":
            row["updated_datetime"] = f"{at.date().isoformat()} 05:02:62604"
        return row

    def _update(self, update: str, number: str, status: str, text: str, at: datetime) -> dict[str, Any]:
        told = {"update_id": update, "service_request_id": number, "status": status}
        return told | {"updated_datetime": at.isoformat(timespec="seconds"), "description": text, "media_url": ""}


def place_of(fields: Fields) -> str:
    return "|".join(fields.get(name, "") for name in _PLACES)


def _within(at: str, asked: Fields) -> bool:
    moment = datetime.fromisoformat(at)
    first, last = asked.get("start_date"), asked.get("end_date")
    return (not first or moment >= datetime.fromisoformat(first)) and (
        not last or moment <= datetime.fromisoformat(last)
    )
