"""`aggregator adapter test`: who asks wrongly is told what there is, before anything is started."""

from pathlib import Path

import pytest

from aggregator.cli import main
from aggregator.cli.adapter_test import chosen_drivers
from aggregator.sdk.testing.conformance import Candidate, candidates
from aggregator.sdk.testing.paperwork import paperwork

DRIVER = """
import aiohttp
from adapters.rto.vahan import Driver as Other
from aggregator.resilience.retry import Retry
from aggregator.sdk.adapter import Class, operation


class Driver:
    @operation(Class.QUERYABLE)
    async def submit(self, order): ...

    async def forgotten(self, order): ...
"""
MANIFEST = """
[driver]
name = "rash"
kind = "tax"
protocol = "JSON"
title = { en = "Tax" }
[services.pay]
operation = "pay"
form = "forms/pay.json"
title = { en = "Pay", or = "" }
"""


def test_a_driver_nobody_knows_ends_with_two_and_a_suggestion(capsys):
    assert main(["adapter", "test", "vahn"]) == 2
    assert "vahan" in capsys.readouterr().err


def test_no_name_at_all_lists_the_drivers(capsys):
    assert main(["adapter", "test"]) == 2
    assert "seva" in capsys.readouterr().err


def test_a_driver_may_be_named_with_its_kind():
    assert [found.name for found in chosen_drivers("rto/vahan", everything=False)] == ["vahan"]
    assert len(chosen_drivers("", everything=True)) == len(candidates())


@pytest.fixture
def rash(tmp_path, monkeypatch):
    """A driver written in a hurry, in an installation of its own."""
    folder: Path = tmp_path / "tax" / "rash"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(DRIVER + "\n" * 150, "utf-8")
    (folder / "adapter.toml").write_text(MANIFEST, "utf-8")
    (folder / "sandbox.toml").write_text('[orders.pay]\nservice = "pay"\n', "utf-8")
    candidate = Candidate("tax", "rash", folder)
    space = {}
    honest = DRIVER.replace("import aiohttp\n", "").replace("from adapters.rto.vahan import Driver as Other\n", "")
    exec(honest.replace("from aggregator.resilience.retry import Retry\n", ""), space)  # noqa: S102 - made for this
    vars(candidate)["driver"] = space["Driver"]
    return candidate


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("manifest", "[driver] has no version"),
        ("manifest", "[quality] is empty"),
        ("manifest", "service pay is operation 'pay', which is not there"),
        ("languages", "'Pay' is missing in hi, or"),
        ("orders", "forgotten is public and not declared"),
        ("orders", "no order for operation submit"),
        ("imports", "imports adapters.rto.vahan: no adapter imports another"),
        ("imports", "imports aggregator.resilience.retry: an adapter sees aggregator.sdk and nothing else"),
        ("imports", "imports aiohttp: calls go through the wire it is given"),
        ("size", "at most 150"),
        ("bounds", "submit is opaque: an unknown outcome goes to a person"),
        ("readme", "does not say what is verified"),
        ("find", "submit and no find"),
    ],
)
def test_what_was_forgotten_in_a_hurry_is_said_with_its_place(rash, rule, says):
    findings = [finding for result in paperwork(rash) if result.rule == rule for finding in result.findings]
    (said,) = [finding for finding in findings if says in finding.says]
    assert said.where.startswith("adapters/tax/rash/")
