"""Virtual time: nothing waits, and whatever a process still had to do can be dropped or held back at any await.

Every callback belongs to the process in whose context it was scheduled. Killing a process drops its callbacks, so no
`finally` and no handler of it runs, as with SIGKILL; freezing one keeps them back until it thaws, as with SIGSTOP.
Scans that find nothing are not run: a nap between two of them lasts until such a scan has something to find.
"""

import asyncio
import contextlib
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any

FOREVER = float("inf")


class Owner:
    """Whoever callbacks belong to: a process of the city. `steps` counts what it has been let do."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.died_at = FOREVER
        self.frozen = False
        self.steps = 0
        self.backlog: list[_Callback] = []
        self.tasks: list[tuple[asyncio.Task[Any], Context]] = []
        self.step_again: asyncio.Future[None] | None = None
        self.step: Callable[[], None] | None = None
        """Asked before each step; may kill or freeze."""


OWNER: ContextVar[Owner | None] = ContextVar("owner", default=None)


class _Callback:
    """One thing to do; the handle that `call_soon` and `call_at` give out."""

    __slots__ = ("args", "callback", "context", "gone", "owner", "when")

    def __init__(self, when: float, callback: Any, args: Any, context: Context) -> None:
        self.when, self.callback, self.args, self.context = when, callback, args, context
        self.owner = context.get(OWNER)
        self.gone = False

    def cancel(self) -> None:
        self.gone = True

    def cancelled(self) -> bool:
        return self.gone


class VirtualLoop(asyncio.AbstractEventLoop):
    """As much of an event loop as tasks, futures and timeouts ask for."""

    def __init__(self, next_due: Callable[[str], float]) -> None:
        self.now = 0.0
        self.faults: list[str] = []
        self._ready: deque[_Callback] = deque()
        self._timers: list[tuple[float, int, _Callback]] = []
        self._naps: dict[str, list[tuple[float, int, _Callback]]] = {}
        self._count = 0
        self._next_due = next_due
        self._closed = False

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> Any:
        made = _Callback(self.now, callback, args, copy_context() if context is None else context)
        if not self._closed:
            self._ready.append(made)
        return made

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        return self._later(self._timers, when, callback, args, context)

    def call_later(self, delay: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        return self._later(self._timers, self.now + delay, callback, args, context)

    def _later(self, heap: Any, when: float, callback: Any, args: Any, context: Context | None) -> _Callback:
        made = _Callback(when, callback, args, copy_context() if context is None else context)
        self._count += 1
        if not self._closed:
            heapq.heappush(heap, (when, self._count, made))
        return made

    async def nap(self, seconds: float, scan: str) -> None:
        """Sleeps `seconds`, or longer while the next such scan would find nothing."""
        woken = self.create_future()
        handle = self._later(self._naps.setdefault(scan, []), self.now + seconds, _wake, (woken,), None)
        try:
            await woken
        finally:
            handle.gone = True

    def create_future(self) -> Any:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> Any:
        inside = copy_context() if context is None else context
        task = asyncio.Task(coro, loop=self, name=name or "-", context=inside)
        owner = inside.get(OWNER)
        if owner is not None:
            owner.tasks.append((task, inside))
            if len(owner.tasks) > 400:
                owner.tasks = [one for one in owner.tasks if not one[0].done()]
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return self._closed

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not self._closed:
            self.faults.append(f"{context.get('message')}: {type(error).__name__}: {error}")

    def run(self, until: Callable[[], bool], deadline: float) -> None:
        """Runs until `until` says so (asked whenever nothing is left to do now) or the time is over."""
        asyncio.events._set_running_loop(self)
        try:
            while self.now < deadline:
                self._drain()
                if until() or not self._advance(deadline):
                    return
        finally:
            asyncio.events._set_running_loop(None)

    def _drain(self) -> None:
        ready = self._ready
        while ready:
            todo = ready.popleft()
            if todo.gone:
                continue
            owner = todo.owner
            if owner is not None:
                if owner.step is not None and not owner.dead and not owner.frozen:
                    owner.step()
                if owner.dead:
                    continue
                if owner.frozen:
                    owner.backlog.append(todo)
                    continue
                owner.steps += 1
            try:
                todo.context.run(todo.callback, *todo.args)
            except Exception as error:  # noqa: BLE001 - as asyncio does: told, and the loop goes on
                self.call_exception_handler({"message": "callback", "exception": error})

    def _advance(self, deadline: float) -> bool:
        """Moves to the next moment at which something is to be done; False when there is none."""
        timer = _first(self._timers)
        due = [(timer, self._timers)]
        for scan, naps in self._naps.items():
            first = _first(naps)
            if first <= timer and first < FOREVER:  # else something else comes first: nobody has to be asked
                when = max(first, self._next_due(scan))
                due.append((when, naps))
                timer = min(timer, when)
        if timer == FOREVER:
            return False
        self.now = max(self.now, min(timer, deadline))
        for when, heap in due:
            while when <= self.now and heap and heap[0][0] <= self.now:
                self._ready.append(heapq.heappop(heap)[2])
        return True

    def thaw(self, owner: Owner) -> None:
        owner.frozen = False
        self._ready.extend(owner.backlog)
        owner.backlog = []

    def bury(self, owners: list[Owner]) -> None:
        """Ends all that is left of everybody, quietly."""
        self._closed = True
        for owner in owners:
            for task, inside in owner.tasks:
                if not task.done():
                    task._log_destroy_pending = False
                    with contextlib.suppress(Exception):  # on its way out; nothing it does counts any more
                        inside.run(task.get_coro().close)
            owner.tasks = []


def _first(heap: list[tuple[float, int, _Callback]]) -> float:
    """When the first of them is to be done that anybody still waits for."""
    while heap:
        when, _, todo = heap[0]
        if not todo.gone and (todo.owner is None or not todo.owner.dead):
            return when
        heapq.heappop(heap)
    return FOREVER


def _wake(future: Any) -> None:
    if not future.done():
        future.set_result(None)


def spawn(loop: VirtualLoop, owner: Owner, coro: Coroutine[Any, Any, Any]) -> Any:
    """A task that belongs to `owner`, whoever starts it."""
    context = copy_context()
    context.run(OWNER.set, owner)
    return loop.create_task(coro, context=context)


def abroad(loop: VirtualLoop, callback: Callable[..., None], *args: Any, delay: float = 0.0) -> Any:
    """Calls back in nobody's context: what the world does whatever becomes of the process that caused it."""
    return loop._later(loop._timers, loop.now + delay, callback, args, NOBODY)


NOBODY = Context()
"""The world itself: a context without an owner."""
