"""A column that somebody adds to a table while a session is open is not shown before its rule is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from proxies import Proxy

POLICY = """
version = 1
default = "closed"
[tables."public.t"]
subject = "none"
[tables."public.t".columns]
id = "clear"
"""


def test_a_column_added_meanwhile_is_closed(make_cluster: Callable[..., Cluster], tmp_path: Path) -> None:
    def fill(connection: psycopg.Connection[tuple[object, ...]]) -> None:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
        connection.execute("GRANT ALL ON t TO devinprod")

    cluster = make_cluster(fill, logins=["devinprod"])
    proxy = Proxy(tmp_path, cluster.dsn("replica", "devinprod"), POLICY)
    try:
        with proxy.connect() as db:
            assert db.execute("SELECT * FROM t").fetchall() == [(1,)]
            with psycopg.connect(cluster.replica_dsn, autocommit=True) as admin:
                admin.execute("ALTER TABLE t ADD COLUMN secret text DEFAULT 'cnry-1'")
            with pytest.raises(psycopg.errors.FeatureNotSupported, match="added just now"):
                db.execute("SELECT *, 2 FROM t")
            row = db.execute("SELECT *, 2 FROM t").fetchone()
            assert row is not None
            assert row[0] == 1
            assert str(row[1]).startswith("masked:")
            assert row[2] == 2
    finally:
        proxy.stop()
