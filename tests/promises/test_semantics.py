"""What of SEMANTICS.md no other file proves: time, sequences, locks, plans, and settings that are kept."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from proxies import Proxy

Connection = psycopg.Connection[Any]
_names = (f"semantics-{n}" for n in itertools.count(1))


@pytest.fixture
def db(shop_proxy: Proxy) -> Iterator[Connection]:
    """A client of a session that nobody had before."""
    name = next(_names)
    with shop_proxy.connect(name) as connection:
        yield connection
    shop_proxy.api("DELETE", f"/v1/sessions/{name}")


def one(db: Connection, sql: str) -> Any:
    row = db.execute(sql).fetchone()
    assert row is not None
    return row[0]


def notices(db: Connection) -> list[str]:
    """Collects the messages that a connection gets from now on."""
    heard: list[str] = []
    db.add_notice_handler(lambda diagnostic: heard.append(diagnostic.message_primary or ""))
    return heard


def test_now_is_the_start_of_the_clients_own_transaction(db: Connection) -> None:
    first = one(db, "SELECT now()")
    assert one(db, "SELECT now()") > first
    with db.transaction():
        began = one(db, "SELECT now()")
        db.execute("SELECT pg_sleep(0.01)")
        assert one(db, "SELECT CURRENT_TIMESTAMP") == began
        assert one(db, "SELECT clock_timestamp()") > began
    assert one(db, "SELECT now()") > began


def test_a_default_of_now_is_the_same_moment(db: Connection) -> None:
    order = one(db, "SELECT min(id) FROM orders")
    db.execute("SELECT pg_sleep(0.01)")
    with db.transaction():
        began = one(db, "SELECT now()")
        asked = one(db, f"INSERT INTO refunds (order_id, amount) VALUES ({order}, 1) RETURNING requested_at")
        assert asked == began


def test_nextval_gives_a_value_that_production_never_reaches_and_leaves_a_gap(db: Connection) -> None:
    first = one(db, "SELECT nextval('refunds_id_seq')")
    assert first > one(db, "SELECT max(id) FROM refunds")
    db.execute("BEGIN")
    second = one(db, "SELECT nextval('refunds_id_seq')")
    db.execute("ROLLBACK")
    assert first < second < one(db, "SELECT nextval('refunds_id_seq')")


def test_setval_of_production_is_answered_and_not_carried_out(db: Connection, cluster: Cluster) -> None:
    with psycopg.connect(cluster.dsn("replica")) as direct:
        before = direct.execute("SELECT last_value FROM refunds_id_seq").fetchone()
        assert one(db, "SELECT setval('refunds_id_seq', 7)") == 7
        assert direct.execute("SELECT last_value FROM refunds_id_seq").fetchone() == before


def test_explain_execute_means_the_clients_own_statement(db: Connection) -> None:
    db.execute("PREPARE mine AS SELECT id FROM refunds WHERE id = 7")
    assert "refunds" in one(db, "EXPLAIN EXECUTE mine")
    for number in range(1, 10):  # names that the proxy gives upstream
        with pytest.raises(psycopg.errors.InvalidSqlStatementName):
            db.execute(f"EXPLAIN EXECUTE dip{number}")


def test_setval_of_a_sequence_of_ones_own_is_carried_out(db: Connection) -> None:
    db.execute("CREATE SEQUENCE mine")
    assert one(db, "SELECT setval('mine', 41)") == 41
    assert one(db, "SELECT nextval('mine')") == 42


def test_advisory_locks_are_granted_and_kept_nowhere(
    shop_proxy: Proxy, db: Connection, cluster: Cluster
) -> None:
    db.execute("SELECT pg_advisory_lock(4711)")
    name = db.info.user.partition("/")[2]
    with shop_proxy.connect(name) as other:
        assert one(other, "SELECT pg_try_advisory_lock(4711)") is True
        assert one(other, "SELECT pg_advisory_unlock(4711)") is True
    with psycopg.connect(cluster.dsn("replica")) as direct:
        held = direct.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()
        assert held == (0,)


def test_explain_shows_the_plan_of_what_runs(db: Connection) -> None:
    plan = "\n".join(
        row[0] for row in db.execute("EXPLAIN (COSTS off) SELECT email FROM customers WHERE id = 1")
    )
    assert "customers_pkey" in plan
    analyzed = "\n".join(row[0] for row in db.execute("EXPLAIN ANALYZE UPDATE products SET price = price"))
    assert "actual time" in analyzed


def test_explain_analyze_of_a_write_is_part_of_the_world(db: Connection) -> None:
    db.execute("EXPLAIN ANALYZE DELETE FROM emails")
    assert one(db, "SELECT count(*) FROM emails") == 0


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_level_that_cannot_be_given_is_accepted_and_said(db: Connection, level: str) -> None:
    heard = notices(db)
    db.execute(f"BEGIN ISOLATION LEVEL {level}")
    db.execute("COMMIT")
    assert any(text.startswith("devinprod: isolation level") for text in heard)


@pytest.mark.parametrize(("asked", "shown"), [("0", "1min"), ("2h", "1min"), ("5s", "5s")])
def test_a_statement_may_run_for_less_but_not_for_more(db: Connection, asked: str, shown: str) -> None:
    db.execute(f"SET statement_timeout = '{asked}'")
    assert one(db, "SHOW statement_timeout") == shown


def test_what_would_end_the_world_is_remembered_and_not_obeyed(db: Connection) -> None:
    db.execute("SET idle_in_transaction_session_timeout = '1ms'")
    db.execute("SET transaction_timeout = '1ms'")
    assert one(db, "SHOW idle_in_transaction_session_timeout") == "1ms"
    db.execute("CREATE TABLE kept (n int)")
    with db.transaction():
        db.execute("INSERT INTO kept VALUES (1)")
        db.execute("SELECT pg_sleep(0.02)")
        db.execute("INSERT INTO kept VALUES (2)")
    assert one(db, "SELECT count(*) FROM kept") == 2


def test_analyze_of_a_table_of_production_is_refused(db: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="ANALYZE"):
        db.execute("ANALYZE products")
    db.execute("CREATE TABLE mine (n int)")
    db.execute("ANALYZE mine")


def test_reset_role_does_nothing(db: Connection) -> None:
    before = one(db, "SELECT current_user")
    db.execute("RESET ROLE")
    assert one(db, "SELECT current_user") == before


def test_temporary_tables_are_the_sessions(shop_proxy: Proxy, db: Connection) -> None:
    db.execute("CREATE TEMP TABLE scratch AS SELECT 7 AS n")
    with shop_proxy.connect(db.info.user.partition("/")[2]) as other:
        assert one(other, "SELECT n FROM scratch") == 7
    assert one(db, "SELECT n FROM scratch") == 7
