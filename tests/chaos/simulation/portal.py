"""Portals as good ones are: a request is repeated with its key until it is answered, whatever happens in between."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aggregator.cases.act import Wish as Action
from aggregator.cases.desk import ActionNotPossible, Desk, Key, KeyRunning, NewCase, StoredAnswer
from aggregator.store import StoreUnavailable
from simulation.loop import abroad, spawn
from simulation.process import Process

if TYPE_CHECKING:
    from simulation.world import City

PATIENCE_S = 12.0


@dataclass
class Wish:
    """One citizen's application, as the portal remembers it. `number` once it was told."""

    id: str
    agency: str
    subject: str
    case_id: str = ""
    number: str = ""
    tries: int = 0
    withdraws: bool = False
    withdrawn: bool = False


class Portal:
    """All portals of the city."""

    def __init__(self, city: "City") -> None:
        self.city = city
        self.wishes: list[Wish] = []
        knobs, random = city.knobs, city.random
        for count in range(knobs.wishes):
            wish = Wish(f"w{count}", random.choice(knobs.agencies), f"s{count}")
            wish.withdraws = random.random() < knobs.withdraw
            self.wishes.append(wish)
            city.agencies[wish.agency].remember(wish.subject)
            abroad(city.loop, self._submit, wish, delay=random.random() * knobs.window_s)

    @property
    def content(self) -> bool:
        return all(wish.number for wish in self.wishes)

    def _submit(self, wish: Wish) -> None:
        if wish.number:
            return
        wish.tries += 1
        self._ask(self._open, wish, self._promised)
        abroad(self.city.loop, self._submit, wish, delay=PATIENCE_S + self.city.random.random() * 5.0)

    def _ask(self, how: Any, wish: Wish, then: Any) -> None:
        process = self.city.anybody()
        if process is None:
            return
        task = spawn(self.city.loop, process.owner, how(process, wish))
        done = self.city.outside(lambda: self._heard(task, wish, then))
        task.add_done_callback(lambda _: done())

    def _heard(self, task: Any, wish: Wish, then: Any) -> None:
        error = task.exception()
        if error is None:
            if self.city.chance(self.city.knobs.impatient):
                return  # the answer is lost on its way
            then(wish, task.result())
        elif not isinstance(error, StoreUnavailable | KeyRunning | ActionNotPossible):
            self.city.judge.fault(f"a portal was answered with {type(error).__name__}: {error}")

    async def _open(self, process: Process, wish: Wish) -> tuple[str, str]:
        form = {"wish": wish.id, "subject": wish.subject}
        new = NewCase("ptl", "ctz", wish.agency, wish.agency, form, source_ref=wish.id)
        opened = await process.desk.open(new, self._key(wish, "/cases"))
        if opened.answer is None:
            await self._answered(process.desk, wish, opened.record.number)
            return opened.record.id, opened.record.number
        return opened.record.id, opened.answer.body.decode()

    async def _answered(self, desk: Desk, wish: Wish, number: str) -> None:
        await desk.answered(self._key(wish, "/cases"), StoredAnswer(202, {}, number.encode()))

    def _key(self, wish: Wish, route: str) -> Key:
        return Key("ptl", "ctz", "POST", route, f"key-{wish.id}", f"print-{wish.id}")

    def _promised(self, wish: Wish, told: tuple[str, str]) -> None:
        case_id, number = told
        if wish.number not in {"", number} or wish.case_id not in {"", case_id}:
            self.city.judge.fault(f"one key, two numbers ({wish.id})")
        wish.case_id, wish.number = case_id, number
        self.city.note("promised", wish.id)
        if wish.withdraws and not wish.withdrawn:
            wish.withdrawn = True
            abroad(self.city.loop, self._withdraw, wish, delay=self.city.random.random() * 60.0)

    def _withdraw(self, wish: Wish) -> None:
        self._ask(self._take_back, wish, lambda wish, _: self.city.note("withdrawn", wish.id))

    async def _take_back(self, process: Process, wish: Wish) -> None:
        await process.desk.ask(wish.case_id, Action("WITHDRAW"), self._key(wish, "/withdraw"))
