"""What the tests of a doubt do with their town, and read of it."""

from typing import Any

from aggregator.cases import ledger


async def lost(town: Any, mode: str = "lost") -> Any:
    """A doubtful case beside a control record that is old enough to be found."""
    await town.apply("The control record")
    town.clock.advance(30)
    town.office.script = [mode]
    return await town.apply()


async def doubted(town: Any, mode: str = "act then silence") -> Any:
    """A case the office has acted on and said nothing of."""
    return await lost(town, mode)


async def op_of(town: Any, case: Any, name: str = "submit") -> Any:
    rows = await town.store.read("select id from operation where case_id = $1 and name = $2", case.id, name)
    return await town.store.write(lambda run: ledger.operation(run, rows[0]["id"]))


def finds(town: Any) -> list[float]:
    """When the office's search is asked, by our monotonic clock, from now on."""
    asked: list[float] = []
    answer = town.office.answer

    def counting(path: str, query: str, body: Any) -> Any:
        if path == "/find":
            asked.append(town.clock.monotonic())
        return answer(path, query, body)

    town.office.answer = counting
    return asked
