"""A toy city: a driver package of its own per test, so that its files can be broken one at a time."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aggregator.registry.load import Parts, check, load
from aggregator.registry.problems import Problem
from aggregator.resilience.pipeline import NullMeter
from aggregator.sdk.clock import ManualClock, SeededChance
from aggregator.sdk.wire import CAP, Reply, Sent, effect_trail

DRIVER = """
from aggregator.sdk.adapter import Class, operation
from aggregator.sdk.model import Receipt


class Driver:
    def __init__(self, wire, settings):
        self.wire, self.settings = wire, settings
        self.key = settings.secret("api_key")

    @operation(Class.QUERYABLE, max_apply_delay_s=90, shed_unsent_codes=(429, "92"), timeout_s=20)
    async def submit(self, order):
        reply = await self.wire.send("POST", self.settings.url, headers={}, body=b"{}")
        return Receipt(reply.body.decode())

    @operation(Class.SAFE, fresh_s=30)
    async def find(self, order):
        return []
"""

MANIFEST = """
[driver]
name = "wheels"
kind = "rto"
version = "0.1.0"
protocol = "JSON"
title = { en = "Wheels", or = "ଚକ", hi = "पहिए" }
summary = "A toy"

[settings.office]
type = "string"
required = true

[settings.page_rows]
type = "integer"
default = 20

[secrets.api_key]
required = true

[services.transfer]
kind = "APPLICATION"
operation = "submit"
form = "forms/transfer.json"
title = { en = "Transfer", or = "ହସ୍ତାନ୍ତର", hi = "हस्तांतरण" }
"""

FORM = """{
  "type": "object",
  "title": {"en": "Transfer", "or": "ହସ୍ତାନ୍ତର", "hi": "हस्तांतरण"},
  "additionalProperties": false,
  "required": ["plate"],
  "properties": {
    "plate": {"type": "string", "title": {"en": "Plate", "or": "ନମ୍ବର", "hi": "नंबर"}, "pattern": "^[A-Z0-9]+$"}
  }
}
"""

REGISTRY = """\
[city]
name = "Toytown"
timezone = "Asia/Kolkata"

[agencies.rto]
kind = "rto"
driver = "wheels"
title = { en = "RTO", or = "ଆରଟିଓ", hi = "आरटीओ" }
url = "https://rto.example/api"

[agencies.rto.secrets]
api_key = { env = "RTO_API_KEY" }

[agencies.rto.options]
office = "OD-02"

[agencies.rto.policy]
deadline_s = 20

[agencies.rto.operations.submit]
max_apply_delay_s = 300

[services."rto.transfer"]
title = { en = "Transfer", or = "ହସ୍ତାନ୍ତର", hi = "हस्तांतरण" }
description = { en = "A toy", or = "ଖେଳନା", hi = "खिलौना" }
category = "vehicle"
agencies = ["rto"]
offer = "transfer"
source = "invented for this test"
"""

ENV = {"RTO_API_KEY": "s3cr3t-from-the-environment"}
_NUMBERS = itertools.count()


class ToyWire:
    """Answers at once and remembers whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        effect: bool = True,
        cap: int = CAP,
    ) -> Reply:
        with effect_trail(effect=effect) as trail:
            trail.sent, trail.answered = Sent.MAYBE, True
        return Reply(200, {}, b"R1")

    async def close(self) -> None:
        self.closed = True


@dataclass
class Toytown:
    """One test's city on disk: `path` is its registry.toml, `root` the package its drivers live in."""

    folder: Path
    root: str
    env: dict[str, str] = field(default_factory=lambda: dict(ENV))
    wires: dict[str, list[ToyWire]] = field(default_factory=dict)
    clock: ManualClock = field(default_factory=ManualClock)

    @property
    def path(self) -> Path:
        return self.folder / "registry.toml"

    @property
    def driver(self) -> Path:
        return self.folder / self.root / "rto" / "wheels"

    def write(self, text: str, name: str = "registry.toml") -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def edit(self, old: str, new: str, file: Path | None = None) -> None:
        file = file or self.path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def check(self) -> list[Problem]:
        return check(self.path, self.env, drivers=self.root)

    def parts(self) -> Parts:
        def make_wire(agency: str, *_: object) -> ToyWire:
            wire = ToyWire()
            self.wires.setdefault(agency, []).append(wire)
            return wire

        return Parts(
            clock=self.clock,
            chance=SeededChance(1),
            meter=NullMeter(),
            make_wire=make_wire,
            on_breaker=lambda *_: None,
        )

    def load(self):
        return load(self.path, self.parts(), env=self.env, drivers=self.root)


def marked(problem: Problem) -> str:
    """The letters above the caret."""
    return problem.excerpt[problem.column - 1 : problem.column - 1 + problem.width]


@pytest.fixture
def toytown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toytown:
    town = Toytown(tmp_path, f"toycity{next(_NUMBERS)}")
    for package in (tmp_path / town.root, tmp_path / town.root / "rto", town.driver):
        package.mkdir()
        (package / "__init__.py").write_text("", encoding="utf-8")
    (town.driver / "__init__.py").write_text(DRIVER, encoding="utf-8")
    (town.driver / "adapter.toml").write_text(MANIFEST, encoding="utf-8")
    (town.driver / "forms").mkdir()
    (town.driver / "forms" / "transfer.json").write_text(FORM, encoding="utf-8")
    town.write(REGISTRY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return town


@pytest.fixture
def mark() -> Callable[[Problem], str]:
    return marked
