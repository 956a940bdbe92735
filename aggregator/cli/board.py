"""The story's one table: redrawn in place on a terminal, and a line per change everywhere else."""

import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aggregator.cli.cases import consolidated
from aggregator.cli.failure import Failure
from aggregator.cli.over_http import Server
from aggregator.cli.table import cells, coloured, paint
from aggregator.sdk.clock import Clock

Case = Mapping[str, Any]
_LOOK_S = 0.25
_PAINT = re.compile("\x1b\\[[0-9;]*m")


class Board:
    """The cases of one story, in the order they were opened."""

    def __init__(self, server: Server, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._live = coloured(sys.stdout)
        self._ids: list[str] = []
        self._shown: dict[str, Case] = {}
        self._drawn = 0

    def say(self, text: str = "") -> None:
        """A line of narration; the table above it stays as it was."""
        self._drawn = 0
        print(text, flush=True)

    def add(self, case: Case) -> None:
        self._ids.append(str(case["id"]))
        self.draw([*self._shown.values(), case])

    def draw(self, cases: Sequence[Case]) -> None:
        """Shows what changed."""
        changed = [case for case in cases if _words(case) != _words(self._shown.get(case["id"], {}))]
        if not changed:
            return
        if self._live:
            self._redraw(cases)
        else:
            for case in changed:
                print(_change(self._shown.get(case["id"]), case), flush=True)
        self._shown = {str(case["id"]): case for case in cases}

    async def until(self, true_of: Callable[[Mapping[str, Case]], bool], patience_s: float, hope: str) -> None:
        """Follows the cases until it is so. Raises Failure when it does not come to pass."""
        end = self._clock.monotonic() + patience_s
        while True:
            self.draw(await self._look())
            if true_of(self._shown):
                return
            if self._clock.monotonic() > end:
                raise Failure(f"the story stopped: after {patience_s:.0f} s it was still not so that {hope}")
            await self._clock.sleep(_LOOK_S)

    def now(self, case: Case) -> Case:
        """The case as last seen."""
        return self._shown[str(case["id"])]

    def table(self) -> str:
        """All cases of the story, as they are now."""
        return consolidated(self._shown.values())

    async def _look(self) -> list[Case]:
        found = []
        for case_id in self._ids:
            answer = await self._server.later("GET", f"/v1/cases/{case_id}")
            found.append(answer.json() if answer.status == 200 else self._shown[case_id])
        return found

    def _redraw(self, cases: Sequence[Case]) -> None:
        text = consolidated(cases)
        back = f"\x1b[{self._drawn}A\x1b[J" if self._drawn else ""
        print(back + text, flush=True)
        self._drawn = rows_of(text, shutil.get_terminal_size().columns)


def rows_of(text: str, columns: int) -> int:
    """How many rows a terminal of this width needs for painted text: long lines wrap."""
    widths = (cells(_PAINT.sub("", line)) for line in text.split("\n"))
    return sum(max(1, -(-width // columns)) for width in widths)


def _words(case: Case) -> tuple[Any, ...]:
    references = [leg.get("reference") for leg in case.get("legs", ())]
    return case.get("status"), case.get("status_text"), references


def _change(before: Case | None, case: Case) -> str:
    step = f"{before['status']} -> {case['status']}" if before else case["status"]
    references = ", ".join(leg["reference"] for leg in case["legs"] if leg.get("reference"))
    theirs = f"  their number {references}" if references else ""
    return f"     {case['number']}  {case['service_id']:<18}  {paint(step)}: {case['status_text']}{theirs}"
