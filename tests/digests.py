"""What is in a database, seen past the proxy, in a form in which two looks can be compared."""

from __future__ import annotations

from typing import Any

import psycopg

_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1
"""
# Catalogs whole, but for what the server itself keeps moving (statistics, freeze horizons, WAL places).
_CATALOGS = {
    "relations": "SELECT oid, relname, relnamespace, relowner, relkind, relpersistence, relacl, reloptions, "
    "relhasindex, relnatts, relchecks, relhastriggers, relrowsecurity FROM pg_class "
    "WHERE relnamespace <> 'pg_toast'::regnamespace",
    "columns": "SELECT attrelid, attnum, attname, atttypid, attnotnull, attisdropped, attacl FROM pg_attribute",
    "functions": "SELECT * FROM pg_proc WHERE oid >= 16384",
    "types": "SELECT oid, typname, typowner FROM pg_type",
    "constraints": "SELECT * FROM pg_constraint",
    "triggers": "SELECT * FROM pg_trigger",
    "views": "SELECT * FROM pg_rewrite WHERE oid >= 16384",
    "schemas": "SELECT * FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'",
    "extensions": "SELECT * FROM pg_extension",
    "comments": "SELECT * FROM pg_description WHERE objoid >= 16384",
    "roles": "SELECT oid, rolname, rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, "
    "rolconnlimit, rolpassword, rolvaliduntil FROM pg_authid",
    "memberships": "SELECT * FROM pg_auth_members",
    "settings of roles and databases": "SELECT * FROM pg_db_role_setting",
    "settings": "SELECT name, setting, source FROM pg_settings "
    "WHERE source IN ('configuration file', 'default', 'command line') AND name NOT LIKE 'in_hot%'",
    "databases": "SELECT oid, datname, datdba, datacl, datallowconn FROM pg_database",
    "tablespaces": "SELECT * FROM pg_tablespace",
    "large objects": "SELECT * FROM pg_largeobject_metadata",
    "prepared transactions": "SELECT gid FROM pg_prepared_xacts",
    "slots": "SELECT slot_name, plugin FROM pg_replication_slots",
    "publications": "SELECT * FROM pg_publication",
    "subscriptions": "SELECT oid, subname, subenabled FROM pg_subscription",
    "enums": "SELECT * FROM pg_enum",
    "sequences": "SELECT seqrelid, seqstart, seqincrement, seqmax, seqcycle FROM pg_sequence",
    "locks of others": "SELECT relation FROM pg_locks WHERE locktype = 'relation' AND relation >= 16384 "
    "AND pid IN (SELECT pid FROM pg_stat_activity WHERE usename = 'devinprod')",
}


def digests(dsn: str) -> dict[str, str]:
    """Of every table and every catalog that a session could change: how many rows, and an MD5 of all of them.

    Sequences' positions are left out: gaps in them are the one trace that a session may leave.
    """
    with psycopg.connect(dsn) as db:
        found: dict[str, str] = {}
        for (table,) in db.execute(_TABLES).fetchall():
            found[table] = _digest(db, f"SELECT * FROM {table}")
        for name, query in _CATALOGS.items():
            found[name] = _digest(db, query)
    return found


def _digest(db: psycopg.Connection[Any], query: str) -> str:
    row = db.execute(
        f"SELECT count(*), md5(COALESCE(string_agg(md5(x::text), '' ORDER BY x::text), '')) FROM ({query}) x".encode()
    ).fetchone()
    assert row is not None
    return f"{row[0]} rows, {row[1]}"
