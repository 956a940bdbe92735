"""A city of a million cases in a minute: the tables filled from inside the database, as years of work would leave them.

One real case lends its sealed texts and its events; everything else differs from copy to copy as it does in a city:
nine of ten are over, some were refused, repeated, looked for, paid for or pushed about, one in five thousand is under
way. Nothing in it falls due while it is measured against, so both cities have the same work to do.
"""

import asyncio
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import asyncpg

PLACE = {
    "sqlite": "printf('%0{width}d', {of})",
    "postgres": "lpad(({of})::text, {width}, '0')",
}
NUMBERS = {
    "sqlite": "(with recursive n (i) as (select 1 union all select i + 1 from n where i < {count}) select i from n)",
    "postgres": "(select i from generate_series(1::bigint, {count}) as i)",
}
DAY_MS = 86_400_000
AGE = f"{{now}} - (i * 7919 % 365) * {DAY_MS} - 600000"
STATE = (
    "case when i % 5000 = 0 then 'PENDING' when i % 100 < 90 then 'CONFIRMED' when i % 100 < 96 then 'REJECTED'"
    " when i % 100 < 98 then 'EXPIRED' else 'CANCELLED' end"
)
STATUS = "case when i % 10 = 0 then 'IN_PROGRESS' when i % 100 < 96 then 'COMPLETED' else 'REJECTED' end"
AGENCY = "case i % 5 when 0 then 'passport' when 2 then 'rto' when 3 then 'tpcodl' else 'bmc' end"
CASE, OPERATION, LEG = "'case_' || {pad26}", "'op_' || {pad26}", "'leg_' || {pad26}"
TABLES: Mapping[str, Mapping[str, str]] = {
    "cases": {
        "id": CASE, "number": "{mixed}", "citizen_id": "'ctz_' || (i % {citizens})", "status": STATUS,
        "created_ms": AGE, "updated_ms": AGE, "settled": "case when i % 10 = 0 then 0 else 1 end",
        "service_id": "case i % 3 when 0 then 'passport.fresh' else 'passport.file_status' end",
    },
    "leg": {
        "id": LEG, "case_id": CASE, "agency": AGENCY, "status": STATUS, "agency_reference": "'N' || {mixed}",
        "poll_due_ms": f"case when i % 10 = 0 then {{now}} + {DAY_MS} + i end",
    },
    "operation": {
        "id": OPERATION, "leg_id": LEG, "case_id": CASE, "agency": AGENCY, "state": STATE,
        "reference": "'R' || {mixed}",
        "agency_reference": "case when i % 100 < 90 then 'N' || {mixed} else '' end", "created_ms": AGE,
        "updated_ms": AGE, "next_action_ms": f"{{now}} + {DAY_MS // 2}",
    },
    "attempt": {"operation_id": OPERATION},
    "attempt: a second one | i % 10 = 3": {"operation_id": OPERATION, "n": "2"},
    "look | i % 20 = 7": {"operation_id": OPERATION, "n": "1", "at_ms": AGE, "counted": "1", "matches": "1"},
    "idempotency": {
        "key": "'k' || {pad26}", "case_id": CASE, "citizen_id": "'ctz_' || (i % {citizens})",
        "created_ms": f"{{now}} - i * 7919 % {30 * DAY_MS}",
    },
    "reading | i % 2 = 0": {"id": "'rd1_' || {pad26}", "leg_id": LEG, "dedupe": "'a'", "status": "'ACKNOWLEDGED'"},
    "reading: a second one | i % 3 = 0": {
        "id": "'rd2_' || {pad26}", "leg_id": LEG, "dedupe": "'b'", "status": "'IN_PROGRESS'",
    },
    "inbox | i % 5 = 0": {
        "id": "'in_' || {pad26}", "agency": AGENCY, "event_key": "'e' || i", "state": "'DONE'",
        "operation_id": OPERATION,
        "received_ms": f"{{now}} - i * 7919 % {6 * DAY_MS}", "noted": "1",
    },
    "payment | i % 10 = 1": {
        "id": "'pay_' || {pad26}", "case_id": CASE, "portal_id": "'por_1'", "citizen_id": "'ctz_' || (i % {citizens})",
        "agency": AGENCY, "gateway": "'paygate'", "account_index": "'a' || i", "bill_key": "'b' || i",
        "order_id": OPERATION, "phase": "'POSTED'", "gateway_payment": "'gp' || i", "closed_ms": AGE,
        "matched_ms": AGE, "collected_ms": AGE, "created_ms": AGE, "amount_paise": "100000",
    },
    "money_entry | i % 10 = 1": {
        "id": "'en1_' || {pad26}", "payment_id": "'pay_' || {pad26}", "fact": "'collected'", "subject": "'gp' || i",
    },
    "money_line | i % 10 = 1": {"entry_id": "'en1_' || {pad26}", "account": "'held'", "paise": "-100000"},
    "money_line: the other side | i % 10 = 1": {
        "entry_id": "'en1_' || {pad26}", "account": "'gateway'", "paise": "100000",
    },
    "money_file_line | i % 10 = 1": {
        "agency": "'paygate'", "line_key": "'payment:gp' || i", "side": "'gateway'", "day": "'2026-01-01'",
        "kind": "'payment'", "reference": "{pad26}", "number": "'gp' || i", "placed": "1",
    },
    "event": {
        "seq": "1000 + i * 20 + t.seq % 20", "id": "'e' || i || '-' || t.seq", "case_id": CASE, "agency": AGENCY,
        "at_ms": AGE,
    },
}  # fmt: skip
"""Per table (what follows `|` says for which copies) the columns that differ from the one real row, or are made up."""
WRITTEN_UP = (
    "update event_counter set last = (select max(seq) from event) where name = 'event'",
    "update audit_head set size = 0, last_seq = (select max(seq) from event)",
    "delete from audit_tile",
    "delete from audit_run",
    "delete from audit_checkpoint",
)
"""The log goes on behind the copies, and its tree begins anew there: years of hashing are not measured."""
FILLED = {name.partition(" | ")[0].partition(":")[0] for name in TABLES}


def statements(engine: str, columns: Mapping[str, Mapping[str, str]], count: int, now_ms: int) -> list[str]:
    """What fills the tables; `columns`: per table and column the word for nothing of its type."""
    pad = PLACE[engine].format(width=26, of="i")
    mixed = PLACE[engine].format(width=16, of="(i * 7368787 % 10000019) * 1000000 + i % 1000000")
    words = {"pad26": pad, "mixed": mixed, "now": str(now_ms), "citizens": str(max(1, count // 4))}
    told = []
    for name, changed in TABLES.items():
        table, _, which = name.partition(" | ")
        table = table.partition(":")[0]
        values = [
            changed[column].format(**words) if column in changed else f"coalesce(t.{column}, {nothing})"
            for column, nothing in columns[table].items()
        ]
        rows = f"{NUMBERS[engine].format(count=count)} as n"
        few = (
            "where case_id = (select case_id from event where case_id <> '' order by seq limit 1)"
            if table == "event"
            else "limit 1"
        )
        told.append(
            f"insert into {table} ({', '.join(columns[table])}) select {', '.join(values)} from {rows}"  # noqa: S608 - names of ours
            f" left join (select * from {table} {few}) as t on 1 = 1 where {which or '1 = 1'}"
        )
    return [*told, *WRITTEN_UP]


def fill_sqlite(file: Path, count: int, now_ms: int) -> None:
    """Indexes are made afterwards, sorted, and no journal is kept: this file is nobody's yet."""
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode = off", "synchronous = off", "cache_size = -400000", "locking_mode = exclusive"):
        connection.execute(f"pragma {pragma}")
    columns = {
        table: {
            row[1]: "null" if not row[3] else "''" if row[2] == "text" else "0"
            for row in connection.execute(f"pragma table_info({table})")
        }
        for table in FILLED
    }
    indexes = connection.execute("select name, sql, tbl_name from sqlite_master where type = 'index' and sql <> ''")
    made = [(name, sql) for name, sql, table in indexes.fetchall() if table in FILLED]
    for name, _ in made:
        connection.execute(f"drop index {name}")
    for statement in [*statements("sqlite", columns, count, now_ms), *(sql for _, sql in made)]:
        connection.execute("begin")
        connection.execute(statement)
        connection.execute("commit")
    connection.close()


def fill_postgres(url: str, count: int, now_ms: int) -> None:
    asyncio.run(_fill_postgres(url, count, now_ms))


async def _fill_postgres(url: str, count: int, now_ms: int) -> None:
    connection = await asyncpg.connect(url, command_timeout=None)
    found: dict[str, dict[str, str]] = {}
    for row in await connection.fetch(
        "select table_name, column_name, data_type, is_nullable from information_schema.columns"
        " where table_schema = current_schema() order by ordinal_position"
    ):
        nothing = "null" if row["is_nullable"] == "YES" else "''" if row["data_type"] == "text" else "0"
        found.setdefault(row["table_name"], {})[row["column_name"]] = nothing
    indexes = await connection.fetch(
        "select indexname, indexdef from pg_indexes where schemaname = current_schema() and tablename = any($1)"
        " and indexname not like '%_pkey'",
        sorted(FILLED),
    )
    await connection.execute("set synchronous_commit = off; set maintenance_work_mem = '512MB'")
    for row in indexes:
        await connection.execute(f"drop index {row['indexname']}")
    for statement in [*statements("postgres", found, count, now_ms), *(row["indexdef"] for row in indexes)]:
        await connection.execute(statement)
    await connection.execute("vacuum analyze")
    await connection.close()
