"""One round of the settler: what each kind of doubt leads to, whom it wakes, and when it is come back to."""

from dataclasses import replace
from typing import Any

import pytest
from doubt_steps import doubted, op_of

from aggregator.cases.reconcile import Reconciliation
from aggregator.cases.settle import Looked, settle_at_ms
from aggregator.sdk import waypoints
from aggregator.sdk.adapter import Class
from aggregator.sdk.clock import epoch_ms

# -- what an agency leaves open


async def test_an_agency_that_cannot_be_asked_and_owes_its_decision_leaves_a_doubt_from_now_on(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE, finds=False)
    town.office.script = ["pending"]
    case = await town.apply()
    assert await town.state(case) == "PENDING"
    town.clock.advance(86_401)
    await town.reconciliation._settle_due()
    op, now_ms = await op_of(town, case), epoch_ms(town.clock.now())
    assert (op.state.value, op.reason_code, op.citizen_text_key) == ("IN_DOUBT", "agency_silent", "state.in_doubt")
    assert (op.doubtful, op.ended_ms, op.next_action_ms, op.doubt_since_ms) == (True, now_ms, now_ms, now_ms)
    await town.pass_time(1)
    assert (await town.state(case), (await op_of(town, case)).reason_code) == ("NEEDS_HUMAN", "looks_exhausted")
    assert town.office.arrivals == 1


def questions(town: Any) -> list[str]:
    """What the office is searched for, from now on."""
    asked: list[str] = []
    search = town.office.search

    def noting(path: str, query: str) -> Any:
        asked.append(query)
        return search(path, query)

    town.office.search = noting
    return asked


async def test_a_decision_found_when_it_was_due_is_told_without_a_word_of_doubt(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await doubted(town, "pending")
    asked = questions(town)
    town.clock.advance(86_401)
    await town.reconciliation._settle_due()
    assert await town.state(case) == "CONFIRMED"
    assert not [told for told in await town.types(case) if "doubt" in told]
    assert len(asked) == 1, "no absence could count, so no control record is asked for"


async def test_a_look_at_the_very_moment_an_absence_counts_from_counts(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await doubted(town, "lost")
    op = await op_of(town, case)
    settled_ms = settle_at_ms(op, town.registry.agencies["office"].operations["submit"])
    town.clock.advance((settled_ms - epoch_ms(town.clock.now())) / 1000)
    await town.reconciliation.settle(op)
    assert await town.state(case) == "ABSENT_ONCE"


async def test_a_look_that_finds_it_waiting_for_a_decision_keeps_its_number(town_of: Any) -> None:
    class Seen:
        async def too_early_s(self, *_: Any) -> float:
            return 0.0

        async def see(self, *_: Any, **__: Any) -> Looked:
            return Looked(1, "N7", pending=True)

    town = await town_of(Class.QUERYABLE)
    case = await doubted(town, "lost")
    town.reconciliation._looks = Seen()
    await town.reconciliation.settle(await op_of(town, case))
    op = await op_of(town, case)
    assert (op.state.value, op.agency_reference) == ("PENDING", "N7")


async def test_a_decision_owed_by_an_agency_that_left_the_city_is_a_doubt(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.script = ["pending"]
    case = await town.apply()
    del town.registry.agencies["office"]
    town.clock.advance(86_401)
    await town.reconciliation._settle_due()
    assert (await town.state(case), (await op_of(town, case)).reason_code) == ("IN_DOUBT", "agency_silent")


async def test_a_decision_owed_whose_record_is_gone_is_a_doubt_from_now_on(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.script = ["pending"]
    case = await town.apply()
    town.office.hidden = True
    town.clock.advance(86_401)
    await town.reconciliation._settle_due()
    op, now_ms = await op_of(town, case), epoch_ms(town.clock.now())
    assert (op.state.value, op.reason_code, op.ended_ms) == ("IN_DOUBT", "agency_silent", now_ms)


async def test_a_look_that_finds_another_citizens_number_is_a_conflict_as_old_as_its_doubt(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    other = await town.apply()
    town.office.script = ["lost"]
    case = await town.apply("Somebody Else")
    since_ms = (await op_of(town, case)).doubt_since_ms
    town.office.records.append(((await op_of(town, case)).reference, "N1"))
    town.clock.advance(91)
    await town.reconciliation._settle_due()
    op, seen = await op_of(town, case), await town.see(case)
    assert (op.state.value, op.reason_code, op.doubtful) == ("NEEDS_HUMAN", "conflict", True)
    assert (seen.legs[0].text_key, seen.legs[0].agency_reference, op.agency_reference) == ("state.conflict", "", "")
    assert (op.doubt_since_ms, op.looks) == (since_ms, 1)
    assert "operation.conflict" in await town.types(case)
    assert (await town.see(other)).legs[0].agency_reference == "N1"


@pytest.mark.parametrize("gone", ["operation", "agency"])
async def test_a_doubt_about_what_the_city_no_longer_offers_is_for_a_person(town_of: Any, gone: str) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await doubted(town)
    held = town.registry.agencies if gone == "agency" else town.registry.agencies["office"].operations
    del held["office" if gone == "agency" else "submit"]
    town.clock.advance(200)
    await town.reconciliation._settle_due()
    op = await op_of(town, case)
    assert (op.state.value, op.reason_code, op.owner) == ("NEEDS_HUMAN", "looks_exhausted", "worklist:office")
    assert op.doubtful


async def test_what_a_person_has_not_decided_is_come_back_to_after_a_day_and_not_every_second(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    case = await doubted(town)
    assert await town.state(case) == "NEEDS_HUMAN"
    town.clock.advance(86_401)
    before = await op_of(town, case)
    await town.reconciliation._settle_due()
    after = await op_of(town, case)
    due_ms = epoch_ms(town.clock.now()) + 86_400_000
    assert after == replace(before, next_action_ms=due_ms, age_due_ms=after.age_due_ms)


async def test_a_repeat_passes_every_point_at_which_the_kill_proof_kills(
    town_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, passed = await town_of(Class.QUERYABLE), []
    monkeypatch.setattr(waypoints, "watch", passed.append)
    await doubted(town, "lost")
    del passed[:]
    for _ in range(3):
        town.clock.advance(310)
        await town.reconciliation._settle_due()
    assert passed == [
        "before_a_look", "after_a_look", "after_absent_once", "before_a_look", "after_a_look", "after_absent",
        "before_the_resend",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cls", "sends", "days", "why"),
    [
        (Class.KEYED, 1, 2, "key_expired"),
        (Class.KEYED, 3, 2, "max_sends"),
        (Class.IDEMPOTENT, 3, 0, "max_sends"),
        (Class.IDEMPOTENT, 4, 0, "max_sends"),
    ],
)
async def test_a_person_hears_why_no_machine_goes_on(town_of: Any, cls: Class, sends: int, days: int, why: str) -> None:
    town = await town_of(cls, finds=False)
    case = await doubted(town)
    await town.store.write(lambda run: run("update operation set sends = $1 where case_id = $2", sends, case.id))
    town.clock.advance(days * 86_400 + 60)
    await town.reconciliation._settle_due()
    op = await op_of(town, case)
    assert (op.state.value, op.reason_code) == ("NEEDS_HUMAN", why)


# -- who is woken


class Readers:
    """Stands for those who wait for news of a case."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    def wake(self, case_id: str) -> None:
        self.woken.append(case_id)


def settler_of(town: Any, nudged: list[str], readers: Any = None) -> Reconciliation:
    stream = readers or town.desk._stream
    return Reconciliation(town.desktop, lambda: town.registry, stream, lambda: nudged.append("deliver"))


@pytest.mark.parametrize(("cls", "after_s", "state"), [(Class.QUERYABLE, 91, "CONFIRMED"), (Class.KEYED, 5, "READY")])
async def test_who_waits_for_news_of_a_case_hears_of_each_step(
    town_of: Any, cls: Class, after_s: int, state: str
) -> None:
    town, readers = await town_of(cls), Readers()
    case = await doubted(town)
    town.clock.advance(after_s)
    await settler_of(town, [], readers)._settle_due()
    assert (await town.state(case), readers.woken) == (state, [case.id])


async def test_delivery_is_woken_by_what_was_settled_and_by_nothing_else(town_of: Any) -> None:
    town, nudged = await town_of(Class.QUERYABLE), []
    await doubted(town)
    settler = settler_of(town, nudged)
    await settler._settle_due()
    assert nudged == [], "nothing was due"
    town.clock.advance(200)
    await settler._settle_due()
    assert nudged == ["deliver"]


async def test_delivery_is_woken_for_a_withdrawal_whose_application_was_found(town_of: Any) -> None:
    town, nudged = await town_of(Class.QUERYABLE), []
    case = await doubted(town)
    await town.desk.act(case.id, "WITHDRAW", {}, portal_id="portal_1")
    town.clock.advance(200)
    settler = settler_of(town, nudged)
    await settler.settle(await op_of(town, case))
    assert (await town.state(case), nudged) == ("CONFIRMED", [])
    await settler._settle_due()
    assert nudged == ["deliver"]


async def test_a_step_that_somebody_else_made_first_is_let_go_without_a_word(town_of: Any) -> None:
    town, readers = await town_of(Class.KEYED), Readers()
    case = await doubted(town)
    op, settler = await op_of(town, case), settler_of(town, [], readers)
    town.clock.advance(5)
    for _ in range(2):
        await settler.settle(op)
    assert (await town.state(case), readers.woken) == ("READY", [case.id])
