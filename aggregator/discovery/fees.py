"""What a service costs this citizen, before anybody pays: from the city's facts, and what is not known is said.

Amounts are whole paise from end to end. A fee's rows are added up where the form's answers decide which are due; where
they do not, the rows are variants and somebody has to choose. An unknown fee is unknown, and not nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.registry.agency import Fee, FeeRow


@dataclass(frozen=True, slots=True)
class Due:
    """One amount that is due. `count` is how often, already multiplied in."""

    row: FeeRow
    amount_paise: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class Quote:
    """`result`: UNKNOWN, NOTHING_DUE, FIXED, or CHOOSE between `variants`, each of which could be the whole fee."""

    result: str
    due: tuple[Due, ...] = ()
    variants: tuple[Due, ...] = ()

    @property
    def total_paise(self) -> int:
        return sum(one.amount_paise for one in self.due)


class NoSuchVariant(LookupError):
    """The fee has no variant of this number. `count` is how many it has."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} variants")
        self.count = count


def quoted(fee: Fee | None, form: Mapping[str, Any], variant: int | None = None) -> Quote:
    """The fee for these answers. `variant` counts from 1 among the variants. Raises NoSuchVariant."""
    if fee is None:
        return Quote("UNKNOWN")
    if variant is None and not any(row.when for row in fee.rows) and len(fee.rows) > 1:
        return Quote("CHOOSE", variants=tuple(_due(row, form) for row in fee.rows))
    if variant is not None:
        if not 1 <= variant <= len(fee.rows):
            raise NoSuchVariant(len(fee.rows))
        rows: tuple[FeeRow, ...] = (fee.rows[variant - 1],)
    else:
        rows = tuple(row for row in fee.rows if all(form.get(name) == value for name, value in row.when.items()))
    due = tuple(one for row in rows if (one := _due(row, form)).amount_paise > 0)
    return Quote("FIXED" if due else "NOTHING_DUE", due)


def _due(row: FeeRow, form: Mapping[str, Any]) -> Due:
    given = form.get(row.per) if row.per else 1
    count = given if isinstance(given, int) and not isinstance(given, bool) and given > 0 else 1
    return Due(row, row.amount_paise * count, count)
