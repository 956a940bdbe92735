"""Runs seeds and says what went wrong: `python -m simulation.run --seed 17 --trace` replays one.

The last line printed is JSON: how many seeds, how long, which failed and why.
"""

# ruff: noqa: T201 - a command line prints

import argparse
import json
import logging
import sys
import time
from collections import Counter

import aggregator
from simulation.judge import summary
from simulation.world import live


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="this one; may be repeated")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--profile", default="")
    parser.add_argument("--stop", action="store_true", help="at the first seed that fails")
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--digests", action="store_true")
    options = parser.parse_args(argv)
    logging.disable()  # thousands of stores go away and come back here
    seeds = options.seed or range(options.first, options.first + options.count * options.step, options.step)
    failed: dict[int, list[str]] = {}
    kinds: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    hours, begun = 0.0, time.process_time()
    digests = []
    for seed in seeds:
        outcome = live(seed, options.profile)
        hours += outcome.hours
        totals.update(seeds=1, steps=outcome.steps, crashes=outcome.crashes, effects=outcome.effects)
        totals.update(doubts=outcome.doubts)
        if options.trace:
            print("\n".join(outcome.trace))
        if options.digests:
            digests.append(outcome.digest)
        if outcome.wrong:
            failed[seed] = outcome.wrong
            kinds += summary(outcome.wrong)
            print(f"seed {seed} ({outcome.profile}): {outcome.wrong[0]}")
            print(f"  replay: PYTHONPATH=tests/chaos:tests python -m simulation.run --seed {seed} --trace")
            if options.stop:
                break
    print(
        json.dumps({
            **totals, "hours": round(hours, 1), "cpu_s": round(time.process_time() - begun, 2),
            "failed": {str(seed): wrong[:3] for seed, wrong in list(failed.items())[:50]}, "failures": len(failed),
            "kinds": dict(kinds), "digests": digests, "core": aggregator.__file__,
        })
    )  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
