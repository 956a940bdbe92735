"""`aggregator sandbox`: the simulated agencies, to be taken down and brought back at will."""

import asyncio
import json
import signal
import socket
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.over_http import Server
from aggregator.cli.places import add_places, checked, data_dir_of, registry_of, simulators_of
from aggregator.cli.simulated import KEY_FILE, Place, simulated_city
from aggregator.cli.table import paint, table

_PATIENCE_S = 90.0


def add(groups: Any) -> None:
    group = groups.add_parser("sandbox", help="simulated agencies: start, stop, look at their ledgers")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    start = _command(commands, "start", start_or_serve, "all of them in the foreground, or one that was stopped")
    start.add_argument("agency", nargs="?", default="", help="bring this one back, on the same port, with its ledger")
    stop = _command(commands, "stop", stop_one, "kill one: connections to it are refused from then on")
    stop.add_argument("agency")
    _command(commands, "status", show, "who is up, and where")
    ledger = _command(commands, "ledger", show_ledger, "what arrived at one, and what was done twice")
    ledger.add_argument("agency")
    ledger.add_argument("--ref", default="", help="only what carries our reference REF")
    inbox = _command(commands, "inbox", show_inbox, "what citizens of the sandbox were sent: the codes they would type")
    inbox.add_argument("--to", default="", help="only to this number (9000000042) or e-mail address")
    clock = _command(commands, "clock", advance, "move an agency's clock: its records progress by it")
    clock.add_argument("agency")
    clock.add_argument("seconds", type=float)


def start_or_serve(arguments: Namespace) -> int:
    if arguments.agency:
        return _change(arguments, "start")
    return asyncio.run(_foreground(arguments))


def stop_one(arguments: Namespace) -> int:
    return _change(arguments, "stop")


def show(arguments: Namespace) -> int:
    places = ask(data_dir_of(arguments), "status")
    rows = [(agency, place.state, place.url, place.control_url) for agency, place in sorted(places.items())]
    print(table(("AGENCY", "STATE", "ADDRESS", "CONTROL"), rows))
    return 0


def show_ledger(arguments: Namespace) -> int:
    control = _control(arguments)
    rows = control.read("/ledger", **({"ref": arguments.ref} if arguments.ref else {}))
    duplicates = control.read("/duplicates")
    shown = [
        (
            str(row["seq"]),
            row["operation"],
            row["our_ref"],
            row["agency_ref"] or "-",
            row["fault"] or "-",
            str(row["acted"]),
        )
        for row in rows
    ]
    print(table(("ROW", "OPERATION", "OUR REFERENCE", "THEIR NUMBER", "FAULT", "ACTED"), shown))
    acted = sum(int(row["acted"]) for row in rows)
    verdict = paint(f"duplicates {len(duplicates)}", "red" if duplicates else "green")
    print(f"  {arguments.agency}: acted {acted}, {verdict}")
    return 0


def show_inbox(arguments: Namespace) -> int:
    """The simulated telephones. Real providers have no such thing, and neither has the aggregator."""
    places = ask(data_dir_of(arguments), "status")
    facts = checked(registry_of(arguments)).facts
    rows, ten_digits = [], arguments.to.removeprefix("+91")
    for agency, place in places.items():
        if not place.pid or agency not in facts:
            continue
        if facts[agency].kind == "notifier":
            to = f"+91{ten_digits}" if len(ten_digits) == 10 and ten_digits.isdigit() else arguments.to
            messages = _inbox(place.url, facts[agency].settings.secret("token"), to)
        else:  # what agencies send by themselves: their own codes, to ten digits
            messages = _inbox(place.control_url, "", ten_digits)
        rows += [(message["at"][11:19], agency, message["to"], message["text"]) for message in messages]
    print(table(("AT", "BY", "TO", "TEXT"), sorted(rows, reverse=True)) if rows else "  nothing was sent")
    return 0


def _inbox(url: str, token: str, to: str) -> list[dict[str, str]]:
    answer = Server(url, token).get("/inbox", **({"to": to} if to else {}))
    return list(answer.json().get("messages", []))


def advance(arguments: Namespace) -> int:
    answer = _control(arguments).post("/clock", {"advance_s": arguments.seconds})
    print(f"  {arguments.agency}: its clock now says {answer.json()['clock']}")
    return 0


def ask(data_dir: Path, do: str, agency: str = "") -> dict[str, Place]:
    """What the supervisor of this data folder answers. Raises Failure where none is running or it says no."""
    try:
        key = json.loads((data_dir / KEY_FILE).read_text(encoding="utf-8"))
        with socket.create_connection(("127.0.0.1", key["port"]), timeout=_PATIENCE_S) as connection:
            connection.sendall(json.dumps({"word": key["word"], "do": do, "agency": agency}).encode() + b"\n")
            answer = json.loads(connection.makefile("rb").readline())
    except (OSError, ValueError, KeyError) as exc:
        raise Failure(
            f"no sandbox is running in {data_dir}. Start one with `aggregator sandbox start` or `make run`, "
            "or name its folder with --data"
        ) from exc
    if "error" in answer:
        raise Failure(str(answer["error"]), BAD_USAGE)
    return {name: Place(**place) for name, place in answer["places"].items()}


async def until_told() -> None:
    """Waits for SIGTERM or SIGINT."""
    told = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, told.set)
    await told.wait()


def _command(commands: Any, name: str, run: Any, help_text: str) -> ArgumentParser:
    command: ArgumentParser = commands.add_parser(name, help=help_text)
    command.set_defaults(run=run)
    add_places(command)
    return command


def _change(arguments: Namespace, do: str) -> int:
    place = ask(data_dir_of(arguments), do, arguments.agency)[arguments.agency]
    print(f"  {arguments.agency}  {paint(place.state)}  {place.url}")
    return 0


def _control(arguments: Namespace) -> Server:
    place = ask(data_dir_of(arguments), "status").get(arguments.agency)
    if place is None:
        raise Failure(f"no simulated agency is called {arguments.agency!r}. See `aggregator sandbox status`", BAD_USAGE)
    if not place.pid:
        raise Failure(
            f"{arguments.agency} is stopped. Its ledger can be read after `aggregator sandbox start {arguments.agency}`"
        )
    return Server(place.control_url, "")


async def _foreground(arguments: Namespace) -> int:
    simulators = simulators_of(arguments)
    async with simulated_city(simulators, data_dir_of(arguments)) as city:
        rows = [(agency, place.state, place.url, place.control_url) for agency, place in sorted(city.places.items())]
        print(table(("AGENCY", "STATE", "ADDRESS", "CONTROL"), rows))
        print("  Stop  Ctrl-C", flush=True)
        await until_told()
    return 0
