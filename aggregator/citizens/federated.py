"""Citizens of a portal that has a log-in of its own: its subject becomes one of our citizens, once, and stays it.

What such a log-in says about a person is not proved to us: no number and no name is taken over, so nobody becomes
somebody else by it. The citizen adds a mobile number with a code like everybody.
"""

from aggregator.citizens.pairwise import portal_sector
from aggregator.citizens.person import Profile
from aggregator.citizens.register import Doer, Register
from aggregator.sdk.clock import Clock, epoch_ms
from aggregator.store import Run, Store


class FederatedLogins:
    """Subjects of other issuers and who they are here."""

    def __init__(self, store: Store, register: Register, clock: Clock) -> None:
        self._store = store
        self._register = register
        self._clock = clock

    async def citizen(self, issuer: str, subject: str, portal_id: str, sector: str) -> str:
        """The internal id of this subject's citizen, made now if there was none."""
        index = self._register.seals.index(f"{issuer}/{subject}", "subject")
        doer = Doer(portal_id)
        fresh_id, row = self._register.new(Profile(), doer)

        async def work(run: Run) -> str:
            first = await run(
                "insert into citizen_login (issuer, subject_index, citizen_id, created_ms) values ($1, $2, $3, $4)"
                " on conflict (issuer, subject_index) do nothing returning citizen_id",
                issuer, index, fresh_id, epoch_ms(self._clock.now()),
            )  # fmt: skip
            if first:
                await self._register.insert(run, row, doer)
                await self._register.give_out(run, fresh_id, portal_sector(sector))
                return fresh_id
            rows = await run(
                "select c.id, c.merged_into from citizen_login l join citizen c on c.id = l.citizen_id"
                " where l.issuer = $1 and l.subject_index = $2",
                issuer, index,
            )  # fmt: skip
            return str(rows[0]["merged_into"] or rows[0]["id"])

        return await self._store.write(work)
