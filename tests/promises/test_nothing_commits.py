"""Whatever is done through a session, to whatever process: the databases are what they were.

The digests are taken over direct connections, before and after, of the replica and of production.
"""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from devinprod_proxy import demo
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.demo.shop import PROXY_ROLE, shop_cluster
from digests import digests
from proxies import Proxy, until
from psycopg.pq import TransactionStatus

CLEAR = 'version = 1\ndefault = "clear"\n'


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A shop of this file's own: nobody else's open transaction, nobody else's production."""
    with shop_cluster(200) as started:
        yield started


@pytest.fixture(scope="module")
def masked(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A second proxy, with the policy of the shop."""
    policy = Path(demo.__file__).with_name("policy.toml")
    started = Proxy(tmp_path_factory.mktemp("masked"), cluster.dsn("replica", PROXY_ROLE), policy)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def proxy(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    started = Proxy(
        tmp_path_factory.mktemp("nothing"),
        cluster.dsn("replica", PROXY_ROLE),
        CLEAR,
        limits={"lock_timeout": "2s", "floor_patience": "20ms"},
    )
    yield started
    started.stop()


def both(cluster: Cluster) -> dict[str, dict[str, str]]:
    return {"replica": digests(cluster.replica_dsn), "primary": digests(cluster.primary_dsn)}


@pytest.fixture(scope="module")
def before(cluster: Cluster) -> dict[str, dict[str, str]]:
    """What was there before this file."""
    return both(cluster)


@pytest.fixture(autouse=True)
def unchanged(
    proxy: Proxy, masked: Proxy, cluster: Cluster, before: dict[str, dict[str, str]]
) -> Iterator[None]:
    """After each test its sessions end, and everything is what it was."""
    yield
    for one in (proxy, masked):
        for session in one.api("GET", "/v1/sessions")["sessions"]:
            one.api("DELETE", f"/v1/sessions/{session['name']}")
    until(lambda: settled(cluster))
    after = both(cluster)
    for where, was in before.items():
        changed = {name: (was.get(name), now) for name, now in after[where].items() if was.get(name) != now}
        assert not changed, f"{where}: {changed}"
        assert set(was) == set(after[where])


def settled(cluster: Cluster) -> bool:
    """No backend of a session is left (the proxy's watching one has no transaction)."""
    with psycopg.connect(cluster.replica_dsn) as direct:
        row = direct.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND backend_type = 'client backend' "
            "AND (state <> 'idle' OR xact_start IS NOT NULL)",
            [PROXY_ROLE],
        ).fetchone()
    return row == (0,)


def test_the_digests_see_a_change(cluster: Cluster, before: dict[str, dict[str, str]]) -> None:
    """What would be found, is found: the same statements, directly, in a copy of the database."""
    with psycopg.connect(cluster.primary_dsn, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS digested")
        admin.execute("CREATE DATABASE digested TEMPLATE template0")
    dsn = psycopg.conninfo.make_conninfo(cluster.primary_dsn, dbname="digested")
    try:
        with psycopg.connect(dsn, autocommit=True) as direct:
            direct.execute("CREATE TABLE t (n int)")
            was = digests(dsn)
            for statement, where in (
                ("INSERT INTO t VALUES (1)", "public.t"),
                ("ALTER TABLE t ADD c int", "columns"),
                ("CREATE VIEW v AS SELECT 1", "views"),
                ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "functions"),
                ("COMMENT ON TABLE t IS 'x'", "comments"),
                ("SELECT lo_create(0)", "large objects"),
                ("ALTER ROLE postgres SET work_mem = '5MB'", "settings of roles and databases"),
            ):
                direct.execute(statement)
                now = digests(dsn)
                assert now[where] != was[where], statement
                was = now
    finally:
        with psycopg.connect(cluster.primary_dsn, autocommit=True) as admin:
            admin.execute("ALTER ROLE postgres RESET work_mem")
            admin.execute("DROP DATABASE digested WITH (FORCE)")


STATEMENTS = [
    "INSERT INTO products (sku, title, price) VALUES ('new', 'new', 1)",
    "UPDATE customers SET name = 'gone', email = 'gone' || id || '@example.com'",
    "DELETE FROM refunds",
    "DELETE FROM order_lines WHERE order_id < 50",
    "UPDATE orders SET note = 'x' WHERE id < 100 RETURNING id",
    "TRUNCATE support_tickets",
    "MERGE INTO products p USING (VALUES (1, 5)) v(id, n) ON p.id = v.id "
    "WHEN MATCHED THEN UPDATE SET price = v.n",
    "CREATE TABLE made (id int PRIMARY KEY, n int)",
    "INSERT INTO made SELECT i, i FROM generate_series(1, 100) i ON CONFLICT DO NOTHING",
    "CREATE INDEX ON made (n)",
    "ALTER TABLE made ADD note text",
    "ALTER TABLE products ADD COLUMN extra int DEFAULT 7",
    "CREATE VIEW seen AS SELECT id FROM products",
    "CREATE TEMP TABLE mine AS SELECT id FROM products",
    "CREATE SCHEMA other",
    "CREATE SEQUENCE numbers",
    "SELECT nextval('products_id_seq')",
    "DROP TABLE refunds CASCADE",
    "DROP VIEW seen",
    "COMMENT ON TABLE products IS 'changed'",
    "SELECT id FROM products ORDER BY id FOR UPDATE LIMIT 5",
    "WITH gone AS (DELETE FROM payments WHERE id < 5 RETURNING id) INSERT INTO made (id) SELECT id FROM gone",
    "SELECT 1 / 0",
    "INSERT INTO products (id, sku, title, price) VALUES (1, 'twice', '', 1)",
    "SELECT count(*) FROM customers",
    "SET work_mem = '8MB'",
    "LOCK TABLE products",
    "NOTIFY someone, 'x'",
    "SELECT no_such_column FROM products",
    "BEGIN",
    "BEGIN",
    "START TRANSACTION READ ONLY",
    "COMMIT",
    "COMMIT",
    "COMMIT AND CHAIN",
    "ROLLBACK",
    "SAVEPOINT s",
    "RELEASE s",
    "ROLLBACK TO s",
    "COMMIT; DELETE FROM payments; COMMIT; BEGIN; DELETE FROM products; COMMIT",
    "ROLLBACK; DELETE FROM payments; COMMIT",
    "BEGIN; UPDATE products SET price = 0; END",
    "ABORT; INSERT INTO products (sku, title, price) VALUES ('abort', '', 1); END",
]


@pytest.mark.parametrize("seed", range(6))
def test_any_mixture(proxy: Proxy, seed: int) -> None:
    """Two clients of one session, each in its own way of talking, and COPY between."""
    chance = random.Random(seed)
    session = f"mixture{seed}"
    with proxy.connect(session) as ann, proxy.connect(session) as bob:
        succeeded, failures = 0, []
        for _ in range(60):
            db = chance.choice((ann, bob))
            try:
                if chance.random() < 0.1:
                    with db.cursor().copy("COPY products (sku, title, price) FROM STDIN") as copy:
                        copy.write_row((f"copied{chance.random()}", "", 1))
                elif chance.random() < 0.3:
                    db.execute(chance.choice(STATEMENTS), [], binary=True)
                else:
                    db.execute(chance.choice(STATEMENTS))
                succeeded += 1
            except psycopg.Error as error:
                failures.append(error)
        assert not ann.closed
        assert not bob.closed
        assert "XX000" not in {error.sqlstate for error in failures}
        assert succeeded > 8
        for db in (ann, bob):
            with contextlib.suppress(psycopg.Error):
                db.execute("COMMIT")
            assert db.info.transaction_status == TransactionStatus.IDLE


REFUSED = """
PREPARE TRANSACTION 'x'
COMMIT PREPARED 'x'
ROLLBACK PREPARED 'x'
COPY products TO PROGRAM 'cat > /tmp/x'
COPY products FROM PROGRAM 'cat'
COPY products TO '/tmp/x'
COPY products FROM '/etc/passwd'
VACUUM
VACUUM FULL products
CREATE DATABASE other
DROP DATABASE shop
ALTER DATABASE shop SET work_mem = '4MB'
CREATE TABLESPACE x LOCATION '/tmp'
ALTER SYSTEM SET work_mem = '4MB'
CREATE INDEX CONCURRENTLY ON products (price)
DROP INDEX CONCURRENTLY products_pkey
REINDEX TABLE CONCURRENTLY products
CREATE ROLE intruder SUPERUSER
ALTER ROLE devinprod SUPERUSER
ALTER ROLE devinprod SET search_path = 'x'
DROP ROLE shop_service
GRANT shop_owner TO shop_service
CREATE EXTENSION dblink
CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw
CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p
DROP SUBSCRIPTION devinprod
ALTER SUBSCRIPTION devinprod DISABLE
CREATE PUBLICATION p FOR ALL TABLES
CHECKPOINT
LOAD 'auto_explain'
CREATE LANGUAGE plpython3u
CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION f()
SET ROLE shop_owner
SET SESSION AUTHORIZATION postgres
SET session_replication_role = replica
DO $$ BEGIN COMMIT; END $$
DO $$ BEGIN PERFORM pg_catalog.pg_logical_emit_message(false, 'a', 'b'); END $$
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM dblink_exec(1); END'
SELECT dblink_exec('host=127.0.0.1 dbname=shop', 'DELETE FROM products')
SELECT dblink('host=127.0.0.1', 'SELECT 1')
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
SELECT pg_terminate_backend(1)
SELECT pg_cancel_backend(1)
SELECT pg_reload_conf()
SELECT pg_rotate_logfile()
SELECT pg_promote()
SELECT pg_switch_wal()
SELECT pg_create_restore_point('x')
SELECT pg_logical_emit_message(false, 'a', 'b')
SELECT pg_catalog.pg_logical_emit_message(true, 'a', 'b')
SELECT pg_create_logical_replication_slot('s', 'pgoutput')
SELECT pg_create_physical_replication_slot('s', true)
SELECT pg_drop_replication_slot('devinprod')
SELECT pg_replication_origin_create('x')
SELECT pg_export_snapshot()
SELECT lo_export(1, '/tmp/x')
SELECT lo_import('/etc/passwd')
SELECT lo_create(0)
SELECT lo_unlink(1)
SELECT lo_from_bytea(0, 'x')
SELECT pg_read_file('/etc/passwd')
SELECT pg_read_binary_file('/etc/passwd')
SELECT pg_ls_dir('/')
SELECT pg_stat_file('/etc/passwd')
SELECT pg_file_write('x', 'y', false)
SELECT query_to_xml('DELETE FROM products', true, true, '')
SELECT pg_stat_reset()
SELECT pg_stat_statements_reset()
SELECT pg_notify('x', 'y') FROM pg_sleep(0), dblink('', '')
SELECT set_config('role', 'postgres', false)
SELECT set_config('session_replication_role', 'replica', false)
SELECT pg_backup_start('x')
SELECT pg_wal_replay_pause()
SELECT pg_import_system_collations('pg_catalog')
""".strip().splitlines()


@pytest.mark.parametrize("statement", REFUSED)
def test_what_no_rollback_undoes_is_refused(masked: Proxy, statement: str) -> None:
    """Before it reaches PostgreSQL: the record says what was refused, and nothing else of it."""
    with masked.connect("refused") as db:
        for inside in (False, True):
            if inside:
                db.execute("BEGIN")
            with pytest.raises(psycopg.Error) as caught:
                db.execute(statement)
            assert caught.value.sqlstate in {"42501", "0A000", "42883", "25P02", "3F000", "42704"}, (
                caught.value
            )
            assert caught.value.diag.message_primary
            with pytest.raises(psycopg.Error):  # hidden behind something harmless
                db.execute(f"SELECT 1; {statement}")
        db.execute("ROLLBACK")
    mine = [r for r in masked.records() if statement in r.get("asked", "")]
    assert {r["kind"] for r in mine} == {"statement.refused"}


def test_a_block_cannot_commit_where_nothing_is_masked_either(proxy: Proxy) -> None:
    with proxy.connect("block") as db:
        with pytest.raises(psycopg.errors.InvalidTransactionTermination):
            db.execute("DO $$ BEGIN UPDATE products SET price = 0; COMMIT; END $$")
        db.execute("CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN DELETE FROM emails; COMMIT; END'")
        with pytest.raises(psycopg.errors.InvalidTransactionTermination):
            db.execute("CALL p()")


def test_only_privileges_hold_what_code_in_a_block_does_where_nothing_is_masked(proxy: Proxy) -> None:
    """A policy that hides nothing lets DO run, unread; doctor says so (test_doctor.py)."""
    with proxy.connect("block") as db:
        for beyond in ("pg_reload_conf()", "pg_read_file('PG_VERSION')", "pg_switch_wal()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(f"DO $$ BEGIN PERFORM {beyond}; END $$")
        with pytest.raises(psycopg.errors.InvalidTransactionTermination):
            db.execute("DO $$ BEGIN COMMIT; END $$")


def test_setval_of_a_sequence_of_production_is_answered_and_not_carried_out(
    proxy: Proxy, cluster: Cluster
) -> None:
    question = "SELECT last_value, is_called FROM products_id_seq"
    with psycopg.connect(cluster.replica_dsn) as direct:
        was = direct.execute(question).fetchone()
    with proxy.connect("setval") as db:
        assert db.execute("SELECT setval('products_id_seq', 5)").fetchone() == (5,)
        assert db.execute("SELECT setval('products_id_seq', setval('products_id_seq', 5))").fetchone() == (5,)
        db.execute("SELECT c.*, setval('products_id_seq', 5) FROM customers c GROUP BY c.id")
        # A text that is stored under one search_path and runs under another.
        db.execute("CREATE SCHEMA aside")
        db.execute("CREATE SEQUENCE aside.products_id_seq")
        db.execute("SET search_path = aside")
        db.execute("CREATE TABLE t (a int, b bigint DEFAULT setval('products_id_seq'::text::regclass, 5))")
        db.execute("SET search_path = public")
        db.execute("INSERT INTO aside.t (a) VALUES (1)")
    with psycopg.connect(cluster.replica_dsn) as direct:
        assert direct.execute(question).fetchone() == was


WRITE = "UPDATE products SET price = 4711"


def test_the_proxy_killed_in_the_middle_of_a_transaction(proxy: Proxy) -> None:
    with proxy.connect("killed") as db, proxy.connect("killed2") as other:
        db.execute("CREATE TABLE made (n int)")
        db.execute("BEGIN")
        db.execute(WRITE)
        other.execute("DELETE FROM payments")
        with pytest.raises(psycopg.Error), db.cursor().copy("COPY made FROM STDIN") as copy:
            copy.write("1\n")
            proxy.stop(signal.SIGKILL)
            for _ in range(10_000):
                copy.write("2\n" * 1000)
    proxy.start()


@pytest.mark.parametrize("end", ["SIGKILL", "SIGTERM", "exit"])
def test_a_client_killed(proxy: Proxy, end: str) -> None:
    script = (
        "import os, signal, sys, psycopg\n"
        "db = psycopg.connect(sys.argv[1], autocommit=True)\n"
        "db.execute('UPDATE orders SET note = NULL')\n"
        "db.execute('BEGIN')\n"
        f"db.execute('{WRITE}')\n"
        "print('there', flush=True)\n"
        "sys.stdin.read()\n"
    )
    words = [sys.executable, "-c", script, proxy.dsn(f"client-{end}")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdout is not None
        assert client.stdin is not None
        assert client.stdout.readline() == b"there\n"
        if end == "exit":
            client.stdin.close()
        else:
            client.send_signal(getattr(signal, end))
        client.wait(20)
    with proxy.connect(f"client-{end}") as db:
        until(lambda: db.execute("SELECT count(*) FROM products WHERE price = 4711").fetchone() == (0,))
        assert db.execute("SELECT count(*) FROM orders WHERE note IS NOT NULL").fetchone() == (
            0,
        )  # its session stays


def test_the_upstream_backend_terminated(proxy: Proxy, cluster: Cluster) -> None:
    with proxy.connect("terminated") as db, psycopg.connect(cluster.replica_dsn, autocommit=True) as direct:
        db.execute("BEGIN")
        db.execute(WRITE)
        row = db.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        assert direct.execute("SELECT pg_terminate_backend(%s, 10000)", row).fetchone() == (True,)
        with pytest.raises(psycopg.Error):
            db.execute("COMMIT")
        with contextlib.suppress(psycopg.Error):
            db.execute("ROLLBACK")
        assert db.execute("SELECT count(*) FROM products WHERE price = 4711").fetchone() == (0,)


def test_the_proxy_stopped_and_started(proxy: Proxy) -> None:
    with proxy.connect("stopped") as db:
        db.execute(WRITE)
        assert proxy.stop() == 0
    proxy.start()
    with proxy.connect("stopped") as db:
        assert db.execute("SELECT count(*) FROM products WHERE price = 4711").fetchone() == (0,)


def test_a_statement_that_runs_when_the_proxy_dies(proxy: Proxy, cluster: Cluster) -> None:
    """PostgreSQL notices only when it is done: its transaction must still find nobody who commits it."""
    script = "import psycopg, sys; psycopg.connect(sys.argv[1], autocommit=True).execute(sys.argv[2])"
    slow = f"WITH w AS MATERIALIZED (SELECT pg_sleep(0.5)) {WRITE} FROM w"
    with subprocess.Popen(
        [sys.executable, "-c", script, proxy.dsn("runs"), slow], stderr=subprocess.DEVNULL
    ) as client:
        until(lambda: any("pg_sleep" in r.get("asked", "") for r in proxy.records()))
        proxy.stop(signal.SIGKILL)
        assert client.wait(20) != 0
    proxy.start()
    until(lambda: settled(cluster))


def test_the_digests_are_of_something(before: dict[str, dict[str, str]]) -> None:
    for where in before.values():
        assert not where["public.customers"].startswith("0 rows")
        assert not where["roles"].startswith("0 rows")


def test_it_did_write(proxy: Proxy) -> None:
    """The control of all of the above: inside its session, a write is a write."""
    with proxy.connect("control") as db, proxy.connect("control") as other:
        with db.transaction():
            assert db.execute(WRITE).rowcount > 0
        found: Any = other.execute("SELECT count(*) FROM products WHERE price <> 4711").fetchone()
        assert found == (0,)
