"""A CancelRequest stops that client's statement, at once, and nobody else's."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.demo.shop import PROXY_ROLE
from devinprod_proxy.pgwire import messages
from proxies import Proxy, until
from wire_client import WireClient, errors

CLEAR = 'version = 1\ndefault = "clear"\n'
LONG = "SELECT pg_sleep(30)"


@pytest.fixture(scope="module")
def proxy(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    started = Proxy(tmp_path_factory.mktemp("cancel"), cluster.dsn("replica", PROXY_ROLE), CLEAR)
    yield started
    started.stop()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def running(proxy: Proxy, session: str, text: str) -> Callable[[], bool]:
    """A condition: the session runs a statement with *text* in it."""

    def look() -> bool:
        found = proxy.api("GET", f"/v1/sessions/{session}/statements")["statements"]
        return any(s["running"] and text in s["asked"] for s in found)

    return look


def state(future: Future[Any]) -> str | None:
    """The SQLSTATE with which a statement in a thread ended; None where it succeeded."""
    error = future.exception(15)
    if error is None:
        return None
    assert isinstance(error, psycopg.Error), error
    return error.sqlstate


def test_a_running_statement(proxy: Proxy, pool: ThreadPoolExecutor) -> None:
    with proxy.connect("running") as db:
        began = time.monotonic()
        asked = pool.submit(db.execute, LONG)
        until(running(proxy, "running", LONG))
        db.cancel_safe()
        assert state(asked) == "57014"
        assert time.monotonic() - began < 10
        assert db.execute("SELECT 1").fetchone() == (1,)


def test_in_a_transaction_it_costs_the_transaction_only(proxy: Proxy, pool: ThreadPoolExecutor) -> None:
    with proxy.connect("transaction") as db:
        db.execute("INSERT INTO products (sku, title, price) VALUES ('kept', '', 1)")
        db.execute("BEGIN")
        db.execute("INSERT INTO products (sku, title, price) VALUES ('lost', '', 1)")
        asked = pool.submit(db.execute, LONG)
        until(running(proxy, "transaction", LONG))
        db.cancel_safe()
        assert state(asked) == "57014"
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            db.execute("SELECT 1")
        db.execute("ROLLBACK")
        assert db.execute("SELECT sku FROM products WHERE sku IN ('kept', 'lost')").fetchall() == [("kept",)]


def test_another_clients_statement_runs_on(proxy: Proxy, pool: ThreadPoolExecutor) -> None:
    """Of the same session: they share one upstream connection, which is where the danger is."""
    with proxy.connect("others") as ann, proxy.connect("others") as bob, proxy.connect("others") as idle:
        asked = pool.submit(ann.execute, "SELECT pg_sleep(0.6), 'anns'")
        until(running(proxy, "others", "anns"))
        idle.cancel_safe()  # runs nothing
        waiting = pool.submit(bob.execute, "SELECT 'bobs'")
        bob.cancel_safe()  # waits, or does not even wait yet
        assert asked.result(15).fetchone()[1] == "anns"
        assert state(waiting) in (None, "57014")
        assert bob.execute("SELECT 1").fetchone() == (1,)
        assert idle.execute("SELECT 1").fetchone() == (1,)


def test_while_it_waits_for_the_floor(proxy: Proxy, pool: ThreadPoolExecutor) -> None:
    """It is told so at once, not when the one it waits for is done."""
    with proxy.connect("waits") as ann, WireClient(proxy.port).log_in("ann/waits") as bob:
        asked = pool.submit(ann.execute, LONG)
        until(running(proxy, "waits", LONG))
        bob.send(messages.query(b"UPDATE products SET price = 0"))
        bob.send(messages.query(b"SELECT 1"))
        cancel(proxy, bob.key)
        first = bob.upto("Z")
        assert errors(first) == ["57014"]
        assert running(proxy, "waits", LONG)()
        ann.cancel_safe()
        assert state(asked) == "57014"
        assert errors(bob.upto("Z")) == []


def cancel(proxy: Proxy, key: tuple[int, bytes]) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port)) as other:
        other.sendall(messages.cancel_request(*key))
        other.settimeout(10)
        assert other.recv(1) == b""  # closed without a word, as PostgreSQL does


def test_a_wrong_key_cancels_nothing(proxy: Proxy, pool: ThreadPoolExecutor) -> None:
    with WireClient(proxy.port).log_in("ann/wrong-key") as ann:
        pid, key = ann.key
        ann.send(messages.query(b"SELECT pg_sleep(0.5)"))
        until(running(proxy, "wrong-key", "pg_sleep"))
        cancel(proxy, (pid, bytes(len(key))))
        cancel(proxy, (pid + 1, key))
        with socket.create_connection(("127.0.0.1", proxy.port)) as other:  # a key of no bytes
            other.sendall(struct.pack("!III", 12, 80877102, pid))
            other.settimeout(10)
            other.recv(1024)
        assert errors(ann.upto("Z")) == []


def test_many_late_cancels_lose_nothing_that_was_acknowledged(proxy: Proxy, cluster: Cluster) -> None:
    """A cancel that comes when the statement is just done must not hit what the proxy runs behind it."""
    with WireClient(proxy.port).log_in("ann/late") as ann:
        assert errors(ann.query("SELECT 1")) == []
        acknowledged = []
        for n in range(150):
            ann.send(
                messages.query(
                    f"INSERT INTO products (sku, title, price) VALUES ('late{n}', '', {n})".encode()
                )
            )
            cancel(proxy, ann.key)
            answer = ann.upto("Z")
            assert answer[-1].body == b"I"
            assert errors(answer) in ([], ["57014"])
            if not errors(answer):
                acknowledged.append(str(n))
        kept = ann.query("SELECT price::int FROM products WHERE sku LIKE 'late%' ORDER BY 1")
        found = [m.body[6:].decode() for m in kept if m.kind == "D"]
        assert found == acknowledged
        assert ann.query("SELECT 1")[-1].body == b"I"
