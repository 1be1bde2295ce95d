"""Which statements does the proxy itself send upstream?

All of them stand here, each a fixed text with quoted names: nothing of a client's text gets into
one but identifiers and literals quoted by :func:`identifier` and :func:`literal`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from devinprod_proxy.sql.catalog_query import CATALOG_QUERY
from devinprod_proxy.sql.statement import ServerSql

GUARD = "devinprod_g"
"""Savepoints of the proxy: devinprod_g0 is always there, g1 and up while transactions are nested."""
PEEK = "devinprod_peek"
CATALOG = "devinprod_catalog"
TXN_START = "devinprod.txn_start"


def identifier(name: str) -> str:
    """*name* as a quoted identifier (PostgreSQL manual 4.1.1).

    >>> identifier('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """*value* as a string literal that no setting can change the reading of (manual 4.1.2.2).

    >>> literal("it's")
    "'it''s'"
    """
    quoted = value.replace("'", "''")
    if "\\" in quoted:
        return " E'" + quoted.replace("\\", "\\\\") + "'"
    return f"'{quoted}'"


def begin(*, read_only: bool = False) -> ServerSql:
    """Open the outer transaction, the one that is only ever rolled back."""
    return ServerSql("BEGIN ISOLATION LEVEL READ COMMITTED " + ("READ ONLY" if read_only else "READ WRITE"))


def rollback() -> ServerSql:
    """End the world."""
    return ServerSql("ROLLBACK")


def guard(depth: int) -> str:
    """The name of the guard savepoint at one depth of the floor's stack."""
    return f"{GUARD}{depth}"


def savepoint(name: str) -> ServerSql:
    """Set a savepoint."""
    return ServerSql(f"SAVEPOINT {identifier(name)}")


def release(name: str) -> ServerSql:
    """Keep what was done since a savepoint."""
    return ServerSql(f"RELEASE SAVEPOINT {identifier(name)}")


def rollback_to(name: str) -> ServerSql:
    """Undo what was done since a savepoint, and keep the savepoint."""
    return ServerSql(f"ROLLBACK TO SAVEPOINT {identifier(name)}")


def check_constraints() -> ServerSql:
    """Fire what is deferred, as COMMIT does (manual, SET CONSTRAINTS)."""
    return ServerSql("SET CONSTRAINTS ALL IMMEDIATE")


def defer_again(constraints: Iterable[tuple[str, str]]) -> ServerSql:
    """Put the initially deferred constraints, given as (schema, name), back to deferred."""
    names = ", ".join(f"{identifier(s)}.{identifier(n)}" for s, n in constraints)
    return ServerSql(f"SET CONSTRAINTS {names} DEFERRED")


def apply_settings(values: Mapping[str, str]) -> ServerSql:
    """Set several run-time settings at once; they last until set again or rolled back."""
    calls = ", ".join(
        f"pg_catalog.set_config({literal(name)}, {literal(value)}, false)" for name, value in values.items()
    )
    return ServerSql(f"SELECT {calls}")


def reset_setting(name: str) -> ServerSql:
    """Back to the value that the upstream connection started with."""
    return ServerSql("RESET " + ".".join(identifier(part) for part in name.split(".")))


def read_only() -> ServerSql:
    """Let nothing be written until the guard is released or rolled back to."""
    return ServerSql("SELECT pg_catalog.set_config('transaction_read_only', 'on', true)")


def transaction_start(seconds_ago: float) -> ServerSql:
    """Tell ``now()`` when the client's transaction began: *seconds_ago* before this statement."""
    return ServerSql(
        "SELECT pg_catalog.set_config('devinprod.txn_start', (EXTRACT(EPOCH FROM pg_catalog.statement_timestamp())"
        f" OPERATOR(pg_catalog.-) {seconds_ago:.6f}::pg_catalog.numeric)::pg_catalog.text, false)"
    )


def no_transaction_start() -> ServerSql:
    """Outside a client's transaction ``now()`` is the start of the statement."""
    return ServerSql("SELECT pg_catalog.set_config('devinprod.txn_start', '', false)")


def show(name: str) -> ServerSql:
    """Read one setting in its printed form."""
    return ServerSql("SHOW " + ".".join(identifier(part) for part in name.split(".")))


def target_facts() -> ServerSql:
    """What the target is and how far behind: one row of four texts.

    Behind: where all that was received has been applied, how long the last message travelled; else
    how long ago it was sent (manual, 27.2.8). A quiet publisher says nothing for half a minute, so
    the age of the last message alone would tell nothing.
    """
    pg = "pg_catalog."
    minus, same = f"OPERATOR({pg}-)", f"OPERATOR({pg}=)"
    return ServerSql(
        f"SELECT {pg}pg_is_in_recovery()::{pg}text,"
        f" (SELECT {pg}count(s.subname)::{pg}text FROM {pg}pg_subscription AS s, {pg}pg_database AS d"
        f" WHERE s.subdbid {same} d.oid AND d.datname {same} {pg}current_database()),"
        f" (SELECT {pg}max(EXTRACT(EPOCH FROM CASE WHEN w.received_lsn {same} w.latest_end_lsn"
        f" THEN w.last_msg_receipt_time {minus} w.last_msg_send_time"
        f" ELSE {pg}clock_timestamp() {minus} w.last_msg_send_time END))::{pg}text"
        f" FROM {pg}pg_stat_subscription AS w WHERE w.relid IS NULL),"
        f" {pg}pg_backend_pid()::{pg}text"
    )


def catalog_query() -> ServerSql:
    """Read the catalog: one row, one text."""
    return ServerSql(CATALOG_QUERY)


def catalog_stamp() -> ServerSql:
    """Something that changes whenever the catalog does: row counts and transaction ids of its tables.

    Takes a millisecond and no lock on anybody's tables.
    """
    pg = "pg_catalog."
    names = "class attribute attrdef proc rewrite constraint index inherits trigger"
    names += " type enum namespace operator cast extension"
    parts = [
        f"(SELECT {pg}concat({pg}count(*), ':', {pg}sum(t.xmin::{pg}text::{pg}int8)) FROM {pg}pg_{table} AS t)"
        for table in names.split()
    ]
    return ServerSql(f"SELECT {pg}concat_ws(' ', {', '.join(parts)})")


def created_relations() -> ServerSql:
    """The OIDs of the tables that this very transaction has made, comma separated; one row, NULL for none.

    A table's system columns get their catalog rows when it is made and never again, so the
    transaction that wrote them is the one that made it; whose row is visible while its transaction
    is in progress is our own (manual, 9.28.8).
    """

    def op(left: str, sign: str, right: str) -> str:
        return f"({left} OPERATOR(pg_catalog.{sign}) {right})"

    half, whole = "2147483648::pg_catalog.int8", "4294967296::pg_catalog.int8"
    xmin = "a.xmin::pg_catalog.text::pg_catalog.int8"
    # xmin has 32 bits; which epoch it is of follows from the nearest transaction id of now.
    distance = op(
        op(op(op(xmin, "-", op("s.next", "%", whole)), "+", op(half, "+", whole)), "%", whole), "-", half
    )
    status = f"pg_catalog.pg_xact_status({op('s.next', '+', distance)}::pg_catalog.text::pg_catalog.xid8)"
    return ServerSql(
        "SELECT pg_catalog.string_agg(a.attrelid::pg_catalog.text, ',') FROM pg_catalog.pg_attribute AS a,"
        " (SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())"
        "::pg_catalog.text::pg_catalog.int8 AS next) AS s"
        f" WHERE CASE WHEN a.attnum OPERATOR(pg_catalog.=) -1 AND {op(xmin, '>', '2')}"
        f" THEN {status} OPERATOR(pg_catalog.=) 'in progress' ELSE false END"
    )
