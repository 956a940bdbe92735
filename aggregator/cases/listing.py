"""How a list of cases is asked for, so that it costs what it shows and not what the portal has.

SQLite keeps no statistics here and loves an order it finds ready: left alone it walks through all cases of the portal
to find one citizen's two. So the narrowest thing that is asked for leads to its index, and everything else is said in
a way no index knows: `substr(x, 1)` is `x`. docs/decisions/014.
"""

from collections.abc import Mapping, Sequence

from aggregator.store import Value


def listing(  # noqa: PLR0913, PLR0917 - the filters of the resource
    portal_id: str,
    citizen_ids: Sequence[str] | None,
    filters: Mapping[str, str | None],
    updated_since_ms: int | None,
    after: str | None,
    limit: int,
) -> tuple[str, list[Value]]:
    """The clause behind `where` and its arguments: newest first, only those `after`."""
    values: list[Value] = [portal_id]
    where = ["portal_id = $1"]

    def ask(clause: str, *wanted: Value) -> None:
        marks = ", ".join(f"${len(values) + at}" for at in range(1, len(wanted) + 1))
        where.append(clause.format(marks))
        values.extend(wanted)

    led = citizen_ids is not None or updated_since_ms is not None
    if citizen_ids is not None:
        ask("citizen_id in ({})", *citizen_ids)
    for name, value in filters.items():
        if value is not None:
            ask(f"{_hidden(name, led)} = {{}}", value)
    if updated_since_ms is not None:
        ask("updated_ms + 0 >= {}" if citizen_ids is not None else "updated_ms >= {}", updated_since_ms)
    if after is not None:
        ask(f"{_hidden('id', led)} < {{}}", after)
    values.append(limit)
    return f"{' and '.join(where)} order by {_hidden('id', led)} desc limit ${len(values)}", values


def _hidden(column: str, hide: bool) -> str:  # noqa: FBT001 - a private pair
    return f"substr({column}, 1)" if hide else column
