"""What a session makes is its own, unless it would show what is masked."""

from __future__ import annotations

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.errors import Refusal
from devinprod_proxy.sql.statement import Statement
from sql_session import CANARIES, Session


def test_a_table_made_from_masked_rows_holds_fakes_and_is_clear(session: Session) -> None:
    session.run("CREATE TABLE mine AS SELECT id, email, name FROM customers WHERE id < 4")
    shown = session.run("SELECT email FROM customers WHERE id = 1")
    assert session.run("SELECT email FROM mine WHERE id = 1") == shown
    statement = session.rewrite("SELECT * FROM mine")
    assert isinstance(statement, Statement)
    assert statement.run is not None
    assert statement.run.text == "SELECT * FROM public.mine"
    session.run("INSERT INTO mine SELECT id, email, name FROM customers WHERE id = 9 RETURNING *")
    assert not any(canary in repr(session.run("SELECT * FROM mine")) for canary in CANARIES)


def test_a_temporary_table_shadows(session: Session) -> None:
    session.run("CREATE TEMP TABLE customers (id int, email text)")
    session.run("INSERT INTO customers VALUES (1, 'mine')")
    assert session.run("SELECT email FROM customers") == [("mine",)]
    assert session.run("SELECT email FROM pg_temp.customers") == [("mine",)]
    assert session.run("SELECT count(*) FROM public.customers") == [(200,)]
    assert "canary" not in repr(session.run("SELECT email FROM public.customers"))
    session.run("DROP TABLE customers")
    assert session.run("SELECT count(*) FROM customers") == [(200,)]


def test_a_child_of_a_masked_table_is_masked(session: Session) -> None:
    session.run("CREATE TABLE child () INHERITS (customers)")
    statement = session.rewrite("SELECT email FROM child")
    assert isinstance(statement, Statement)
    assert [mark.name for mark in statement.marks] == ["email"]
    session.run("CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')")
    session.run("INSERT INTO events_3 VALUES (1, '2026-02-01', 'me', 'x')")
    [(who, what)] = session.run("SELECT who, what FROM events_3")
    assert (who != "me", what) == (True, "x")


def test_a_view_of_the_sessions_own_is_not_masked_twice(session: Session) -> None:
    session.run("CREATE VIEW mine AS SELECT id, email FROM customers")
    assert session.run("SELECT email FROM mine WHERE id = 1") == session.run(
        "SELECT email FROM customers WHERE id = 1"
    )
    session.run("CREATE OR REPLACE VIEW roster AS SELECT id, nick FROM customers")
    assert session.run("SELECT nick FROM roster WHERE id = 1") == [("nick1",)]
    session.run("CREATE TEMP VIEW customers AS SELECT 1 AS id, 'x' AS email")
    assert session.run("SELECT * FROM customers") == [(1, "x")]


def test_what_others_make_meanwhile_is_not_the_sessions(session: Session, database: Cluster) -> None:
    session.run("CREATE VIEW mine AS SELECT 1 AS one")
    with psycopg.connect(database.primary_dsn, autocommit=True) as other:
        other.execute("CREATE VIEW others AS SELECT email FROM customers")
        try:
            relations = session.world.catalog.names
            assert relations["public", "mine"].written_here
            assert not relations["public", "others"].written_here
            assert "canary" not in repr(session.run("SELECT * FROM others"))
        finally:
            session.connection.rollback()
            other.execute("DROP VIEW others")


def test_a_computed_column_of_a_masked_one_is_closed(session: Session) -> None:
    rows = session.run("SELECT loud, word FROM guarded")
    assert "CANARY" not in repr(rows)
    assert rows[0][1] == "w"
    session.run("CREATE TABLE copied (LIKE guarded INCLUDING ALL)")
    with_function = session.rewrite("CREATE TABLE copied2 (LIKE computed INCLUDING ALL)")
    assert isinstance(with_function, Refusal)


def test_now_in_a_default_is_not_frozen(session: Session) -> None:
    session.run("CREATE TABLE mine (at timestamptz DEFAULT now(), id int)")
    session.connection.execute("SELECT set_config('devinprod.txn_start', '1000.5', false)")
    [(at,)] = session.run("INSERT INTO mine (id) VALUES (1) RETURNING extract(epoch FROM at)::float8")
    assert at == 1000.5
    [(now,)] = session.run("SELECT extract(epoch FROM now())::float8")
    assert now == 1000.5


def test_a_migration_can_be_tried(session: Session) -> None:
    session.run("ALTER TABLE customers ADD COLUMN score int NOT NULL DEFAULT 7")
    assert session.run("SELECT score FROM customers WHERE id = 1") == [(7,)]
    session.run("ALTER TABLE customers DROP COLUMN notes")
    session.run("ALTER TABLE customers ADD COLUMN notes text DEFAULT 'same'")
    assert session.run("SELECT notes FROM customers WHERE id = 1") != [("same",)]
    session.run("CREATE INDEX ON orders (total)")
    session.run("DROP TABLE contacts CASCADE")
    refused = session.rewrite("SELECT * FROM contacts")
    assert isinstance(refused, Refusal)
    assert refused.sqlstate == "42P01"


def test_an_own_sequence_may_be_set(session: Session) -> None:
    session.run("CREATE SEQUENCE mine")
    assert session.run("SELECT setval('mine', 41), nextval('mine')") == [(41, 42)]
    session.run("ALTER SEQUENCE mine RESTART")
    assert session.run("SELECT setval('orders_id_seq', 41)") == [(41,)]
    [(value,)] = session.run("SELECT last_value FROM orders_id_seq")
    assert value >= 600


def test_no_key_no_value(session: Session) -> None:
    session.connection.execute("SELECT set_config('devinprod.key', '', false)")
    rows = session.run("SELECT name, email, phone, birthday, notes FROM customers")
    assert {value for row in rows for value in row} == {None}


def test_the_planner_still_uses_the_index(session: Session) -> None:
    session.connection.execute("SET enable_seqscan = off")
    for text in (
        "EXPLAIN SELECT email FROM customers WHERE id = 5",
        "EXPLAIN UPDATE customers SET email = 'x' WHERE id = 5 AND email LIKE 'u%'",
        "EXPLAIN DELETE FROM customers WHERE id = 5 RETURNING email",
        "EXPLAIN SELECT o.id, c.email FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id = 3",
    ):
        assert "Index Scan using customers_pkey" in repr(session.run(text)), text


def test_explain_tells_no_key(session: Session) -> None:
    plan = repr(session.run("EXPLAIN (ANALYZE, VERBOSE, SETTINGS) SELECT * FROM customers WHERE email = 'x'"))
    assert "00112233445566778899aabbccddeeff" not in plan
    assert "canary" not in plan


@pytest.mark.parametrize(
    "asked",
    [
        "UPDATE customers SET email = NULL WHERE id = 1 RETURNING 1 / (id - id)",
        "INSERT INTO contacts (id, mail) SELECT id + 900, name FROM customers",
        "INSERT INTO customers (id, name) SELECT 1, email FROM customers WHERE id = 2",
        "UPDATE customers SET birthday = name::date",
    ],
)
def test_errors_name_fakes_at_most(session: Session, asked: str) -> None:
    with pytest.raises(psycopg.Error) as error:
        session.run(asked)
    assert not any(canary in str(error.value.diag.message_primary) for canary in CANARIES)


def test_a_stored_text_means_postgresqls_own_functions(session: Session) -> None:
    expected = session.run("SELECT loud, twice FROM shouted WHERE id = 1")
    session.search_path = ("shadow", "pg_catalog", "public")
    session.connection.execute("SET search_path = shadow, pg_catalog, public")
    assert session.run("SELECT loud, twice FROM shouted WHERE id = 1") == expected
    assert session.run("SELECT upper('a')") == [("A",)]
    refused = session.rewrite("SELECT 'a'::text || 'b'::text")
    assert isinstance(refused, Refusal)


@pytest.mark.parametrize(
    "asked",
    [
        "SELECT email FROM customers",
        "SELECT upper(e) FROM (SELECT email AS e, nick FROM customers) AS s",
        "SELECT c.email FROM customers AS c, products AS p WHERE p.id = 1",
        "SELECT m FROM mails",
    ],
)
def test_rows_do_not_come_in_the_order_of_real_values(session: Session, asked: str) -> None:
    session.connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")
    assert "customers_email_key" in repr(
        session.connection.execute("EXPLAIN SELECT email FROM customers").fetchall()
    )
    plan = repr(session.run(f"EXPLAIN {asked}"))
    assert "customers_email_key" not in plan
    session.run("CREATE INDEX byname ON customers (name) INCLUDE (nick)")
    assert "byname" not in repr(session.run("EXPLAIN SELECT nick, name FROM customers"))
    assert "byname" not in repr(session.run("EXPLAIN SELECT nick FROM customers"))
