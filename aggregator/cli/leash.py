"""A simulator never outlives whoever started it: its standard input is the leash, and when that ends, so does it.

A pipe's end is seen however the parent died, `kill -9` included, on every system. Ending at once is safe: a
simulator has everything it answered on the disk.
"""

import os
import runpy
import sys
import threading


def main() -> None:
    """`python -m aggregator.cli.leash MODULE [ARGUMENTS]` runs the module as a program, on the leash."""
    module = sys.argv[1]
    sys.argv = sys.argv[1:]
    threading.Thread(target=_watch, args=(sys.stdin.fileno(),), daemon=True).start()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _watch(leash: int) -> None:
    while os.read(leash, 64):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
