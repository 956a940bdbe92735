"""Rules of sending, taken out: what may be sent, by whom, under which key, and what goes with it (figure R3)."""

from simulation.mutant import Mutant

ATTEMPT, SETTLE, WORKER = "cases/attempt.py", "cases/settle.py", "cases/worker.py"
OF_SENDING = (
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
