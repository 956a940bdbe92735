"""Rules of finding out, taken out: waits, looks, evidence and what an agency says later (figure R3)."""

from simulation.mutant import Mutant

ATTEMPT, SETTLE, WORKER = "cases/attempt.py", "cases/settle.py", "cases/worker.py"
OF_FINDING_OUT = (
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
        9,
        "no control record",
        ((SETTLE, "    if not (seen.control_found and now_ms >=", "    if not (now_ms >="),),
        profile="search",
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
)
