"""`aggregator adapter call --record`: one answer of a call by hand becomes a sample, without its people."""

import importlib.util
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path

from aggregator.cli.failure import FAILED, Failure
from aggregator.registry.agency import Agency
from aggregator.resilience.outcome import Confirmed, Rejected
from aggregator.sdk.errors import ContractBroken, Misconfigured, OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.model import Order
from aggregator.sdk.testing.recording import KeepingWire, NotRecorded, expectation, sample_of

_FILED_AS = ((Misconfigured, "misconfigured"), (ContractBroken, "broken"), (Unavailable, "unavailable"))


def add(calling: ArgumentParser) -> None:
    calling.add_argument("--record", action="store_true", help="keep the answer as a sample, its people replaced")
    calling.add_argument("--note", default="", help="what is special about this sample, for its file name")
    calling.add_argument("--into", type=Path, help="the folder for the sample; samples/ of the driver if left out")


def record(agency: Agency, order: Order, got: object, wire: KeepingWire, asked: Namespace) -> str:
    """Writes the sample and says what was replaced. Raises Failure when there is none to write."""
    if wire.last is None:
        raise Failure("nothing was recorded: the agency gave no answer", FAILED)
    expected, own_note = _filed(got)
    try:
        note = asked.note or own_note
        sample = sample_of(asked.operation, expected, note, wire.last, order, livemode=agency.livemode)
        path = sample.write(asked.into or folder_of(agency.driver) / "samples")
    except NotRecorded as exc:
        raise Failure(f"nothing was recorded: {exc}", FAILED) from exc
    except FileExistsError as exc:
        raise Failure(
            f"there is a sample of that name already: {exc.filename}. Give this one a --note", FAILED
        ) from exc
    return f"recorded {path.parent.name}/{path.name} ({_counted(sample.replaced)} replaced)"


def folder_of(module: str) -> Path:
    """The folder of a driver."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise Failure(f"{module} has no folder to write into", FAILED)
    return Path(spec.origin).parent


def _filed(got: object) -> tuple[str, str]:
    match got:
        case Confirmed(receipt=receipt):
            return expectation(receipt)
        case Rejected(refused=refused) | (Refused() as refused):
            return "refused", refused.code
        case OutcomeUnknown():
            return "unknown", ""
    return next(((word, "") for kind, word in _FILED_AS if isinstance(got, kind)), None) or _of_value(got)


def _of_value(got: object) -> tuple[str, str]:
    if type(got).__name__ in {"Unknown", "NotSent"}:
        raise Failure("nothing was recorded: what a doubt looks like is in the list of hostile answers", FAILED)
    if type(got).__name__ == "Absent":
        return "absent", str(getattr(got, "agency_code", ""))
    return expectation(got)


def _counted(replaced: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}{'s' if count != 1 else ''}" for kind, count in replaced.items()) or "nothing"
