"""The rules of the design, each taken out of the real code in turn: the harness must die of every one (figure R3).

A mutant is a change of the source text, applied to a copy of the tree. Every text it replaces must be there exactly
once: when the code has moved on, the mutant says so instead of changing nothing. Numbers as in the list of figure R3.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
Edit = tuple[str, str, str]
"""File in `aggregator`, what stands there, what stands there instead."""


class Moved(AssertionError):
    """The text a mutant replaces is not there exactly once any more: bring the mutant up to date."""


@dataclass(frozen=True)
class Mutant:
    """One rule removed. Killed by seeds of `profile` ("" is any), or by a test of its own where seeds cannot see it."""

    number: int
    name: str
    edits: tuple[Edit, ...]
    profile: str = ""
    seeds: int = 1000
    test: tuple[str, ...] = ()
    """Arguments of pytest."""


ATTEMPT, SETTLE, WORKER = "cases/attempt.py", "cases/settle.py", "cases/worker.py"
MUTANTS = (
    Mutant(
        1,
        "an ambiguous error is tried again",
        (
            (
                "resilience/outcome.py",
                "        return Unknown(why, alarm=not isinstance(got, _EXPECTED) or _worth_a_look(got))",
                "        return _not_sent(got, why)",
            ),
        ),
    ),
    Mutant(
        2,
        "settle 0",
        (
            (
                SETTLE,
                "    return op.ended_ms + _ms(declared.max_apply_delay_s + declared.query_lag_s + MARGIN_S)",
                "    return op.ended_ms",
            ),
        ),
        profile="late",
    ),
    Mutant(
        3,
        "settle a quarter",
        (
            (
                SETTLE,
                "    return op.ended_ms + _ms(declared.max_apply_delay_s + declared.query_lag_s + MARGIN_S)",
                "    return op.ended_ms + _ms(declared.max_apply_delay_s + declared.query_lag_s + MARGIN_S) // 4",
            ),
        ),
        profile="late",
    ),
    Mutant(
        4,
        "503 is NotSent, undeclared",
        (
            (
                "sdk/dialect.py",
                "        if not effect or str(status) in declared.shed_unsent_codes:",
                "        if status in _SHEDS:",
            ),
        ),
    ),
    Mutant(
        5,
        "boot: SENDING -> READY",
        (
            (
                WORKER,
                "        moved = await ledger.move(run, op, doubt(counted, declared, ended_ms), at, mark)",
                (
                    "        ready = replace(doubt(counted, declared, ended_ms), after=State.READY, doubtful=False)\n"
                    "        moved = await ledger.move(run, op, ready, at, mark)"
                ),
            ),
        ),
    ),
    Mutant(
        6,
        "T2 after the send",
        (
            (
                ATTEMPT,
                "        await self._desk.store.write(lambda run: self._take(run, beginning))",
                "        self.late = lambda: self._desk.store.write(lambda run: self._take(run, beginning))",
            ),
            (
                ATTEMPT,
                '        passing("before_t3")\n',
                '        passing("before_t3")\n        if hasattr(trail, "late"):\n            await trail.late()\n',
            ),
        ),
    ),
    Mutant(
        7,
        "an error page is an absence",
        (
            (
                "cases/look.py",
                '            raise CouldNotAsk(getattr(error, "retry_after_s", None)) from error',
                "            return []",
            ),
        ),
        profile="search",
    ),
    Mutant(
        8,
        "no re-check before the write",
        (
            (
                ATTEMPT,
                "        if self._desk.worker.fenced or self._desk.clock.monotonic() > self._lease_until:",
                "        if self._desk.worker.fenced:",
            ),
        ),
        profile="fenced",
    ),
    Mutant(
        9,
        "no control record",
        ((SETTLE, "    if not (seen.control_found and now_ms >=", "    if not (now_ms >="),),
        profile="search",
    ),
    Mutant(
        11,
        "connection not cut",
        (
            (
                "sdk/wire_aiohttp.py",
                "                attempt.cut()\n                if attempt.stopped",
                "                if attempt.stopped",
            ),
        ),
        test=("tests/integration/sdk/test_wire_cut_and_caps.py", "-k", "no_byte_leaves or peer_of_a_cut"),
    ),
    Mutant(
        12,
        "no sender lock",
        ((WORKER, "            dead[worker] = await store.worker_is_dead(worker)", "            dead[worker] = True"),),
        profile="zombies",
    ),
    Mutant(
        13,
        "lock looked at only before the resend",
        (
            (
                WORKER,
                "            dead[worker] = await store.worker_is_dead(worker)",
                "            dead[worker] = True",
            ),
            (
                "cases/reconcile.py",
                '                passing("before_the_resend")\n',
                (
                    '                passing("before_the_resend")\n'
                    "                if op.worker != self._desk.worker.id"
                    " and not await self._desk.store.worker_is_dead(op.worker):\n"
                    "                    await self._wait(op, now_ms + 1000)\n"
                    "                    return\n"
                ),
            ),
        ),
        profile="zombies",
        seeds=4000,
    ),
    Mutant(
        14,
        "one counted look",
        (
            (SETTLE, "    if counted + 1 < declared.absences_needed:", "    if counted + 1 < 1:"),
            (
                "cases/lifecycle.py",
                '    (_S.ABSENT_ONCE, _S.ABSENT): "operation.absent",',
                (
                    '    (_S.ABSENT_ONCE, _S.ABSENT): "operation.absent",\n'
                    '    (_S.IN_DOUBT, _S.ABSENT): "operation.absent",'
                ),
            ),
        ),
        profile="search",
    ),
    Mutant(
        10,
        "no quarantine",
        (
            (ATTEMPT, "    if await run(shut, agency, known):\n", "    if await run(shut, agency, known) and False:\n"),
            (
                "cases/quarantine.py",
                "        return self.standing.shuts(agency)",
                "        return False",
            ),
            (
                "cases/quarantine.py",
                "            told += await self._doubt(run, op)",
                "            pass",
            ),
        ),
        test=("tests/integration/cases/test_cases_quarantine.py", "-k", "after_a_restore_a_forgotten"),
    ),
    Mutant(
        15,
        "no compare-and-set",
        (
            (
                "cases/ledger.py",
                "state = $24 and attempt = $25 and looks = $26 and next_action_ms = $27 returning id",
                "$24 <> '' and $25 >= 0 and $26 >= 0 and $27 >= 0 returning id",
            ),
            (
                ATTEMPT,
                "        if op is None or op.state is not State.READY or op.attempt != self.op.attempt:",
                "        if op is None:",
            ),
        ),
        profile="zombies",
    ),
    Mutant(
        16,
        "a late answer sets the state directly",
        (
            (
                "cases/late.py",
                "    if op.state is State.IN_DOUBT and op.attempt == late.ending.n:\n        return _settled(late",
                "    if op.state is not State.CONFIRMED:\n        return _settled(late",
            ),
        ),
        test=("tests/integration/cases/test_late_answers.py", "-k", "late"),
    ),
    Mutant(
        17,
        "find believes the first match",
        (
            (
                "cases/look.py",
                "{receipt.agency_reference: receipt for receipt in receipts}",
                "{receipt.agency_reference: receipt for receipt in receipts[:1]}",
            ),
        ),
        profile="search",
    ),
    Mutant(
        18,
        '"already exists" on a first attempt is success',
        (
            (
                SETTLE,
                "            if op.doubtful and (exists or",
                (
                    "            if exists and not op.doubtful:\n"
                    '                return Step(State.CONFIRMED, "confirmed", "state.confirmed", now_ms)\n'
                    "            if op.doubtful and (exists or"
                ),
            ),
        ),
        profile="keys",
    ),
    Mutant(
        19,
        "a key is used again after its end",
        (
            (
                SETTLE,
                "    return now_ms < op.first_sent_ms + _ms(declared.key_ttl_s - margin_s)",
                "    return margin_s > 0",
            ),
        ),
        profile="keys",
    ),
    Mutant(
        20,
        "pay lock off",
        (
            (
                "store/migrations/0010_payments.sql",
                "create unique index one_open_payment_per_bill",
                "create index one_open_payment_per_bill",
            ),
        ),
        test=("tests/integration/payments/test_money_once.py", "-k", "two_citizens_cannot"),
    ),
    Mutant(
        21,
        "refund on silence",
        (
            (
                "payments/cashier.py",
                "        elif payment.post_id and standing.post not in SETTLED_NO:",
                '        elif payment.post_id and standing.post not in {*SETTLED_NO, "IN_DOUBT"}:',
            ),
            (
                "payments/refund.py",
                "        if post is None or post.state.value not in SETTLED_NO:",
                '        if post is None or post.state.value not in {*SETTLED_NO, "IN_DOUBT"}:',
            ),
            (
                "payments/refund.py",
                "    if post is None or post.sends == 0 or post.state is State.REJECTED or",
                "    if post is None or post.sends >= 0 or",
            ),
        ),
        test=("tests/integration/payments/test_money_once.py", "-k", "silence_of_the_biller"),
    ),
    Mutant(
        22,
        "a callback is trusted without a look",
        (
            (
                "cases/inbox.py",
                '        if "find" in agency.operations:\n            look',
                "        if agency is None:\n            look",
            ),
        ),
        profile="pushes",
    ),
    Mutant(
        23,
        "a final status regresses",
        (
            (
                "cases/consolidate.py",
                "    if before in FINAL:\n        return False\n",
                "    if before in FINAL:\n        return True\n",
            ),
        ),
        profile="calm",
    ),
    Mutant(
        24,
        "the key is spent outside T1",
        (
            (
                "cases/opening.py",
                "    await spend(run, key, made.case_id, epoch_ms(desk.clock.now()))\n    await insert_case",
                "    await insert_case",
            ),
            (
                "cases/desk.py",
                '        passing("after_t1")\n',
                (
                    '        passing("after_t1")\n'
                    "        now_ms = epoch_ms(self._desk.clock.now())\n"
                    "        await self._desk.store.write(lambda run: spend(run, key, plan.case_id, now_ms))\n"
                ),
            ),
        ),
    ),
)
FOUND = (
    Mutant(
        101,
        "a look that was postponed is written over",
        (
            (
                "cases/ledger.py",
                "and looks = $25 and next_action_ms = $26 returning id",
                "and $25 >= 0 and $26 >= 0 returning id",
            ),
        ),
        profile="search",
    ),
)
"""Mistakes that the simulation itself found in the core, put back."""
SLOW_SETTLE = Mutant(
    0,
    "settle 20 s against a delay of 90 s",
    (
        (
            SETTLE,
            "_ms(declared.max_apply_delay_s + declared.query_lag_s + MARGIN_S)",
            "_ms((declared.max_apply_delay_s + declared.query_lag_s + MARGIN_S) * 20 / 155)",
        ),
    ),
    profile="late",
)
"""One of the three planted bugs of figure R2; the other two are mutants 1 and 5. Waits here are in proportion."""
COMMENT = Mutant(0, "a comment", ((SETTLE, "MARGIN_S = 5.0\n", "MARGIN_S = 5.0  # seconds\n"),))
UNTOUCHED = Mutant(0, "the tree as it is", ())


def by_number(number: int) -> Mutant:
    return next(mutant for mutant in (*MUTANTS, *FOUND) if mutant.number == number)


def plant(mutant: Mutant, folder: Path) -> Path:
    """A copy of the tree with the mutant in it. Raises Moved."""
    shutil.copytree(ROOT / "aggregator", folder / "aggregator", ignore=shutil.ignore_patterns("__pycache__"))
    if mutant.test:
        for name in ("adapters", "tests"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        for name in ("catalogue", "docs", "registry.toml", "sandbox"):
            (folder / name).symlink_to(ROOT / name)
    for file, before, after in mutant.edits:
        path = folder / "aggregator" / file
        text = path.read_text("utf-8")
        if text.count(before) != 1:
            raise Moved(f"mutant {mutant.number} ({mutant.name}): found {text.count(before)} times in {file}: {before}")
        path.write_text(text.replace(before, after), "utf-8")
    return folder
