"""A portal is a client of the API: what it may do, from which web pages, how often, and for which sector.

Its secret is 256 random bits, shown once and stored as SHA-256 (CR-6): there is nothing to guess, so nothing slow
is needed, and nothing to steal. Rotation adds a key beside the old one; revoking one key or the whole portal takes
hold when the last cached token check ends, at most 5 s later (CR-8).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from aggregator.citizens.portal_keys import NewSecret, PortalKey, PortalRefused, client_keys, issuer_keys
from aggregator.citizens.rights import KINDS, SCOPES
from aggregator.sdk.clock import Chance, Clock, epoch_ms, from_ms, new_id
from aggregator.store import Row, Run, Store

PER_MINUTE = 6000
_ORIGIN = re.compile(r"https?://[a-z0-9.-]{1,253}(:[0-9]{1,5})?")
_SECTOR = re.compile(r"[a-z0-9_-]{1,40}")
_COLUMNS = "id, name, contact, sector, scopes, origins, per_minute, created_ms, revoked_ms, kind, bound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """One registered client. `per_minute` is its request budget; `sector` separates pairwise citizen ids."""

    id: str
    name: str
    contact: str
    sector: str
    scopes: frozenset[str]
    origins: frozenset[str]
    per_minute: int = PER_MINUTE
    created_at: datetime
    revoked_at: datetime | None = None
    kind: str = "PORTAL"
    bound: bool = False
    """Its tokens count only beside a key or certificate they are bound to."""


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class Portals:
    """The register of portals."""

    def __init__(self, store: Store, clock: Clock, chance: Chance) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance

    async def add(  # noqa: PLR0913 - a registration has this many facts
        self,
        name: str,
        *,
        contact: str,
        scopes: Iterable[str],
        sector: str = "",
        origins: Iterable[str] = (),
        per_minute: int = PER_MINUTE,
        kind: str = "PORTAL",
        bound: bool = False,
        public_keys: str = "",
    ) -> NewSecret:
        """Registers a portal with its first key; a portal that names no sector is one of its own.

        `public_keys`: a JWK Set; then it signs, and there is no secret. Raises PortalRefused for an unknown scope, a
        bad origin or a weak key.
        """
        allowed, pages = frozenset(scopes), frozenset(origins)
        _check(name, allowed, pages, sector, per_minute)
        _check_kind(kind, allowed)
        portal_id = new_id("prt", self._clock, self._chance)
        given, row = self._new_key(portal_id, public_keys)

        async def insert(run: Run) -> None:
            await run(
                f"insert into portal ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, null, $9, $10)",  # noqa: S608 - our own names
                portal_id, name, contact, sector or portal_id, " ".join(sorted(allowed)), " ".join(sorted(pages)),
                per_minute, epoch_ms(self._clock.now()), kind, int(bound),
            )  # fmt: skip
            await _insert_key(run, row)

        await self._store.write(insert)
        return given

    async def rotate(self, portal_id: str, public_keys: str = "") -> NewSecret:
        """A new key, or its own ones, beside the old ones, which go on working until revoked. Raises PortalRefused."""
        if await self.get(portal_id) is None:
            raise PortalRefused(f"there is no portal {portal_id!r}")
        given, row = self._new_key(portal_id, public_keys)
        await self._store.write(lambda run: _insert_key(run, row))
        return given

    async def revoke(self, portal_id: str) -> bool:
        """Ends the portal and all its keys; False when there was nothing to end."""
        return await self._end("portal", portal_id)

    async def revoke_key(self, key_id: str) -> bool:
        """Ends one key; False when there was nothing to end."""
        return await self._end("portal_key", key_id)

    async def everyone(self) -> list[Portal]:
        """All portals, the revoked ones too, oldest first."""
        rows = await self._store.read(f"select {_COLUMNS} from portal order by id")  # noqa: S608 - our own names
        return [_portal(row) for row in rows]

    async def get(self, portal_id: str) -> Portal | None:
        rows = await self._store.read(f"select {_COLUMNS} from portal where id = $1", portal_id)  # noqa: S608 - our own names
        return _portal(rows[0]) if rows else None

    async def keys(self, portal_id: str) -> list[PortalKey]:
        """The portal's keys, oldest first; never their secrets."""
        rows = await self._store.read(
            "select id, portal_id, created_ms, revoked_ms, public_keys from portal_key where portal_id = $1"
            " order by id",
            portal_id,
        )
        return [
            PortalKey(r["id"], r["portal_id"], from_ms(r["created_ms"]), _ended(r), bool(r["public_keys"]))
            for r in rows
        ]

    async def public_keys(self, portal_id: str) -> list[tuple[str, str]]:
        """The living keys the portal signs with: the id of each, and its JWK Set."""
        rows = await self._store.read(
            "select id, public_keys from portal_key where portal_id = $1 and revoked_ms is null"
            " and public_keys <> '' order by id",
            portal_id,
        )
        return [(row["id"], row["public_keys"]) for row in rows]

    async def authenticate(self, portal_id: str, secret: str) -> tuple[Portal, str] | None:
        """The portal and the id of the key that matched; None for anything wrong, without saying what."""
        rows = await self._store.read(
            "select id, secret_sha256 from portal_key where portal_id = $1 and revoked_ms is null"
            " and public_keys = '' order by id",
            portal_id,
        )
        given, matched = _sha256(secret), ""
        for row in rows:
            # Every key is compared, in constant time: how long it takes says nothing about which one matched.
            if hmac.compare_digest(given, row["secret_sha256"]):
                matched = row["id"]
        portal = await self.get(portal_id)
        if portal is None or portal.revoked_at is not None or not matched:
            return None
        return portal, matched

    async def active(self, portal_id: str, key_id: str) -> Portal | None:
        """The portal, if both it and this key are still valid."""
        rows = await self._store.read(
            "select id from portal_key where id = $1 and portal_id = $2 and revoked_ms is null", key_id, portal_id
        )
        portal = await self.get(portal_id) if rows else None
        return portal if portal is not None and portal.revoked_at is None else None

    async def trust_issuer(self, portal_id: str, issuer: str, keys: str) -> None:
        """Takes the portal's own log-in for citizens; `keys` is the issuer's JWK Set. Raises PortalRefused."""
        if await self.get(portal_id) is None:
            raise PortalRefused(f"there is no portal {portal_id!r}")
        if not issuer.startswith("https://") or len(issuer) > 300:
            raise PortalRefused("an issuer is an https address, as it stands in the tokens")
        kept = issuer_keys(keys)
        await self._store.write(
            lambda run: run(
                "insert into portal_issuer (portal_id, issuer, keys, created_ms) values ($1, $2, $3, $4)"
                " on conflict (portal_id, issuer) do update set keys = excluded.keys",
                portal_id, issuer, kept, epoch_ms(self._clock.now()),
            )
        )  # fmt: skip

    async def issuer_keys(self, portal_id: str, issuer: str) -> str | None:
        """The JWK Set of an issuer this portal brings; None for any other."""
        rows = await self._store.read(
            "select keys from portal_issuer where portal_id = $1 and issuer = $2", portal_id, issuer
        )
        return str(rows[0]["keys"]) if rows else None

    async def origins(self) -> frozenset[str]:
        """Every origin a living portal registered."""
        rows = await self._store.read("select origins from portal where revoked_ms is null")
        return frozenset(origin for row in rows for origin in row["origins"].split())

    def _new_key(self, portal_id: str, public_keys: str) -> tuple[NewSecret, tuple[str, str, str, int, str]]:
        key_id, now_ms = new_id("key", self._clock, self._chance), epoch_ms(self._clock.now())
        if public_keys:
            return NewSecret(portal_id, key_id, ""), (key_id, portal_id, "", now_ms, client_keys(public_keys))
        secret = "sk_" + base64.urlsafe_b64encode(self._chance.bytes(32)).rstrip(b"=").decode()
        row = (key_id, portal_id, _sha256(secret), now_ms, "")
        return NewSecret(portal_id, key_id, secret), row

    async def _end(self, table: str, row_id: str) -> bool:
        now = epoch_ms(self._clock.now())

        async def end(run: Run) -> bool:
            rows = await run(f"select id from {table} where id = $1 and revoked_ms is null", row_id)  # noqa: S608 - our own names
            await run(f"update {table} set revoked_ms = $1 where id = $2 and revoked_ms is null", now, row_id)  # noqa: S608 - our own names
            return bool(rows)

        return await self._store.write(end)


async def _insert_key(run: Run, row: tuple[str, str, str, int, str]) -> None:
    await run(
        "insert into portal_key (id, portal_id, secret_sha256, created_ms, revoked_ms, public_keys)"
        " values ($1, $2, $3, $4, null, $5)",
        *row,
    )


def _portal(row: Row) -> Portal:
    return Portal(
        id=row["id"],
        name=row["name"],
        contact=row["contact"],
        sector=row["sector"],
        scopes=frozenset(row["scopes"].split()),
        origins=frozenset(row["origins"].split()),
        per_minute=row["per_minute"],
        created_at=from_ms(row["created_ms"]),
        revoked_at=_ended(row),
        kind=row["kind"],
        bound=bool(row["bound"]),
    )


def _ended(row: Row) -> datetime | None:
    return None if row["revoked_ms"] is None else from_ms(row["revoked_ms"])


def _check(name: str, scopes: frozenset[str], origins: frozenset[str], sector: str, per_minute: int) -> None:
    if not name.strip() or len(name) > 100:
        raise PortalRefused("name must have 1 to 100 characters")
    if not scopes or scopes - SCOPES:
        raise PortalRefused(f"scopes must be some of {', '.join(sorted(SCOPES))}; got {', '.join(sorted(scopes))}")
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise PortalRefused("an origin is scheme, host and port alone, such as https://portal.example")
    if sector and not _SECTOR.fullmatch(sector):
        raise PortalRefused("sector must be 1 to 40 of a-z, 0-9, _ and -")
    if not 1 <= per_minute <= 1_000_000:
        raise PortalRefused("per_minute must be 1 to 1000000")


def _check_kind(kind: str, scopes: frozenset[str]) -> None:
    if kind not in KINDS:
        raise PortalRefused(f"kind must be one of {', '.join(KINDS)}")
    if scopes - KINDS[kind]:
        raise PortalRefused(f"a client of kind {kind} cannot hold {', '.join(sorted(scopes - KINDS[kind]))}")
