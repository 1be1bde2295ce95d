"""The clients of one session share one world, one at a time, and none waits for itself."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.demo.shop import PROXY_ROLE
from proxies import Proxy, until
from psycopg.pq import TransactionStatus

CLEAR = 'version = 1\ndefault = "clear"\n'
FLOOR_TIMEOUT = 1.0
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def proxy(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    started = Proxy(
        tmp_path_factory.mktemp("two"),
        cluster.dsn("replica", PROXY_ROLE),
        CLEAR,
        limits={"floor_timeout": f"{FLOOR_TIMEOUT}s", "floor_patience": "100ms"},
    )
    yield started
    started.stop()


Pair = tuple["psycopg.Connection[Any]", "psycopg.Connection[Any]"]


@pytest.fixture
def pair(proxy: Proxy) -> Iterator[Pair]:
    """Two connections to one session, with names to tell them apart in errors."""
    session = f"two{next(_numbers)}"
    with (
        psycopg.connect(proxy.dsn(session, application_name="anns"), autocommit=True) as ann,
        psycopg.connect(proxy.dsn(session, application_name="bobs"), autocommit=True) as bob,
    ):
        yield ann, bob
    proxy.api("DELETE", f"/v1/sessions/{session}")


def price(db: psycopg.Connection[Any]) -> int:
    row = db.execute("SELECT price::int FROM products WHERE id = 1").fetchone()
    assert row is not None
    return int(row[0])


def test_what_one_commits_the_other_sees_and_nobody_else(pair: Pair, proxy: Proxy, cluster: Cluster) -> None:
    ann, bob = pair
    before = price(ann)
    with ann.transaction():
        ann.execute("UPDATE products SET price = 4711 WHERE id = 1")
    assert price(bob) == 4711
    with proxy.connect("elsewhere") as stranger, psycopg.connect(cluster.replica_dsn) as direct:
        assert price(stranger) == before
        assert price(direct) == before


def test_what_one_rolls_back_the_other_never_keeps(pair: Pair) -> None:
    ann, bob = pair
    before = price(bob)
    ann.execute("BEGIN")
    ann.execute("UPDATE products SET price = 4712 WHERE id = 1")
    ann.execute("ROLLBACK")
    assert price(bob) == before


def test_a_reader_looks_into_an_open_transaction_at_once(pair: Pair) -> None:
    ann, bob = pair
    ann.execute("BEGIN")
    ann.execute("UPDATE products SET price = 4713 WHERE id = 1")
    began = time.monotonic()
    for _ in range(5):
        assert price(bob) == 4713
    assert time.monotonic() - began < 1
    assert bob.info.transaction_status == TransactionStatus.IDLE
    assert price(ann) == 4713  # and the transaction goes on
    ann.execute("UPDATE products SET price = 4714 WHERE id = 1")
    ann.execute("COMMIT")
    assert price(bob) == 4714


def test_a_reader_cannot_write_by_a_function_while_it_looks(pair: Pair) -> None:
    ann, bob = pair
    ann.execute("BEGIN")
    last = ann.execute("SELECT nextval('products_id_seq')").fetchone()
    assert last is not None
    found = bob.execute("SELECT nextval('products_id_seq')").fetchone()  # nested, in its turn, as a writer
    assert found == (last[0] + 1,)
    ann.execute("COMMIT")


def test_an_error_of_the_reader_costs_the_transaction_nothing(pair: Pair) -> None:
    ann, bob = pair
    ann.execute("BEGIN")
    ann.execute("UPDATE products SET price = 4715 WHERE id = 1")
    with pytest.raises(psycopg.errors.DivisionByZero):
        bob.execute("SELECT 1 / 0")
    assert price(ann) == 4715
    ann.execute("COMMIT")
    assert price(bob) == 4715


def test_the_reader_gets_in_after_an_error_in_the_transaction_too(pair: Pair) -> None:
    ann, bob = pair
    before = price(bob)
    ann.execute("BEGIN")
    ann.execute("UPDATE products SET price = 4716 WHERE id = 1")
    with pytest.raises(psycopg.errors.DivisionByZero):
        ann.execute("SELECT 1 / 0")
    assert price(bob) == before
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        ann.execute("SELECT 1")
    ann.execute("ROLLBACK")
    assert price(ann) == before


def test_a_write_on_a_second_connection_of_the_same_thread(pair: Pair) -> None:
    """An audit row, an outbox: on PostgreSQL it does not wait for the transaction; nor does it here."""
    ann, bob = pair
    ann.execute("BEGIN")
    ann.execute("UPDATE products SET price = 4717 WHERE id = 1")
    bob.execute("UPDATE products SET price = 12 WHERE id = 2")
    ann.execute("UPDATE products SET price = price + 1 WHERE id = 1")
    ann.execute("COMMIT")
    assert bob.execute("SELECT price::int FROM products WHERE id IN (1, 2) ORDER BY id").fetchall() == [
        (4718,),
        (12,),
    ]


def test_a_whole_transaction_inside_another(pair: Pair) -> None:
    ann, bob = pair
    ann.execute("BEGIN")
    ann.execute("UPDATE products SET price = 1 WHERE id = 1")
    with bob.transaction():
        bob.execute("UPDATE products SET price = 2 WHERE id = 2")
        with pytest.raises(psycopg.errors.DivisionByZero), bob.transaction():
            bob.execute("UPDATE products SET price = 3 WHERE id = 3")
            bob.execute("SELECT 1 / 0")
    ann.execute("UPDATE products SET price = 4 WHERE id = 4")
    ann.execute("COMMIT")
    found = ann.execute("SELECT id, price::int FROM products WHERE id <= 4 ORDER BY id").fetchall()
    assert [found[0], found[1], found[3]] == [(1, 1), (2, 2), (4, 4)]
    assert found[2] != (3, 3)


def test_the_inner_one_rolls_back_alone(pair: Pair) -> None:
    ann, bob = pair
    ann.execute("BEGIN")
    ann.execute("UPDATE products SET price = 1 WHERE id = 1")
    bob.execute("BEGIN")
    bob.execute("UPDATE products SET price = 2 WHERE id = 2")
    bob.execute("ROLLBACK")
    ann.execute("COMMIT")
    found = bob.execute("SELECT id, price::int FROM products WHERE id <= 2 ORDER BY id").fetchall()
    assert found[0] == (1, 1)
    assert found[1] != (2, 2)


def test_the_outer_one_rolls_back_both_and_says_so(pair: Pair) -> None:
    ann, bob = pair
    before = ann.execute("SELECT id, price FROM products WHERE id <= 2 ORDER BY id").fetchall()
    notices: list[str] = []
    ann.add_notice_handler(lambda n: notices.append(n.message_primary or ""))
    ann.execute("BEGIN")
    ann.execute("UPDATE products SET price = 1 WHERE id = 1")
    bob.execute("UPDATE products SET price = 2 WHERE id = 2")
    ann.execute("ROLLBACK")
    assert ann.execute("SELECT id, price FROM products WHERE id <= 2 ORDER BY id").fetchall() == before
    assert any("1 statement(s) that other connections" in n for n in notices), notices


def test_interleaved_transactions_fail_fast_naming_both(pair: Pair) -> None:
    """A, B, A, B on one thread: one backend cannot give that. It must not take floor_timeout to say so."""
    ann, bob = pair
    ann.execute("BEGIN")
    ann.execute("UPDATE products SET price = 1 WHERE id = 1")
    bob.execute("BEGIN")
    bob.execute("UPDATE products SET price = 2 WHERE id = 2")
    began = time.monotonic()
    with pytest.raises(psycopg.errors.LockNotAvailable) as caught:
        ann.execute("UPDATE products SET price = 3 WHERE id = 3")
    assert time.monotonic() - began < FLOOR_TIMEOUT * 0.9
    assert "anns 127.0.0.1:" in str(caught.value)
    assert "bobs 127.0.0.1:" in str(caught.value)
    bob.execute("COMMIT")
    ann.execute("ROLLBACK")
    assert ann.execute("SELECT 1").fetchone() == (1,)
    assert price(bob) == price(ann) != 1


def test_the_waiting_client_is_told_who_holds_the_session(pair: Pair) -> None:
    ann, bob = pair
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ann.execute, "SELECT pg_sleep(2.5)")
        until(lambda: ann.pgconn.transaction_status == TransactionStatus.ACTIVE)
        began = time.monotonic()
        with pytest.raises(psycopg.errors.LockNotAvailable, match=r"anns 127\.0\.0\.1:") as caught:
            bob.execute("UPDATE products SET price = 1 WHERE id = 1")
        assert FLOOR_TIMEOUT * 0.8 < time.monotonic() - began < FLOOR_TIMEOUT * 2
        assert caught.value.diag.message_hint
        assert asked.result(15).fetchone() is not None
    assert bob.execute("SELECT 1").fetchone() == (1,)


def test_settings_prepared_statements_and_cursors_are_each_clients_own(pair: Pair) -> None:
    ann, bob = pair
    ann.execute("SET TimeZone = 'Asia/Tokyo'")
    bob.execute("SET TimeZone = 'Europe/Berlin'")
    for db, zone in ((ann, "Asia/Tokyo"), (bob, "Europe/Berlin"), (ann, "Asia/Tokyo")):
        assert db.execute("SHOW TimeZone").fetchone() == (zone,)
        assert db.info.parameter_status("TimeZone") == zone
    ann.pgconn.prepare(b"same", b"SELECT 1")
    bob.pgconn.prepare(b"same", b"SELECT 2")
    assert ann.pgconn.exec_prepared(b"same", []).get_value(0, 0) == b"1"
    assert bob.pgconn.exec_prepared(b"same", []).get_value(0, 0) == b"2"
    with ann.transaction(), ann.cursor("same") as mine:
        mine.execute("SELECT generate_series(1, 10)")
        assert mine.fetchmany(2) == [(1,), (2,)]
        assert price(bob)  # a peek does not close it
        assert mine.fetchmany(2) == [(3,), (4,)]


def test_a_client_that_goes_in_the_middle_of_its_transaction_loses_that_only(
    pair: Pair, proxy: Proxy
) -> None:
    ann, bob = pair
    before = price(bob)
    with psycopg.connect(proxy.dsn(bob.info.user.partition("/")[2]), autocommit=True) as third:
        third.execute("UPDATE products SET price = 7 WHERE id = 2")
        third.execute("BEGIN")
        third.execute("UPDATE products SET price = 4719 WHERE id = 1")
        third.pgconn.finish()
    until(lambda: price(bob) == before)
    assert bob.execute("SELECT price::int FROM products WHERE id = 2").fetchone() == (7,)
    ann.execute("UPDATE products SET price = 8 WHERE id = 1")
    assert price(bob) == 8


def test_notifications_stay_in_the_session(pair: Pair, proxy: Proxy) -> None:
    ann, bob = pair
    with proxy.connect("elsewhere") as stranger:
        for db in (bob, stranger):
            db.execute("LISTEN news")
        ann.execute("BEGIN")
        ann.execute("NOTIFY news, 'hello'")
        assert list(bob.notifies(timeout=0)) == []
        ann.execute("COMMIT")
        assert [n.payload for n in bob.notifies(timeout=10, stop_after=1)] == ["hello"]
        stranger.execute("SELECT 1")
        assert list(stranger.notifies(timeout=0)) == []
