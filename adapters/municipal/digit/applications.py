"""The state of a licence, a plan or a connection: asked of its own module, read by the deployment's own workflow."""

from adapters.municipal.digit import complaints, records
from adapters.municipal.digit.gateway import Platform
from adapters.municipal.digit.vocabulary import Module
from adapters.municipal.digit.workflow import Vocabulary
from aggregator.sdk.model import Absent, Order, Reading


class Applications:
    """Applications of one tenant, whichever module has them."""

    def __init__(self, platform: Platform, words: Vocabulary) -> None:
        self._platform = platform
        self._words = words

    async def track(self, order: Order, module: Module) -> Reading | Absent:
        number = records.number_of(order)
        query = {"tenantId": self._platform.tenant, module.asked_by: number}
        rows = await self._platform.rows(order, module.path, module.rows, **query)
        if not rows:
            return Absent("not found")
        word, business = records.word_of(rows[0], module, number)
        at, facts = complaints.stamp(rows[0], "lastModifiedTime"), records.shown(rows[0])
        return await self._words.reading(business, word, grants=module.grants, at=at, facts=facts)
