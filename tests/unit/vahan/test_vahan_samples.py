"""Every recorded answer reads as its file name says; a new file is a new test."""

import asyncio
import re
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest

import adapters.rto.vahan
from adapters.rto.vahan.simulator_layers import ENVELOPE, Strings
from aggregator.sdk.errors import ContractBroken, Misconfigured, OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.model import Absent, Order, Reading, Receipt
from aggregator.sdk.xml import parse

FOLDER = Path(adapters.rto.vahan.__file__).parent
SAMPLES = sorted((FOLDER / "samples").iterdir())
ORDERS = tomllib.loads((FOLDER / "sandbox.toml").read_text())["orders"]
ENDS = {
    Refused: "refused",
    Misconfigured: "misconfigured",
    Unavailable: "unavailable",
    OutcomeUnknown: "unknown",
    ContractBroken: "broken",
    Absent: "absent",
}


def order_for(operation: str) -> Order:
    """The order of sandbox.toml with the ordinary identifier 0000."""
    told = ORDERS[operation]
    form = (
        {
            key: value.replace("{fault}", "0000") if isinstance(value, str) else value
            for key, value in told["form"].items()
        }
        if "form" in told
        else {}
    )
    number = told.get("agency_reference", "").replace("{fault}", "0000")
    return Order(told.get("reference", "REF-1"), told["service"], form, agency_reference=number)


def recorded(sample: Path) -> httpx.Response:
    return httpx.Response(200, content=sample.read_bytes(), headers={"Content-Type": "text/xml"})


def end_of(got: Any) -> str:
    one = got[0] if isinstance(got, list) and got else got
    if isinstance(one, Receipt):
        return "receipt"
    if isinstance(one, Reading):
        return one.status.value.lower()
    return "absent" if got == [] else ENDS.get(type(got), "value")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
async def test_a_recorded_answer_reads_as_its_file_name_says(department: Any, sample: Path) -> None:
    operation, expected = sample.stem.split(".")[:2]
    department.answers(recorded(sample))
    (got,) = await asyncio.gather(getattr(department.driver, operation)(order_for(operation)), return_exceptions=True)
    assert end_of(got) == expected, got


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_a_recorded_answer_names_no_citizen(department: Any, sample: Path) -> None:
    sealed = parse(sample.read_bytes()).find(f"{ENVELOPE}Body/*/return")
    assert sealed is not None
    if ".cut_" in sample.stem:
        return
    plain = Strings("sim-vahan-secret-01").open("".join(str(sealed.text).split())).decode()
    assert not re.search(r"[6-9]\d{9}", plain.replace("9000000000", "").replace("OD99A", "").replace("OD26A", ""))
    owner = re.search("<rc_owner_name>(.*?)</rc_owner_name>", plain)
    assert owner is None or owner[1] in {"Test Citizen 0000", "T**T C*****N"}
