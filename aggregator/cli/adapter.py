"""`aggregator adapter`: a driver tried by hand, through the same guard the city's cases go through."""

import asyncio
import dataclasses
import os
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from aggregator.cli import adapter_record, adapter_test
from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.places import add_places, checked, data_dir_of, registry_of
from aggregator.cli.simulated import recorded
from aggregator.cli.table import clean, paint, table
from aggregator.registry.agency import Agency
from aggregator.registry.load import Parts, load
from aggregator.registry.problems import meant
from aggregator.resilience.outcome import Confirmed, NotSent, Rejected, Unknown
from aggregator.resilience.pipeline import NullMeter
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.clock import SystemChance, SystemClock, new_id
from aggregator.sdk.errors import AgencyError, NotAttempted
from aggregator.sdk.model import Document, Facts, Order
from aggregator.sdk.testing.recording import KeepingWire
from aggregator.sdk.trace import TraceWire
from aggregator.sdk.trust import Trust
from aggregator.sdk.wire import Trail, Wire
from aggregator.sdk.wire_aiohttp import AiohttpWire
from aggregator.wiring import make_wire

_MASK = "\N{BULLET}" * 4
_LONGEST = 600
_OF_ORDER = ("reference", "service", "agency_reference")


def add(groups: Any) -> None:
    group = groups.add_parser("adapter", help="drivers: what they can do, and one call by hand")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    listing = commands.add_parser("list", help="every agency's driver, its operations and their classes")
    listing.set_defaults(run=show_list)
    calling = commands.add_parser("call", help="call one operation and read the answer")
    calling.add_argument("agency")
    calling.add_argument("operation")
    calling.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a field of the form, or agency_reference, reference, service",
    )
    calling.add_argument("--trace", action="store_true", help="show what went over the wire, masked, with timings")
    calling.add_argument("--url", default="", help="the agency's address, in place of the registry's")
    calling.add_argument("--really", action="store_true", help="needed for a write at an agency that is not simulated")
    adapter_record.add(calling)
    calling.set_defaults(run=call)
    for command in (listing, calling):
        add_places(command)
    adapter_test.add(commands)


def show_list(arguments: Namespace) -> int:
    facts = checked(registry_of(arguments)).facts
    rows = [
        (agency, f"{each.kind}/{each.manifest.name}", _state(each), _operations(each.operations))
        for agency, each in sorted(facts.items())
    ]
    print(table(("AGENCY", "DRIVER", "STATE", "OPERATIONS (CLASS)"), rows))
    return 0


def call(arguments: Namespace) -> int:
    return asyncio.run(_called(arguments))


async def _called(arguments: Namespace) -> int:
    clock = SystemClock()
    wires: list[AiohttpWire] = []
    traces: dict[str, TraceWire] = {}
    kept: dict[str, Wire] = {}

    def traced(agency: str, policy: Policy, operations: Mapping[str, Declared], trust: Trust) -> TraceWire:
        wires.append(make_wire(agency, policy, operations, trust))
        kept[agency] = KeepingWire(wires[-1]) if arguments.record else wires[-1]
        traces[agency] = TraceWire(kept[agency], clock)
        return traces[agency]

    parts = Parts(
        clock=clock,
        chance=SystemChance(),
        meter=NullMeter(),
        make_wire=traced,
        on_breaker=lambda _agency, _change: None,
    )
    urls = {agency: place.url for agency, place in recorded(data_dir_of(arguments)).items()}
    if arguments.url:
        urls[arguments.agency] = arguments.url
    registry = load(registry_of(arguments), parts, env=os.environ, sandbox_urls=urls)
    try:
        agency = _named(arguments.agency, registry.agencies)
        return await _one_call(agency, arguments, traces, kept[agency.id])
    finally:
        for agency in registry.agencies.values():
            await agency.guarded.close()
        for wire in wires:
            await wire.close()


async def _one_call(agency: Agency, arguments: Namespace, traces: Mapping[str, TraceWire], wire: Wire) -> int:
    declared = _declared(agency, arguments)
    order, clock = _order(agency, arguments), SystemClock()
    start = clock.monotonic()
    trail = Trail()
    try:
        if declared.cls is Class.SAFE:
            got: object = (await agency.guarded.read(arguments.operation, order, cached=False)).value
            said, code = _shown(got, reveal=not agency.livemode), 0
        else:
            got = await agency.guarded.attempt(arguments.operation, order, trail)
            said, code = _outcome(got, reveal=not agency.livemode)
    except (AgencyError, NotAttempted) as exc:
        got = exc
        said, code = f"{paint(type(exc).__name__, 'red')}: {exc}", 1
    finally:
        if arguments.trace and agency.id in traces:
            for exchanged in traces[agency.id].transcript:
                print(paint("\n".join(_cut(line) for line in str(exchanged).splitlines()), "faint"))
    taken_ms = round((clock.monotonic() - start) * 1000)
    health = agency.guarded.health()
    sent = "" if declared.cls is Class.SAFE else f"  sent {trail.sent.name}{', answered' if trail.answered else ''}"
    print(
        f"  {agency.id} {arguments.operation}  {taken_ms} ms  class {declared.cls}  agency {paint(health.state)}{sent}"
    )
    print(f"  {said}")
    if isinstance(wire, KeepingWire):
        print(f"  {adapter_record.record(agency, order, got, wire, arguments)}")
    return code


def _outcome(outcome: object, *, reveal: bool) -> tuple[str, int]:
    match outcome:
        case Confirmed(receipt=receipt):
            return f"{paint('Confirmed', 'green')}: {_shown(receipt, reveal=reveal)}", 0
        case Rejected(code=code, reason=reason):
            return f"{paint('Rejected', 'yellow')}: code {clean(code)!r} ({reason}); nothing is held there", 1
        case NotSent(why=why):
            return f"{paint('NotSent', 'yellow')}: {why}; it certainly did not act, sending again is harmless", 1
        case Unknown(why=why):
            return f"{paint('Unknown', 'red')}: {why}; it may have acted, do not send it again: ask with find", 1
    return repr(outcome), 1


def _shown(value: object, *, reveal: bool) -> str:
    """The answer's fields. What an agency tells of a person stays masked unless the agency is a simulator."""
    if isinstance(value, list):
        return f"{len(value)} found" + "".join(f"\n    {_shown(each, reveal=reveal)}" for each in value)
    if isinstance(value, Document):
        return f"Document {value.media_type}, {len(value.content)} bytes"
    if isinstance(value, Facts):
        told = (
            f"{name} {clean(text) if reveal and name not in value.masked else _MASK}"
            for name, text in value.values.items()
        )
        return "Facts: " + ", ".join(told)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = ((each.name, getattr(value, each.name)) for each in dataclasses.fields(value))
        told = (
            f"{name} {_MASK if name == 'remark' and not reveal else clean(str(field))}"
            for name, field in named
            if field
        )
        return f"{type(value).__name__}: " + ", ".join(told)
    return "answered" if value is None else clean(str(value))


def _order(agency: Agency, arguments: Namespace) -> Order:
    given: dict[str, str] = {}
    for pair in arguments.set:
        name, equals, value = pair.partition("=")
        if not equals:
            raise Failure(f"--set takes NAME=VALUE, got {pair!r}", BAD_USAGE)
        given[name] = value
    clock = SystemClock()
    reference = new_id("try", clock, SystemChance()).replace("_", "-")[:30]
    own: dict[str, Any] = {name: given.pop(name) for name in _OF_ORDER if name in given}
    offers = [key for key, offer in agency.manifest.offers.items() if offer.operation == arguments.operation]
    return Order(**{"reference": reference, "service": next(iter(offers), ""), **own}, form=given, at=clock.now())


def _named(name: str, agencies: Mapping[str, Agency]) -> Agency:
    if name not in agencies:
        raise Failure(f"the registry has no agency {name!r}.{meant(name, agencies)}", BAD_USAGE)
    if not agencies[name].enabled:
        raise Failure(f"{name} is disabled in the registry. Set enabled = true to call it", BAD_USAGE)
    return agencies[name]


def _declared(agency: Agency, arguments: Namespace) -> Declared:
    declared = agency.operations.get(arguments.operation)
    if declared is None:
        can = ", ".join(sorted(agency.operations))
        raise Failure(f"{agency.id} cannot {arguments.operation!r}. It can: {can}", BAD_USAGE)
    if declared.cls is not Class.SAFE and agency.livemode and not arguments.really:
        raise Failure(
            f"{agency.id} is the real agency and {declared.name} is a write. Say --really if you mean it", BAD_USAGE
        )
    return declared


def _operations(operations: Mapping[str, Declared]) -> str:
    return ", ".join(
        name if each.cls is Class.SAFE else f"{name} ({each.effective})" for name, each in operations.items()
    )


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ... {len(line) - _LONGEST} more characters"


def _state(facts: Any) -> str:
    if not facts.enabled:
        return "disabled"
    return "live" if facts.livemode else "sandbox"
