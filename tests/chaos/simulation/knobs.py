"""What one seed is like: waits short, rare things common, each profile looking for another kind of mistake."""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from aggregator.registry.agency import Manifest, Offer, Poll, Service
from aggregator.registry.form import Form
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Class, Declared, Settings, capabilities_of, operations_of
from aggregator.sdk.wire import NoWire
from simulation.agency import Temper
from simulation.office import OFFICES

PROFILES = ("storm", "zombies", "outages", "search", "pushes", "disk", "late", "keys", "fenced", "calm")
DAY_S = 86_400.0
FORM = Form({
    "type": "object",
    "required": ["wish", "subject"],
    "properties": {"wish": {"type": "string"}, "subject": {"type": "string"}},
})  # fmt: skip
TITLE = {"en": "Sample"}

MIX = {
    "well": 45.0, "refuse": 3.0, "reset_before": 10.0, "hang_before": 5.0, "act_hang": 9.0, "act_500": 6.0,
    "act_503": 4.0, "act_reset": 7.0, "shed_503": 3.0, "shed_429": 2.0, "page_before": 2.0, "act_page": 2.0,
    "act_torn": 2.0, "late_hang": 4.0, "late_reset": 4.0,
}  # fmt: skip
"""Weights of what an agency does with a request it receives."""


@dataclass
class Knobs:
    """The numbers of one seed. Seconds."""

    seed: int
    profile: str
    workers: int
    wishes: int
    window_s: float
    timeout_s: float
    apply_delay_s: float
    query_lag_s: float
    first_look_s: float
    look_gap_s: float
    linger_s: float
    key_ttl_s: float
    max_sends: int
    stale_after_s: float
    budget_per_hour: int
    crash: float
    """How likely a booted process is going to die before its time."""
    crash_steps: float
    """About how far it gets, in steps."""
    terminate: float
    freeze: float
    """How likely a process is stopped, long enough to lose its session, at one of three bad moments."""
    freeze_at_write: float
    die_after_thaw: float
    stall: float
    disk_full: float
    wall_jump: float
    withdraw: float
    impatient: float
    agencies: tuple[str, ...]
    peace_at: float = 0.0
    tempers: dict[str, Temper] = field(default_factory=dict)

    @property
    def lease_s(self) -> float:
        return self.timeout_s + 5.0


def knobs_of(seed: int, profile: str = "") -> Knobs:
    """Everything about a seed that is decided before it begins."""
    random = Random(f"knobs {seed}")
    profile = profile or PROFILES[seed % len(PROFILES)]
    timeout = random.uniform(2.0, 6.0)
    knobs = Knobs(
        seed=seed,
        profile=profile,
        workers=2 if profile == "zombies" or random.random() < 0.2 else 1,
        wishes=random.choice((1, 2, 3, 3, 4, 6)),
        window_s=random.choice((5.0, 30.0, 120.0)),
        timeout_s=timeout,
        apply_delay_s=random.uniform(4.0, 40.0),
        query_lag_s=random.uniform(1.0, 15.0),
        first_look_s=random.uniform(1.0, 20.0),
        look_gap_s=random.uniform(2.0, 8.0),
        linger_s=timeout + random.uniform(5.0, 9.0),
        key_ttl_s=random.uniform(60.0, 160.0),
        max_sends=random.choice((2, 3, 3, 5)),
        stale_after_s=random.choice((7 * DAY_S, 3600.0)),
        budget_per_hour=random.choice((600, 600, 12)),
        crash=random.choice((0.0, 0.5, 0.9)),
        crash_steps=random.choice((20.0, 80.0, 400.0)),
        terminate=0.1,
        freeze=0.0,
        freeze_at_write=0.0,
        die_after_thaw=0.5,
        stall=random.choice((0.0, 0.0, 0.05)),
        disk_full=0.0,
        wall_jump=0.0,
        withdraw=random.choice((0.0, 0.2)),
        impatient=random.choice((0.0, 0.2)),
        agencies=tuple(random.sample(sorted(OFFICES), random.randint(1, 3))),
    )
    _PROFILE[profile](knobs, random)
    knobs.tempers = {name: _temper(knobs, random, name) for name in knobs.agencies}
    ends = [end for temper in knobs.tempers.values() for _, end, _ in temper.down + temper.search_down]
    knobs.peace_at = max([knobs.window_s + random.uniform(20.0, 200.0), *(end + 5.0 for end in ends)])
    return knobs


def _storm(knobs: Knobs, random: Random) -> None:
    knobs.crash = random.choice((0.5, 0.9))


def _zombies(knobs: Knobs, random: Random) -> None:
    knobs.freeze = random.choice((0.0, 0.08))
    knobs.freeze_at_write = 0.0 if knobs.freeze else 0.15
    knobs.crash = random.choice((0.0, 0.0, 0.2))
    knobs.wishes = 7
    knobs.window_s = 120.0
    knobs.apply_delay_s = random.uniform(4.0, 8.0)
    knobs.query_lag_s = 1.0
    # A sender stopped between its check and its write may outlive any key: no rule helps there but a long-lived key.
    knobs.key_ttl_s = 5000.0
    knobs.agencies = ("queryable", *random.choice(((), (), ("keyed",), ("opaque",), ("unique",))))


def _fenced(knobs: Knobs, random: Random) -> None:
    """All is well but for one process that is stopped so long that everybody believes it dead."""
    _zombies(knobs, random)
    knobs.workers = 2
    knobs.freeze, knobs.freeze_at_write = 0.25, 0.0
    knobs.crash = knobs.terminate = knobs.impatient = knobs.die_after_thaw = knobs.stall = knobs.withdraw = 0.0
    knobs.budget_per_hour = 600
    knobs.agencies = ("queryable",)


def _late(knobs: Knobs, random: Random) -> None:
    knobs.agencies = (random.choice(("queryable", "keyed")),)
    knobs.wishes = 6
    knobs.apply_delay_s = random.uniform(20.0, 60.0)
    knobs.query_lag_s = 1.0
    knobs.first_look_s = random.uniform(1.0, 5.0)
    knobs.key_ttl_s = knobs.timeout_s + knobs.apply_delay_s + 6.0
    knobs.crash = 0.0


def _search(knobs: Knobs, random: Random) -> None:
    knobs.agencies = ("queryable", *random.sample(("keyed", "unique"), 1))


def _keys(knobs: Knobs, random: Random) -> None:
    knobs.agencies = ("keyed", "idempotent", "unique")
    knobs.max_sends = 5


def _disk(knobs: Knobs, random: Random) -> None:
    knobs.disk_full = random.choice((0.02, 0.1))


def _as_it_is(knobs: Knobs, random: Random) -> None:
    """No more than the ordinary."""


_PROFILE = {
    "storm": _storm,
    "zombies": _zombies,
    "late": _late,
    "fenced": _fenced,
    "calm": _as_it_is,
    "outages": _as_it_is,
    "search": _search,
    "pushes": _as_it_is,
    "disk": _disk,
    "keys": _keys,
}


def _temper(knobs: Knobs, random: Random, name: str) -> Temper:
    well = random.choice((0.3, 1.0, 3.0))
    mix = {fault: weight * (well if fault == "well" else random.random() * 2) for fault, weight in MIX.items()}
    if knobs.profile == "late":
        mix = {"well": 50.0, "late_hang": 20.0, "late_reset": 20.0, "reset_before": 5.0, "act_reset": 5.0}
    if knobs.profile == "zombies":
        mix |= {"well": 200.0}
    if knobs.profile == "fenced":
        return Temper({"well": 1.0}, knobs.apply_delay_s, knobs.query_lag_s, knobs.key_ttl_s)
    if knobs.profile == "calm":
        mix |= {"well": 500.0}
    pushes = knobs.profile == "pushes"
    temper = Temper(
        mix=mix,
        apply_delay_s=knobs.apply_delay_s,
        query_lag_s=knobs.query_lag_s,
        key_ttl_s=knobs.key_ttl_s,
        pushes=random.choice((0.5, 1.0)) if pushes else random.choice((0.0, 0.0, 0.3)),
        lies=0.4 if pushes else 0.05,
        copies=random.choice((0.0, 0.0, 0.15)),
        misses=0.3 if knobs.profile == "search" else 0.05,
        flaps=0.4 if knobs.profile == "search" else 0.05,
        elsewhere=0.1,
        decides=0.3 if pushes else random.choice((0.0, 0.1)),
        regresses=0.8 if knobs.profile == "calm" else random.choice((0.0, 0.3)),
        slow=random.choice((0.0, 0.1)),
    )
    if knobs.profile in {"outages", "keys"} or random.random() < 0.15:
        temper.down = [_outage(random, knobs, ("refused", "refused", "hang", "maintenance"))]
    if knobs.profile == "search" or random.random() < 0.05:
        temper.search_down = [_outage(random, knobs, ("empty", "empty", "page", "error"), longest=600.0)]
    return temper


def _outage(
    random: Random, knobs: Knobs, modes: tuple[str, ...], longest: float = 5 * DAY_S
) -> tuple[float, float, str]:
    begin = random.uniform(0.0, knobs.window_s)
    length = random.choice((30.0, 120.0, 600.0, 3600.0))
    if random.random() < 0.03:
        length = random.uniform(1.0, 5.0) * DAY_S
    return begin, begin + min(length, longest), random.choice(modes)


def facts_of(knobs: Knobs) -> dict[str, dict[str, Any]]:
    """The fields of each agency's `Agency`, but for its guard."""
    return {name: _facts(knobs, name) for name in knobs.agencies}


def _facts(knobs: Knobs, name: str) -> dict[str, Any]:
    office = OFFICES[name]
    offer = Offer(name, "APPLICATION", "submit", TITLE, FORM)
    manifest = Manifest(
        name=name, kind="office", version="1", protocol="rest", title=TITLE, summary="", offers={name: offer}
    )
    return {
        "id": name,
        "kind": "office",
        "driver": f"office.{name}",
        "title": TITLE,
        "enabled": True,
        "livemode": False,
        "settings": Settings(f"http://{name}"),
        "policy": Policy(max_rps=50.0, breaker_reset_s=2.0, breaker_fail_max=3),
        "operations": {op: _declared(knobs, declared) for op, declared in operations_of(office).items()},
        "manifest": manifest,
        "capabilities": capabilities_of(office(NoWire(), Settings("http://x"))),
        "poll": _poll(knobs),
    }


def _poll(knobs: Knobs) -> Poll:
    """Often; but a seed of days would be spent on polls."""
    if knobs.peace_at > 7200.0:
        return Poll(every_s=3600.0)
    return Poll(every_s=25.0, final_every_s=30.0 if knobs.profile == "calm" else 0.0)


def _declared(knobs: Knobs, declared: Declared) -> Declared:
    facts: dict[str, Any] = {
        "timeout_s": knobs.timeout_s,
        "query_lag_s": knobs.query_lag_s,
        "first_look_s": knobs.first_look_s,
        "look_gap_s": knobs.look_gap_s,
        "wire_linger_s": knobs.linger_s,
        "max_sends": knobs.max_sends,
        "stale_after_s": knobs.stale_after_s,
        "query_budget_per_hour": knobs.budget_per_hour,
        "answer_due_s": 30.0,
    }
    if declared.max_apply_delay_s is not None:
        facts["max_apply_delay_s"] = knobs.apply_delay_s
    if declared.cls is Class.KEYED:
        facts["key_ttl_s"] = knobs.key_ttl_s
    return replace(declared, **facts)


def services_of(knobs: Knobs) -> dict[str, Service]:
    return {
        name: Service(
            id=name,
            title=TITLE,
            description=TITLE,
            kind="APPLICATION",
            agencies=(name,),
            offer=name,
            operation="submit",
            form=FORM,
            category="sample",
        )
        for name in knobs.agencies
    }
