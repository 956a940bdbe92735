"""How well search finds: R@1 and R@5 per language, and how many queries for things that are no service are turned away.

A query's `primary` lists the entries that are right; an empty list means that nothing is. The threshold of the last
figure is set on the queries themselves: the score that 95 of 100 right ones reach.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aggregator.discovery.search.rank import Scored

HERE = Path(__file__).parent
DEVELOPMENT = HERE / "queries_dev.jsonl"
ACCEPTED = 0.95
Rank = Callable[[str], Sequence[Scored]]


@dataclass(frozen=True)
class Query:
    id: str
    query: str
    cls: str
    lang: str
    primary: list[str]
    also: list[str] = field(default_factory=list)


@dataclass
class Share:
    """Of how many queries the right entry came first, and among the first five."""

    asked: int = 0
    first: int = 0
    five: int = 0

    @property
    def at_1(self) -> float:
        return self.first / self.asked if self.asked else 0.0

    @property
    def at_5(self) -> float:
        return self.five / self.asked if self.asked else 0.0


@dataclass
class Result:
    groups: dict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    negatives: int = 0
    rejected: int = 0
    threshold: float = 0.0

    @property
    def all(self) -> Share:
        return self.groups["all"]

    def lines(self) -> Iterable[str]:
        for name, share in sorted(self.groups.items()):
            yield f"  {name:<14} {share.asked:>4} queries   R@1 {share.at_1:.3f}   R@5 {share.at_5:.3f}"
        away = f"turned away {self.rejected} (threshold {self.threshold:.3f})"
        yield f"  no service     {self.negatives:>4} queries   {away}"


def queries(file: Path = DEVELOPMENT) -> list[Query]:
    return [Query(**json.loads(line)) for line in file.read_text("utf-8").splitlines()]


def measured(rank: Rank, asked: Iterable[Query]) -> Result:
    result, right, wrong = Result(), [], []
    for query in asked:
        ranked = rank(query.query)
        score = ranked[0].sure if ranked else 0.0
        if not query.primary:
            wrong.append(score)
            continue
        right.append(score)
        ids = [one.entry.item.id for one in ranked[:5]]
        for name in _groups(query):
            share = result.groups[name]
            share.asked += 1
            share.first += ids[:1] != [] and ids[0] in query.primary
            share.five += bool(set(ids) & set(query.primary))
    right.sort()
    result.threshold = right[int(len(right) * (1 - ACCEPTED))] if right else 0.0
    result.negatives, result.rejected = len(wrong), sum(score < result.threshold for score in wrong)
    return result


def _groups(query: Query) -> Iterable[str]:
    yield from ("all", query.cls, query.lang)
    if query.lang in {"hi", "ur"}:
        yield "hi+ur"
