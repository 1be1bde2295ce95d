"""Limits: statements and rows slow down, people block, and a clear text says what is left."""

from __future__ import annotations

import select
import time
from collections.abc import Callable

import psycopg
import pytest
from devinprod_proxy.pgwire import messages
from proxies import Proxy
from psycopg.rows import dict_row
from wire_client import WireClient

PEOPLE = 20


@pytest.fixture
def few(make_proxy: Callable[..., Proxy]) -> Proxy:
    """A proxy that shows 20 people a day."""
    return make_proxy(limits={"subjects_per_day": PEOPLE})


def used(proxy: Proxy, session: str, what: str = "people") -> int:
    return int(proxy.api("GET", f"/v1/sessions/{session}/limits")[what]["used"])


def test_statements_per_minute_slow_down_and_never_fail(make_proxy: Callable[..., Proxy]) -> None:
    proxy = make_proxy(limits={"statements_per_minute": 30, "floor_timeout": "1s"})
    with proxy.connect("statements") as db, proxy.connect("other", user="bob") as bob:
        began = time.monotonic()
        for _ in range(30):
            db.execute("SELECT 1")
        assert time.monotonic() - began < 5
        assert used(proxy, "statements", "statements") == 30
        db.execute("SELECT 1")
        pipelined = time.monotonic()
        bob.execute("SELECT 1")  # nobody else waits
        assert time.monotonic() - pipelined < 2
        db.pgconn.send_query(b"SELECT 2")
        assert db.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE
        db.pgconn.flush()
        time_left = proxy.api("GET", "/v1/sessions/statements/limits")["statements"]
        assert time_left["used"] >= 31
        assert time_left["limit"] == 30
        cancelled = time.monotonic()
        db.cancel_safe()  # also while it is slowed down
        result = db.pgconn.get_result()
        assert result is not None
        assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"57014"
        assert time.monotonic() - cancelled < 5
        while db.pgconn.get_result() is not None:
            pass


def test_rows_per_minute_slow_down(make_proxy: Callable[..., Proxy]) -> None:
    proxy = make_proxy(limits={"rows_per_minute": 20_000})
    with WireClient(proxy.port).log_in("ann/rows") as ann, proxy.connect("other", user="bob") as bob:
        found = ann.query("SELECT generate_series(1, 10000)")
        assert sum(m.kind == "D" for m in found) == 10_000
        ann.send(messages.query(b"SELECT generate_series(1, 500000)"))
        came = b""
        while select.select([ann.socket], [], [], 1.0)[0]:  # until a second of silence
            came += ann.socket.recv(1 << 20)
        assert came.startswith(b"T")
        assert b"SELECT 500000" not in came
        assert b"ERROR" not in came
        assert bob.execute("SELECT 1").fetchone() == (1,)
        assert 20_000 < used(proxy, "rows", "rows") < 300_000


def test_people_are_counted_by_their_key_and_once(few: Proxy) -> None:
    with few.connect("people") as db:
        for _ in range(5):
            assert len(db.execute("SELECT id, email FROM customers WHERE id <= 10").fetchall()) == 10
        assert used(few, "people") == 10
        db.execute("SELECT customer_id, status FROM orders WHERE customer_id = 3")
        assert used(few, "people") == 10  # by another table, the same person
        db.execute("SELECT name FROM customers WHERE id = 11")  # pinned by its key
        assert used(few, "people") == 11
        db.execute("SELECT name FROM customers WHERE id = %s", [12])
        db.execute("SELECT name FROM customers WHERE id = %s", [12], binary=True)
        assert used(few, "people") == 12
        db.execute("SELECT count(*) FROM products")
        db.execute("SELECT title FROM products")
        assert used(few, "people") == 12


def test_more_people_than_a_day_has_are_refused_with_a_clear_text(few: Proxy) -> None:
    with few.connect("too-many") as db, few.connect("bystander", user="bob") as bob:
        db.execute("UPDATE products SET price = 4711 WHERE id = 1")
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded) as caught:
            db.execute("SELECT id, email FROM customers")
        said = f"{caught.value.diag.message_primary} {caught.value.diag.message_hint}"
        assert f"of {PEOPLE} were looked at today" in said
        assert "subjects_per_day" in said
        assert used(few, "too-many") <= PEOPLE
        # The session goes on, with what it had changed; and so does everybody else.
        assert db.execute("SELECT price::int FROM products WHERE id = 1").fetchone() == (4711,)
        assert len(bob.execute("SELECT id FROM customers WHERE id <= 5").fetchall()) == 5
    records = [r for r in few.records() if r["kind"] == "limit"]
    assert records
    assert records[0]["sqlstate"] == "53400"


def test_no_more_rows_arrive_than_people_are_left(few: Proxy) -> None:
    with few.connect("stream") as db, db.cursor(row_factory=dict_row) as cur:
        got = []
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            for row in cur.stream("SELECT id, email FROM customers ORDER BY id"):
                got.append(row["id"])
        assert len(set(got)) <= PEOPLE
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            with db.cursor().copy("COPY (SELECT id, email FROM customers) TO STDOUT") as copy:
                got = list(copy)
        assert len(got) <= PEOPLE


def test_an_aggregate_counts_the_people_that_it_scans(few: Proxy) -> None:
    with few.connect("aggregate") as db:
        assert db.execute("SELECT max(length(email)) FROM customers WHERE id <= 15").fetchone() is not None
        assert used(few, "aggregate") == 15
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            db.execute("SELECT max(length(email)) FROM customers WHERE id BETWEEN 20 AND 40")
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            db.execute("SELECT string_agg(email, ',') FROM customers WHERE id > %s", [100])
        assert used(few, "aggregate") == 15


def test_the_limit_is_the_users_not_the_sessions(few: Proxy) -> None:
    with few.connect("first") as one, few.connect("second") as two:
        one.execute("SELECT id FROM customers WHERE id <= 15")
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            two.execute("SELECT id FROM customers WHERE id BETWEEN 100 AND 115")
        assert used(few, "first") == used(few, "second") == 15


def test_writes_count_what_they_show(few: Proxy) -> None:
    with few.connect("writes") as db:
        db.execute("UPDATE orders SET note = 'x' WHERE customer_id <= 5")
        assert used(few, "writes") == 0
        shown = db.execute(
            "UPDATE orders SET note = 'x' WHERE customer_id <= 5 RETURNING customer_id, email"
        ).fetchall()
        assert used(few, "writes") == len({row[0] for row in shown}) > 1
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            db.execute("UPDATE orders SET note = 'gone' RETURNING customer_id, email")
        # What was refused has changed nothing.
        assert db.execute(
            "SELECT count(*) FROM orders WHERE note = 'gone' AND customer_id = 1"
        ).fetchone() == (0,)


def test_too_many_sessions(make_proxy: Callable[..., Proxy]) -> None:
    proxy = make_proxy(limits={"max_sessions": 2})
    with proxy.connect("one"), proxy.connect("two"), proxy.connect("two"):
        with pytest.raises(psycopg.OperationalError, match="too many sessions: 2 of 2"):
            proxy.connect("three")
        proxy.api("DELETE", "/v1/sessions/one")
        with proxy.connect("three") as db:
            assert db.execute("SELECT 1").fetchone() == (1,)


def test_statement_timeout_cannot_be_lifted(make_proxy: Callable[..., Proxy]) -> None:
    proxy = make_proxy(limits={"statement_timeout": "500ms"})
    with proxy.connect("timeout") as db:
        for setting in ("0", "'1h'", "DEFAULT"):
            db.execute(f"SET statement_timeout = {setting}".encode())
            with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
                db.execute("SELECT pg_sleep(20)")
        db.execute("SET statement_timeout = '50ms'")  # less is each client's own choice
        began = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled):
            db.execute("SELECT pg_sleep(20)")
        assert time.monotonic() - began < 0.45
