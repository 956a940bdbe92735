"""How a vehicle record is asked for, and when an answer is the one asked for.

What of it may be told to whom is the register's rule, one for all its faces (`adapters.rto`). Who asks by chassis
has proved nothing by finding what he asked for, so only questions by plate or engine may be proved.
"""

from collections.abc import Callable
from dataclasses import dataclass

from adapters.rto import chassis_tail, proves_ownership, vehicle_facts
from adapters.rto.vahan.answers import same_text, text_error
from adapters.rto.vahan.words import ABSENT_TEXT
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.form import normal, normalise
from aggregator.sdk.model import Absent, Facts, Order
from aggregator.sdk.reading import need, value_of
from aggregator.sdk.xml import Element


@dataclass(frozen=True, slots=True)
class Question:
    """How a record was asked for. `operation` is theirs; `echoes` says whether a record is the one asked for."""

    operation: str
    identifier: str
    echoes: Callable[[Element], bool]
    may_prove: bool


def question(order: Order) -> Question:
    """By plate if the form has one, else by chassis, else by engine."""
    form = order.form
    if form.get("vehicle_number"):
        plate = normal("vehicle", form["vehicle_number"])
        return Question("getDetails", plate, lambda got: normalise(need(got, "rc_regn_no")) == plate, may_prove=True)
    if form.get("chassis_number"):
        chassis = normalise(form["chassis_number"])
        return Question(
            "getChasisDetails",
            chassis,
            lambda got: chassis_tail(need(got, "rc_chasi_no")) == chassis[-5:],
            may_prove=False,
        )
    engine = normalise(form["engine_number"])
    return Question("getEngineDetails", engine, lambda got: normalise(need(got, "rc_eng_no")) == engine, may_prove=True)


def read_record(asked: Question, answer: Element | str, order: Order) -> Facts | Absent:
    """What this caller may know of the vehicle, or that there is none.

    Raises what a bare text means; ContractBroken for a record that is not the one asked for.
    """
    word = answer if isinstance(answer, str) else value_of(answer, "stautsMessage") or need(answer, "statusMessage")
    if same_text(word, ABSENT_TEXT):
        return Absent(ABSENT_TEXT)
    if isinstance(answer, str) or not same_text(word, "OK"):
        raise text_error(word)
    need(answer, "rc_regn_no")
    if not asked.echoes(answer):
        raise ContractBroken("the record is another vehicle's")
    record = answer

    def told(name: str) -> str:
        return str(value_of(record, name, ""))

    return vehicle_facts(told, owner=asked.may_prove and proves_ownership(told, order))
