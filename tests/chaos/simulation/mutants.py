"""The rules of the design, each taken out of the real code in turn: the harness must die of every one (figure R3).

A mutant is a change of the source text, applied to a copy of the tree. Every text it replaces must be there exactly
once: when the code has moved on, the mutant says so instead of changing nothing. Numbers as in the list of figure R3.
"""

from simulation.mutant import Mutant
from simulation.mutants_of_finding_out import OF_FINDING_OUT
from simulation.mutants_of_sending import OF_SENDING

SETTLE = "cases/settle.py"
MUTANTS = tuple(sorted((*OF_SENDING, *OF_FINDING_OUT), key=lambda mutant: mutant.number))
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
