"""The control: the same drivers and agencies, and the client most systems have - repeat until it says yes.

It notes what is done in a file, after it is done. Killed in between, it does it again.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from adapters.passport.seva import Driver
from aggregator.sdk.adapter import Settings
from aggregator.sdk.errors import AgencyError
from aggregator.sdk.model import Order
from aggregator.sdk.wire_aiohttp import AiohttpWire


def noted(done: Path) -> set[str]:
    return set(done.read_text().split()) if done.exists() else set()


def note(done: Path, reference: str) -> None:
    with done.open("a") as book:
        book.write(reference + "\n")


async def main(url: str, orders: list[dict[str, Any]], done: Path) -> None:
    wire = AiohttpWire(connect_timeout_s=0.3, total_timeout_s=0.6, read_timeout_s=0.6, max_connections=4)
    driver = Driver(wire, Settings(url))
    try:
        for order in orders:
            if order["reference"] in noted(done):
                continue
            while True:
                try:
                    await driver.submit(Order(order["reference"], "fresh", order["form"]))
                    break
                except AgencyError:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.005)
            note(done, order["reference"])
    finally:
        await wire.close()


if __name__ == "__main__":
    todo = [json.loads(line) for line in Path(sys.argv[2]).read_text().splitlines()]
    asyncio.run(main(sys.argv[1], todo, Path(sys.argv[3])))
