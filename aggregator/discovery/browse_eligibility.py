"""May I have this? Asked question by question, answered with the rule; only the agency decides.

Unanswered questions are never counted against anybody, and a service without rules of ours says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.discovery.catalogue.model import Condition, Entry, Question, Vocabulary

ELIGIBLE, NOT_ELIGIBLE, MORE_NEEDED, NO_RULES = "ELIGIBLE", "NOT_ELIGIBLE", "MORE_NEEDED", "NO_RULES"
Answers = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the answers come to. `broken`: the rules they break; `open`: the questions still to be asked, in order."""

    outcome: str
    broken: tuple[Condition, ...] = ()
    open: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """An answer that is none: `rule` is unknown_question, not_fitting or not_a_whole_number."""

    question: str
    rule: str


def questions_of(entry: Entry, words: Vocabulary) -> tuple[Question, ...]:
    """What has to be asked, each question once."""
    return tuple(words.questions[id_] for id_ in dict.fromkeys(one.question for one in entry.eligibility))


def mistakes_in(answers: Answers, entry: Entry, words: Vocabulary) -> list[WrongAnswer]:
    """Every answer to a question that is not asked here, or that is not among its answers."""
    asked = {one.id: one for one in questions_of(entry, words)}
    found = [(id_, _mistake(answer, asked.get(id_))) for id_, answer in answers.items()]
    return [WrongAnswer(id_, rule) for id_, rule in found if rule]


def verdict(entry: Entry, answers: Answers, words: Vocabulary) -> Verdict:
    """The outcome for answers without mistakes. One broken rule is enough, whatever is still open."""
    if not entry.eligibility:
        return Verdict(NO_RULES)
    broken = tuple(one for one in entry.eligibility if one.question in answers and not _met(one, answers))
    if broken:
        return Verdict(NOT_ELIGIBLE, broken)
    waiting = tuple(one for one in questions_of(entry, words) if one.id not in answers)
    return Verdict(MORE_NEEDED if waiting else ELIGIBLE, open=waiting)


def _mistake(answer: str | int, question: Question | None) -> str:
    if question is None:
        return "unknown_question"
    if question.answers:
        return "" if answer in question.answers else "not_fitting"
    if not isinstance(answer, int):
        return "not_a_whole_number"
    return "" if question.least <= answer <= question.most else "not_fitting"


def _met(condition: Condition, answers: Answers) -> bool:
    answer = answers[condition.question]
    if condition.one_of:
        return answer in condition.one_of
    number = float(answer)
    at_least = condition.least is None or number >= condition.least
    return at_least and (condition.most is None or number <= condition.most)
