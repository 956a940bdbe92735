"""GET /overrides, POST /health/{agency_id}/overrides: an operator's word that holds from before the next send."""

from msgspec import UNSET

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.ports import SwitchPort
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.worklist_shapes import OverrideAsked, OverrideLine, OverrideList
from aggregator.cases.switch import Stop
from aggregator.citizens.four_eyes import NoName

STOP, GO = "STOP", "GO"


async def listing(call: Call) -> Answer:
    """GET /overrides."""
    return Answer(OverrideList(items=tuple(_line(call, stop) for stop in await _switches(call).stops())))


async def override(call: Call) -> Answer:
    """POST /health/{agency_id}/overrides. Stopping twice and lifting what is not stopped are no errors."""
    agency, asked = call.agency().id, call.body
    assert isinstance(asked, OverrideAsked)  # noqa: S101 - the route's own shape
    switches = _switches(call)
    try:
        if asked.action == STOP:
            until = None if asked.until is UNSET else asked.until
            return Answer(_line(call, await switches.stop(agency, by=asked.by, reason=asked.reason, until=until)), 201)
        if asked.action == GO:
            await switches.go(agency, by=asked.by)
            return Answer(OverrideLine(agency=agency, stopped=False, explanation=_said(call, agency, "going")), 201)
    except NoName as exc:
        raise _impossible(call, "no_name") from exc
    raise _impossible(call, "not_possible_here")


def _switches(call: Call) -> SwitchPort:
    """The switches. Raises Problem not-found where a server runs without them."""
    if call.rooms.switches is None:
        raise Problem("not-found")
    return call.rooms.switches


def _line(call: Call, stop: Stop) -> OverrideLine:
    return OverrideLine(
        agency=stop.agency,
        stopped=True,
        since=second(stop.since),
        until=UNSET if stop.until is None else second(stop.until),
        explanation=_said(call, stop.agency, "stopped"),
    )


def _said(call: Call, agency: str, word: str) -> str:
    return call.say(f"worklist.switch.{word}", agency=call.agency_title(agency))


def _impossible(call: Call, reason: str) -> Problem:
    return Problem("action-not-possible", about={"why": call.say(f"worklist.why_not.{reason}")})
