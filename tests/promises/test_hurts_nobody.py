"""A session that only looks is in nobody's way: it keeps no lock once it is quiet."""

from __future__ import annotations

import psycopg
from devinprod_proxy.demo.cluster import Cluster
from proxies import Proxy, until

LOCKED = """
SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE c.relnamespace = 'public'::regnamespace AND l.pid <> pg_backend_pid()
"""


def locked(cluster: Cluster) -> int:
    with psycopg.connect(cluster.replica_dsn) as direct:
        row = direct.execute(LOCKED).fetchone()
    assert row is not None
    return int(row[0])


def end(proxy: Proxy, *names: str) -> None:
    for name in names:
        proxy.api("DELETE", f"/v1/sessions/{name}")


def test_a_quiet_reader_keeps_no_lock(shop_proxy: Proxy, cluster: Cluster) -> None:
    for session in shop_proxy.api("GET", "/v1/sessions")["sessions"]:
        end(shop_proxy, session["name"])
    with shop_proxy.connect("looks") as looks, shop_proxy.connect("writes") as writes:
        looks.execute("SET TimeZone = 'Asia/Tokyo'")
        looks.execute("SELECT count(*) FROM orders")
        until(lambda: locked(cluster) == 0)
        writes.execute("TRUNCATE orders CASCADE")
        assert looks.execute("SHOW TimeZone").fetchone() == ("Asia/Tokyo",)
        # What it has changed it keeps, locked too.
        looks.execute("UPDATE products SET price = price + 1 WHERE id = 1")
        looks.execute("SELECT count(*) FROM customers")
        until(lambda: locked(cluster) > 0)
        assert shop_proxy.api("GET", "/v1/sessions/looks")["state"] == "dirty"
    end(shop_proxy, "looks", "writes")


def test_an_open_cursor_and_an_open_transaction_are_left_alone(shop_proxy: Proxy, cluster: Cluster) -> None:
    with shop_proxy.connect("cursor") as db:
        db.execute("DECLARE c CURSOR WITH HOLD FOR SELECT id FROM customers ORDER BY id")
        assert db.execute("FETCH 2 FROM c").fetchall() == [(1,), (2,)]
        with shop_proxy.connect("quiet") as quiet:  # as long as another one takes to rest
            quiet.execute("SELECT count(*) FROM support_tickets")
            until(lambda: "support_tickets" not in tables(cluster))
        assert db.execute("FETCH 1 FROM c").fetchall() == [(3,)]
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM products")
        assert "products" in tables(cluster)
        db.execute("COMMIT")
    end(shop_proxy, "cursor", "quiet")


def tables(cluster: Cluster) -> set[str]:
    with psycopg.connect(cluster.replica_dsn) as direct:
        rows = direct.execute(
            "SELECT DISTINCT c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
            " WHERE l.pid <> pg_backend_pid()"
        ).fetchall()
    return {row[0] for row in rows}
