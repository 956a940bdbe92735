"""The codes a simulated agency sends by itself, and the telephone they arrive at: `GET /inbox?to=` on the control port.

As agencies do it: six digits, five minutes, three tries, one use; a newer code ends the older one. Whoever develops
against the sandbox reads the code there; a driver never does.
"""

from datetime import datetime, timedelta
from typing import Any

from aggregator.sdk.clock import SystemChance, random_digits
from aggregator.sdk.testing.simulator import World

LIFE_S, TRIES = 300, 3
INBOX_KIND = "_inbox"
_KEPT = 200


class CodeBook:
    """What was sent, by the agency's name of the sending."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._codes = world.table("own_codes")

    def send(self, handle: str, to: str, words: str) -> None:
        """A new code for `handle`, in a message to `to`; `words` has `{code}` in it."""
        code = random_digits(6, SystemChance())
        until = (self._world.now() + timedelta(seconds=LIFE_S)).isoformat()
        self._codes[handle] = {"code": code, "until": until, "tries": 0, "used": False}
        text(self._world, to, words.format(code=code))

    def check(self, handle: str, typed: str) -> str:
        """Empty for the right one, else `wrong`, `used`, `expired` or `blocked`."""
        kept = self._codes.get(handle)
        if kept is None:
            return "wrong"
        if kept["used"]:
            return "used"
        if self._world.now() > datetime.fromisoformat(kept["until"]):
            return "expired"
        if kept["tries"] >= TRIES:
            return "blocked"
        right = typed == kept["code"]
        self._codes[handle] = {**kept, "tries": kept["tries"] + 1, "used": right}
        return "" if right else "wrong"


def text(world: World, to: str, words: str) -> None:
    """A message from the agency to somebody's telephone."""
    inbox = world.table(INBOX_KIND)
    inbox[f"{world.number('text')}"] = {"to": to, "text": words, "at": world.now().isoformat()}


def inbox(world: World, to: str) -> list[dict[str, Any]]:
    """The newest messages to `to`, or to everybody, oldest first."""
    found = [one for one in world.table(INBOX_KIND).values() if to in {"", one["to"]}]
    return found[-_KEPT:]
