"""A world that is gone says so once, and never goes on silently on other data."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.demo.shop import PROXY_ROLE
from proxies import Proxy, until

CLEAR = 'version = 1\ndefault = "clear"\n'
_names = (f"lost{n}" for n in itertools.count(1))


@pytest.fixture(scope="module")
def proxy(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    started = Proxy(tmp_path_factory.mktemp("lost"), cluster.dsn("replica", PROXY_ROLE), CLEAR)
    yield started
    started.stop()


@pytest.fixture
def name(proxy: Proxy) -> Iterator[str]:
    """A session of the test's own; it ends with the test, since all of them change the same row."""
    session = next(_names)
    yield session
    for one in proxy.api("GET", "/v1/sessions")["sessions"]:
        proxy.api("DELETE", f"/v1/sessions/{one['name']}")


def change(db: psycopg.Connection[Any], price: int = 1) -> None:
    db.execute("UPDATE products SET price = %s WHERE id = 1", [price])


def price(db: psycopg.Connection[Any]) -> int:
    row = db.execute("SELECT price::int FROM products WHERE id = 1").fetchone()
    assert row is not None
    return int(row[0])


def backend(db: psycopg.Connection[Any]) -> int:
    row = db.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def kill(cluster: Cluster, pid: int) -> None:
    """End an upstream connection as an administrator would, and wait until it is gone."""
    with psycopg.connect(cluster.replica_dsn, autocommit=True) as direct:
        direct.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


def test_a_changed_world_is_lost_once_with_what_was_lost(proxy: Proxy, cluster: Cluster, name: str) -> None:
    with proxy.connect(name) as ann:
        before, pid = price(ann), backend(ann)
        change(ann, 1)
        change(ann, 2)
        kill(cluster, pid)
        with pytest.raises(psycopg.Error) as caught:
            ann.execute("SELECT 1")
        assert caught.value.sqlstate == "57000"
        assert "session world was reset" in str(caught.value)
        assert "terminating connection due to administrator command" in str(caught.value)
        assert "2 statements lost" in str(caught.value)
        assert caught.value.diag.message_hint
        assert price(ann) == before  # and on, with a fresh world
        change(ann, 3)
        assert price(ann) == 3
        assert backend(ann) != pid
    lost = [r for r in proxy.records() if r["kind"] == "session.lost" and r["session"] == name]
    assert [r["statements"] for r in lost] == [2]


def test_every_client_of_it_is_told_once(proxy: Proxy, cluster: Cluster, name: str) -> None:
    with proxy.connect(name) as ann, proxy.connect(name) as bob, proxy.connect(name) as carol:
        change(ann)
        kill(cluster, backend(ann))
        for db in (bob, ann, carol):
            with pytest.raises(psycopg.Error, match="1 statement lost"):
                db.execute("SELECT 1")
        for db in (ann, bob, carol):
            assert db.execute("SELECT 1").fetchone() == (1,)


def test_a_world_that_changed_nothing_opens_anew_unnoticed(proxy: Proxy, cluster: Cluster, name: str) -> None:
    with proxy.connect(name) as ann:
        ann.execute("SET TimeZone = 'Asia/Tokyo'")
        ann.pgconn.prepare(b"mine", b"SELECT current_setting('TimeZone')")
        pid = backend(ann)
        kill(cluster, pid)
        assert backend(ann) != pid
        assert ann.execute("SHOW TimeZone").fetchone() == ("Asia/Tokyo",)
        assert ann.pgconn.exec_prepared(b"mine", []).get_value(0, 0) == b"Asia/Tokyo"


def test_what_was_rolled_back_does_not_count(proxy: Proxy, cluster: Cluster, name: str) -> None:
    with proxy.connect(name) as ann:
        pid = backend(ann)
        ann.execute("BEGIN")
        change(ann)
        ann.execute("ROLLBACK")
        kill(cluster, pid)
        assert backend(ann) != pid


def test_in_the_middle_of_a_transaction(proxy: Proxy, cluster: Cluster, name: str) -> None:
    """A transaction that has only read is lost too: what it does next must not run outside of it."""
    with proxy.connect(name) as ann:
        before, pid = price(ann), backend(ann)
        ann.execute("BEGIN")
        price(ann)
        kill(cluster, pid)
        with pytest.raises(psycopg.Error) as caught:
            change(ann, 5)
        assert caught.value.sqlstate == "57000"
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            change(ann, 6)
        ann.execute("COMMIT")  # of a failed transaction: a rollback
        assert price(ann) == before
        change(ann, 7)
        assert price(ann) == 7


def test_while_a_statement_runs(proxy: Proxy, cluster: Cluster, name: str) -> None:
    with proxy.connect(name) as ann, proxy.connect(name) as bob, ThreadPoolExecutor(1) as pool:
        change(ann)
        pid = backend(ann)
        asked = pool.submit(bob.execute, "SELECT pg_sleep(30)")
        until(lambda: asleep(cluster, pid))
        kill(cluster, pid)
        error = asked.exception(15)
        assert isinstance(error, psycopg.Error)
        assert error.sqlstate == "57000"
        assert bob.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.Error, match="1 statement lost"):
            price(ann)
        assert price(ann) != 1


def asleep(cluster: Cluster, pid: int) -> bool:
    with psycopg.connect(cluster.replica_dsn) as direct:
        row = direct.execute("SELECT wait_event FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone()
        return row == ("PgSleep",)


def test_in_the_middle_of_copy(proxy: Proxy, cluster: Cluster, name: str) -> None:
    rows = "COPY products (sku, title, price) FROM STDIN"
    with proxy.connect(name) as ann:
        pid = backend(ann)
        with pytest.raises(psycopg.Error) as caught, ann.cursor().copy(rows) as copy:
            kill(cluster, pid)
            for _ in range(200):
                copy.write("no such row\n" * 1000)
        assert caught.value.sqlstate == "57000"
        assert ann.execute("SELECT 1").fetchone() == (1,)


def test_a_killed_proxy_is_a_lost_connection_and_a_fresh_world(
    make_proxy: Callable[..., Proxy], cluster: Cluster, name: str
) -> None:
    proxy = make_proxy(policy=CLEAR)
    with proxy.connect(name) as ann:
        before, pid = price(ann), backend(ann)
        ann.execute("BEGIN")
        change(ann, 1)
        proxy.stop(signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            price(ann)
    proxy.start()
    with proxy.connect(name) as ann:
        assert price(ann) == before
        change(ann, 2)  # no lock of the dead proxy's connection is in the way
        assert price(ann) == 2
    with psycopg.connect(cluster.replica_dsn) as direct:
        assert direct.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() is None


def test_a_proxy_that_stops_says_so(make_proxy: Callable[..., Proxy], name: str) -> None:
    proxy = make_proxy(policy=CLEAR)
    with proxy.connect(name) as ann:
        change(ann)
        assert proxy.stop() == 0
        with pytest.raises(psycopg.errors.AdminShutdown, match="the proxy is stopping"):
            price(ann)


def test_an_idle_world_ends_and_its_client_is_told_what_it_lost(
    make_proxy: Callable[..., Proxy], cluster: Cluster, name: str
) -> None:
    proxy = make_proxy(policy=CLEAR, limits={"idle": "1s"})
    with proxy.connect(name) as ann, proxy.connect(name + "clean") as clean:
        before, pid, other = price(ann), backend(ann), backend(clean)
        change(ann, 1)
        with psycopg.connect(cluster.replica_dsn, autocommit=True) as direct:
            until(lambda: gone(direct, pid) and gone(direct, other))  # no lock, no snapshot is left
        with pytest.raises(psycopg.Error, match="idle for 1 s; 1 statement lost") as caught:
            price(ann)
        assert caught.value.sqlstate in ("57000", "57P01")
        assert backend(clean) != other  # it had changed nothing: it never knew
        assert price(ann) == before


def test_a_world_that_nobody_watched_end_tells_who_comes_next(
    make_proxy: Callable[..., Proxy], name: str
) -> None:
    """A pool connects anew by itself: that alone must not hide that the changes are gone."""
    proxy = make_proxy(policy=CLEAR, limits={"idle": "1s"})
    with proxy.connect(name) as ann:
        before = price(ann)
        change(ann, 1)
    until(lambda: proxy.api("GET", f"/v1/sessions/{name}")["state"] == "lost")
    with proxy.connect(name) as ann:
        with pytest.raises(psycopg.Error, match="idle for 1 s; 1 statement lost") as caught:
            price(ann)
        assert caught.value.sqlstate == "57000"
        assert price(ann) == before
    with proxy.connect(name) as bob:  # once is enough
        assert price(bob) == before


def test_a_world_reaches_its_maximum_age_however_busy(
    make_proxy: Callable[..., Proxy], cluster: Cluster, name: str
) -> None:
    proxy = make_proxy(policy=CLEAR, limits={"max_age": "1s"})
    with proxy.connect(name) as ann:
        change(ann, 1)
        pid = backend(ann)

        def told() -> psycopg.Error | None:
            try:
                assert backend(ann) == pid
            except psycopg.Error as error:
                return error
            return None

        error = until(told)
        assert "maximum age of 1 s; 1 statement lost" in str(error)
        assert error.sqlstate in ("57000", "57P01")
        assert backend(ann) != pid


def gone(direct: psycopg.Connection[Any], pid: int) -> bool:
    return direct.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() is None


def test_its_owner_resets_it_and_nobody_is_surprised(proxy: Proxy, name: str) -> None:
    with proxy.connect(name) as ann:
        before = price(ann)
        change(ann, 1)
        answer = proxy.api("POST", f"/v1/sessions/{name}/reset", {})
        assert answer["lost"] == {"statements": 1, "rows": 1}
        assert price(ann) == before
