"""What does the proxy cost?  Ratios against a direct connection, A and B interleaved in one run.

Prints one line a figure: median of the per-round ratios, with the absolute medians behind it.
Absolute times drift with the machine's load; ratios of one run do not.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from devinprod_proxy.demo.cluster import Cluster

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from proxies import Proxy  # the tests' way to start a proxy

POLICY = """
version = 1
default = "closed"
[tables."public.people"]
subject = "none"
default = "clear"
[tables."public.people".columns]
email = { mask = "email" }
[tables."public.clear"]
default = "clear"
"""
SCHEMA = """
CREATE TABLE people (id int PRIMARY KEY, email text, n int);
INSERT INTO people SELECT i, 'person' || i || '@example.org', i FROM generate_series(1, {rows}) i;
CREATE TABLE clear (id int PRIMARY KEY, a text, b int, c numeric(12,2), d timestamptz, e boolean);
INSERT INTO clear SELECT i, md5(i::text), i, i / 7.0, '2026-01-01'::timestamptz + i * interval '1 min', i % 2 = 0
  FROM generate_series(1, {rows}) i;
GRANT ALL ON people, clear TO devinprod;
"""

Work = Callable[[psycopg.Connection[Any], int], object]


def each(connection: psycopg.Connection[Any], work: Work, count: int) -> float:
    """Median seconds of one call."""
    times = []
    for i in range(count):
        begin = time.perf_counter()
        work(connection, i)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def compare(name: str, direct: Any, proxied: Any, work: Work, *, count: int, rounds: int) -> None:
    """Time *work* on both connections in turn and print the ratio."""
    for connection in (direct, proxied):
        each(connection, work, max(count // 10, 6))
    pairs = []
    for _ in range(rounds):
        pairs.append((each(direct, work, count), each(proxied, work, count)))
    ratio = statistics.median(b / a for a, b in pairs)
    a, b = (statistics.median(x) for x in zip(*pairs, strict=True))
    print(
        f"{name:42} {ratio:6.2f} x direct   ({a * 1e6:9.0f} us direct, {b * 1e6:9.0f} us through a session)"
    )


def main() -> int:
    """Run all figures; exit status 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="only the primary-key reads, many of them")
    options = parser.parse_args()

    def fill(connection: psycopg.Connection[Any]) -> None:
        connection.execute(SCHEMA.format(rows=options.rows))

    with Cluster(fill, logins=["devinprod"]) as cluster, tempfile.TemporaryDirectory() as folder:
        dsn = cluster.dsn("replica", "devinprod")
        proxy = Proxy(
            Path(folder), dsn, POLICY, limits={"rows_per_minute": 10**9, "bytes_per_minute": "1TiB"}
        )
        try:
            with psycopg.connect(dsn, autocommit=True) as direct, proxy.connect() as proxied:
                run(direct, proxied, dsn, proxy.dsn("bulk"), options)
        finally:
            proxy.stop()
    return 0


def run(direct: Any, proxied: Any, dsn: str, session: str, options: argparse.Namespace) -> None:
    """All figures."""
    rounds = options.rounds

    def by_key(connection: Any, i: int) -> object:
        return connection.execute(
            "SELECT id, n FROM people WHERE id = %s", [i % 1000 + 1], prepare=True
        ).fetchall()

    if options.profile:
        compare("SELECT by primary key, prepared", direct, proxied, by_key, count=2000, rounds=3)
        return
    compare(
        "SELECT 1", direct, proxied, lambda c, i: c.execute("SELECT 1").fetchall(), count=500, rounds=rounds
    )
    compare("SELECT by primary key, prepared", direct, proxied, by_key, count=500, rounds=rounds)
    compare(
        "100 rows, prepared",
        direct,
        proxied,
        lambda c, i: c.execute(
            "SELECT * FROM clear WHERE id BETWEEN %s AND %s", [i, i + 99], prepare=True
        ).fetchall(),
        count=200,
        rounds=rounds,
    )
    compare(
        "UPDATE by primary key, prepared",
        direct,
        proxied,
        # A session keeps its row locks: each side has rows of its own.
        lambda c, i: c.execute(
            "UPDATE clear SET b = b + 1 WHERE id = %s", [i + (1 if c is direct else 5001)], prepare=True
        ),
        count=200,
        rounds=rounds,
    )
    bulk = {"clear": "SELECT * FROM clear", "one masked column": "SELECT id, email, n FROM people"}
    for name, sql in bulk.items():
        _bulk(name, sql, dsn, session, rounds)


def _bulk(name: str, sql: str, dsn: str, session: str, rounds: int) -> None:
    import adbc_driver_postgresql.dbapi as adbc

    def uri(conninfo: str) -> str:
        from urllib.parse import quote

        x = {k: str(v) for k, v in psycopg.conninfo.conninfo_to_dict(conninfo).items()}
        return (
            f"postgresql://{quote(x['user'], safe='')}:{quote(x['password'], safe='')}"
            f"@{x['host']}:{x['port']}/{x['dbname']}"
        )

    pairs = []
    with adbc.connect(uri(dsn)) as direct, adbc.connect(uri(session)) as proxied:
        for _ in range(rounds):
            pair = []
            for connection in (direct, proxied):
                with connection.cursor() as cursor:
                    begin = time.perf_counter()
                    cursor.execute(sql)
                    table = cursor.fetch_arrow_table()
                    pair.append(time.perf_counter() - begin)
            pairs.append(pair)
    ratio = statistics.median(b / a for a, b in pairs)
    a, b = (statistics.median(x) for x in zip(*pairs, strict=True))
    title = f"ADBC, {table.num_rows} rows, {name}"
    print(
        f"{title:42} {ratio:6.2f} x direct   ({a * 1e3:9.0f} ms direct, {b * 1e3:9.0f} ms through a session)"
    )


if __name__ == "__main__":
    raise SystemExit(main())
