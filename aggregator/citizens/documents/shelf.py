"""Where documents arrive, piece by durable piece, and wait until somebody has looked them through.

Every piece is committed with the offset it continues, so an upload goes on after a lost line, a crash or from another
server, and two senders cannot interleave. The bytes are sealed piece by piece, each bound to its place. A file that an
owner already has is kept once. What no case holds on to goes by itself.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aggregator.citizens.documents import DocumentRecord, NoSuchDocument, Origin, Owner, State, TooLarge, WrongOffset
from aggregator.citizens.documents.kept import Removed, removed, settle, share
from aggregator.citizens.documents.scan import Scanner, ScannerAway
from aggregator.citizens.documents.sniff import media_type_of
from aggregator.citizens.envelopes import Envelopes
from aggregator.sdk.clock import Chance, Clock, epoch_ms, from_ms, new_id
from aggregator.store import Row, Run, Store

MOST_BYTES = 5 * 1_048_576
PART_BYTES = 262_144
ARRIVING_MS = 86_400_000
UNUSED_MS = 7 * 86_400_000
CHECK_FIRST_MS, CHECK_MOST_MS = 5_000, 300_000
NAME_MOST = 200
_COLUMNS = (
    "id, portal_id, citizen_id, content, sha256_sealed, name_sealed, media_type, size_bytes, received_bytes, state,"
    " reason, source, created_ms, expires_ms, checks, issuer, reference_sealed, request_reference, consent_id,"
    " sealed_for"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arriving:
    """What is announced of a document before its bytes come."""

    owner: Owner
    size_bytes: int
    name: str = ""
    source: str = "UPLOAD"
    origin: Origin | None = None


class DocumentShelf:
    """All documents of the city."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a shelf stands on
        self, store: Store, vault: Envelopes, clock: Clock, chance: Chance, scanner: Scanner,
        most_bytes: Callable[[], int] = lambda: MOST_BYTES,
    ) -> None:  # fmt: skip
        self._store = store
        self._vault = vault
        self._clock = clock
        self._chance = chance
        self._scanner = scanner
        self._most_bytes = most_bytes

    @property
    def most_bytes(self) -> int:
        return self._most_bytes()

    async def begin(self, new: Arriving) -> DocumentRecord:
        """A place for a document whose bytes will come. Raises TooLarge, StoreUnavailable."""
        if new.size_bytes > self.most_bytes:
            raise TooLarge(self.most_bytes)
        document_id = new_id("doc", self._clock, self._chance)
        now_ms = epoch_ms(self._clock.now())
        key = await self._vault.key_for(new.owner.citizen_id)
        name = self._seal(new.name[:NAME_MOST], key, document_id, "name_sealed")
        origin = new.origin or Origin("", "", "", "")
        reference = self._seal(origin.reference, key, document_id, "reference_sealed")
        await self._store.write(
            lambda run: run(
                "insert into document (id, portal_id, citizen_id, content, digest_index, sha256_sealed, name_sealed,"
                " media_type, size_bytes, received_bytes, state, reason, source, created_ms, expires_ms, checks,"
                " next_check_ms, issuer, reference_sealed, request_reference, consent_id, sealed_for)"
                " values ($1, $2, $3, $4, '', '', $5, '', $6, 0, 'ARRIVING', '', $7, $8, $9, 0, 0, $10, $11, $12, $13,"
                " $14)",
                document_id, new.owner.portal_id, new.owner.citizen_id, document_id, name, new.size_bytes, new.source,
                now_ms, now_ms + ARRIVING_MS, origin.issuer, reference, origin.request, origin.consent_id, key,
            )
        )  # fmt: skip
        return await self.get(document_id, new.owner)

    async def append(self, document_id: str, owner: Owner, offset: int, piece: bytes) -> int:
        """The next bytes, at most `PART_BYTES` at once; how many are here now, durably.

        Raises NoSuchDocument, WrongOffset, TooLarge.
        """
        record = await self.get(document_id, owner)
        if record.state is not State.ARRIVING or record.received_bytes != offset:
            raise WrongOffset(record.received_bytes)
        ends = offset + len(piece)
        if ends > record.size_bytes:
            raise TooLarge(record.size_bytes)
        sealed = await asyncio.to_thread(
            self._vault.seal, piece, owner=record.sealed_for, table="document_part", row=f"{document_id}/{offset}",
            column="sealed",
        )  # fmt: skip

        async def put(run: Run) -> bool:
            moved = await run(
                "update document set received_bytes = $1 where id = $2 and received_bytes = $3"
                " and state = 'ARRIVING' returning id",
                ends, document_id, offset,
            )  # fmt: skip
            if moved and piece:
                await run(
                    "insert into document_part (content, at_byte, size_bytes, sealed) values ($1, $2, $3, $4)",
                    document_id, offset, len(piece), sealed,
                )  # fmt: skip
            return bool(moved)

        if not await self._store.write(put):
            raise WrongOffset((await self.get(document_id, owner)).received_bytes)
        if ends == record.size_bytes:
            await self._complete(document_id, owner)
        return ends

    async def put(self, new: Arriving, content: bytes) -> DocumentRecord:
        """A whole document at once. Raises TooLarge, StoreUnavailable."""
        record = await self.begin(new)
        for at in range(0, max(len(content), 1), PART_BYTES):
            await self.append(record.id, new.owner, at, content[at : at + PART_BYTES])
        return await self.get(record.id, new.owner)

    async def get(self, document_id: str, owner: Owner) -> DocumentRecord:
        """Raises NoSuchDocument for what is not this owner's."""
        rows = await self._store.read(
            f"select {_COLUMNS} from document where id = $1 and portal_id = $2 and citizen_id = $3",  # noqa: S608 - a constant
            document_id, owner.portal_id, owner.citizen_id, inline=True,
        )  # fmt: skip
        if not rows:
            raise NoSuchDocument
        return self._record(rows[0])

    async def of_portal(self, document_id: str, portal_id: str) -> DocumentRecord:
        """The portal's document, whichever citizen's it is. Raises NoSuchDocument."""
        rows = await self._store.read(
            f"select {_COLUMNS} from document where id = $1 and portal_id = $2",  # noqa: S608 - a constant
            document_id, portal_id, inline=True,
        )  # fmt: skip
        if not rows:
            raise NoSuchDocument
        return self._record(rows[0])

    async def of(self, owner: Owner, *, after: str = "", limit: int = 50) -> list[DocumentRecord]:
        """The owner's documents, oldest first, after the one with that id."""
        rows = await self._store.read(
            f"select {_COLUMNS} from document where portal_id = $1 and citizen_id = $2 and id > $3"  # noqa: S608 - a constant
            " order by id limit $4",
            owner.portal_id, owner.citizen_id, after, limit,
        )  # fmt: skip
        return [self._record(row) for row in rows]

    async def content(self, document_id: str, owner: Owner) -> bytes:
        """The file itself, as it came. Raises NoSuchDocument, Tampered."""
        record = await self.get(document_id, owner)
        whole = await self._bytes(document_id)
        if record.sha256 and hashlib.sha256(whole).hexdigest() != record.sha256:
            raise NoSuchDocument
        return whole

    async def remove(self, document_id: str, owner: Owner) -> bool:
        """Deletes a document no case holds on to; False when one does. Raises NoSuchDocument."""
        await self.get(document_id, owner)
        return bool(await self._removed([document_id]))

    async def erase(self, owner: Owner) -> int:
        """Deletes everything of this owner, held by a case or not; how many documents. For erasure."""
        rows = await self._store.read(
            "select id from document where portal_id = $1 and citizen_id = $2", owner.portal_id, owner.citizen_id
        )

        async def gone(run: Run) -> None:
            for row in rows:
                await run("delete from case_document where document_id = $1", row["id"])

        await self._store.write(gone)
        return await self._removed([row["id"] for row in rows])

    async def tidy(self) -> int:
        """Deletes what has had its time and no case holds on to; how many."""
        now_ms = epoch_ms(self._clock.now())
        rows = await self._store.read("select id from document where expires_ms < $1 limit 500", now_ms)
        return await self._removed([row["id"] for row in rows])

    async def _removed(self, documents: Sequence[str]) -> int:
        """Deletes those no case holds on to, and their keys; how many."""

        async def gone(run: Run) -> list[Removed]:
            found = [await removed(run, document_id) for document_id in documents]
            return [each for each in found if each is not None]

        out = await self._store.write(gone)
        self._vault.forget(each.sealed_for for each in out if not each.lends_bytes)
        self._vault.forget(self._vault.named(each.bytes_sealed) for each in out)
        return len(out)

    async def check_waiting(self) -> int:
        """Looks through what waits; how many came to an end."""
        now_ms = epoch_ms(self._clock.now())
        for row in await self._store.read(
            "select id, portal_id, citizen_id from document"
            " where state = 'ARRIVING' and received_bytes = size_bytes and created_ms < $1 limit 20",
            now_ms - CHECK_FIRST_MS,
        ):
            # Its last piece was kept, and whoever took it died before saying so.
            await self._complete(row["id"], Owner(row["portal_id"], row["citizen_id"]))
        rows = await self._store.read(
            "select id from document where state = 'CHECKING' and next_check_ms <= $1 order by next_check_ms limit 20",
            now_ms,
        )
        return sum([await self.check(row["id"]) for row in rows])

    async def check(self, document_id: str) -> bool:
        """Looks one document through now; whether there is a verdict."""
        try:
            harmful = await self._scanner.harmful(await self._bytes(document_id))
        except ScannerAway:
            await self._store.write(lambda run: self._later(run, document_id))
            return False
        state, reason = (State.REFUSED, "malware") if harmful else (State.READY, "")
        await self._store.write(lambda run: settle(run, document_id, state, reason))
        return True

    async def _complete(self, document_id: str, owner: Owner) -> None:
        """All bytes are here: what it is, whether it is known, and a first look."""
        whole = await self._bytes(document_id)
        kind, digest = await asyncio.to_thread(lambda: (media_type_of(whole), hashlib.sha256(whole).hexdigest()))
        index = self._vault.index(f"{owner.portal_id}/{owner.citizen_id}/{digest}", "document")
        record = await self.get(document_id, owner)
        sha256 = self._seal(digest, record.sealed_for, document_id, "sha256_sealed")
        now_ms = epoch_ms(self._clock.now())

        async def known(run: Run) -> None:
            await run(
                "update document set media_type = $1, digest_index = $2, sha256_sealed = $3, expires_ms = $4,"
                " next_check_ms = $5, state = 'CHECKING' where id = $6 and state = 'ARRIVING'",
                kind, index, sha256, now_ms + UNUSED_MS, now_ms, document_id,
            )  # fmt: skip
            if not kind:
                await settle(run, document_id, State.REFUSED, "unknown_type")
                return
            await share(run, document_id, index)

        await self._store.write(known)
        if kind:
            await self.check(document_id)

    async def _later(self, run: Run, document_id: str) -> None:
        rows = await run("select checks from document where id = $1 and state = 'CHECKING'", document_id)
        if rows:
            wait_ms = min(CHECK_FIRST_MS * 2 ** min(rows[0]["checks"], 10), CHECK_MOST_MS)
            await run(
                "update document set checks = checks + 1, reason = 'scanner_away', next_check_ms = $1 where id = $2",
                epoch_ms(self._clock.now()) + wait_ms, document_id,
            )  # fmt: skip

    async def _bytes(self, document_id: str) -> bytes:
        rows = await self._store.read(
            "select p.content, p.at_byte, p.sealed from document_part p join document d on d.content = p.content"
            " where d.id = $1 order by p.at_byte",
            document_id,
        )
        return await asyncio.to_thread(self._opened, rows)

    def _opened(self, rows: Sequence[Row]) -> bytes:
        return b"".join(
            self._vault.open(
                row["sealed"], table="document_part", row=f"{row['content']}/{row['at_byte']}", column="sealed"
            )
            for row in rows
        )

    def _seal(self, text: str, key: str, document_id: str, column: str) -> str:
        if not text:
            return ""
        return self._vault.seal(text.encode(), owner=key, table="document", row=document_id, column=column)

    def _open(self, sealed: str, document_id: str, column: str) -> str:
        return self._vault.open(sealed, table="document", row=document_id, column=column).decode() if sealed else ""

    def _record(self, row: Row) -> DocumentRecord:
        return DocumentRecord(
            id=row["id"], owner=Owner(row["portal_id"], row["citizen_id"]),
            name=self._open(row["name_sealed"], row["id"], "name_sealed"),
            sha256=self._open(row["sha256_sealed"], row["id"], "sha256_sealed"),
            media_type=row["media_type"], size_bytes=row["size_bytes"], received_bytes=row["received_bytes"],
            state=State(row["state"]), reason=row["reason"], source=row["source"],
            created_at=from_ms(row["created_ms"]),
            expires_at=None if row["expires_ms"] is None else from_ms(row["expires_ms"]),
            origin=self._origin(row) if row["issuer"] else None,
            sealed_for=row["sealed_for"],
        )  # fmt: skip

    def _origin(self, row: Row) -> Origin:
        reference = self._open(row["reference_sealed"], row["id"], "reference_sealed")
        return Origin(row["issuer"], reference, row["request_reference"], row["consent_id"])
