"""Drivers that behave as no driver may, each by one misdeed, over the passport simulator. None may pass the kit."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.testing.conformance import Candidate, candidates

SEVA = next(candidate for candidate in candidates() if candidate.name == "seva")


class Rogue(Candidate):
    """The passport driver with some operations replaced and, where it lies, other classes declared."""

    def __init__(self, misdeeds=None, *, lies: Mapping[str, Declared] | None = None, only=("submit", "find")):
        super().__init__(SEVA.kind, SEVA.name, SEVA.folder)
        vars(self)["misdeeds"] = misdeeds or {}
        vars(self)["operations"] = {**SEVA.operations, **(lies or {})}
        orders = {name: order for name, order in SEVA.sandbox["orders"].items() if name in only}
        vars(self)["sandbox"] = {**SEVA.sandbox, "orders": orders}

    def make(self, wire, url="http://agency.example", **more):
        driver = SEVA.make(wire, url, **more)
        for name, misdeed in self.misdeeds.items():
            setattr(driver, name, partial(misdeed, getattr(driver, name)))
        return driver


async def loops(honest, order):
    while True:
        pass


async def turns_for_ever(honest, order):
    while True:  # noqa: ASYNC110 - the misdeed itself
        await asyncio.sleep(0)


async def blocks(honest, order):
    time.sleep(2)  # noqa: ASYNC251 - the misdeed itself
    return await honest(order)


async def a_million_rows(honest, order):
    return (await honest(order) or [None]) * 1_000_000


async def raises_odd_things(honest, order):
    try:
        return await honest(order)
    except ContractBroken:
        raise KeyError("status") from None


async def leaks_the_form(honest, order):
    try:
        return await honest(order)
    except ContractBroken as exc:
        raise ContractBroken(f"cannot read the answer about {order.form['given_name']} {order.form['mobile']}") from exc


async def ends_the_process(honest, order):
    raise SystemExit(0)


async def finds_nothing(honest, order):
    await honest(order)
    return []


def lies(cls: Class) -> dict[str, Declared]:
    """`submit` under a class it does not have: the agency takes the same application twice."""
    return {"submit": replace(SEVA.operations["submit"], cls=cls, key_ttl_s=3600.0)}
