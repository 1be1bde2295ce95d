"""Ordinary scripts behave the same directly and through a session, statement by statement.

Each script runs twice on the writable copy: through a session, and directly inside a database that
is thrown away. Rows, tags, SQLSTATEs and transaction status must be equal.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import psycopg
import pytest
import sqlalchemy as sa
from devinprod_proxy.demo.cluster import Cluster
from proxies import Proxy

SCHEMA = """
CREATE TABLE items (id int PRIMARY KEY, name text UNIQUE, n int CHECK (n >= 0), at timestamptz DEFAULT now());
CREATE TABLE parts (id int PRIMARY KEY, item int REFERENCES items DEFERRABLE INITIALLY DEFERRED);
INSERT INTO items (id, name, n) SELECT i, 'item ' || i, i FROM generate_series(1, 20) i;
CREATE SEQUENCE numbers;
"""
CLEAR = 'version = 1\ndefault = "clear"\n'
_names = (f"same{i}" for i in itertools.count())


@pytest.fixture(scope="module")
def world(make_cluster: Callable[..., Cluster]) -> Cluster:
    def fill(connection: psycopg.Connection[Any]) -> None:
        connection.execute(SCHEMA)
        connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO devinprod")
        connection.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO devinprod")
        connection.execute("GRANT CREATE ON SCHEMA public TO devinprod")

    return make_cluster(fill, logins=["devinprod"])


@pytest.fixture(scope="module")
def proxy(world: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    started = Proxy(tmp_path_factory.mktemp("same"), world.dsn("replica", "devinprod"), CLEAR)
    yield started
    started.stop()


@pytest.fixture(autouse=True)
def ended(proxy: Proxy) -> Iterator[None]:
    """Sessions write the same keys: each ends before the next one wants them."""
    yield
    for session in proxy.api("GET", "/v1/sessions")["sessions"]:
        proxy.api("DELETE", f"/v1/sessions/{session['name']}")


@pytest.fixture
def direct(world: Cluster) -> Iterator[str]:
    """A copy of the replica's database to run on directly."""
    name = next(_names)
    with psycopg.connect(world.dsn("primary"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield psycopg.conninfo.make_conninfo(world.dsn("primary"), dbname=name)
    with psycopg.connect(world.dsn("primary"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _copy(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)


SCRIPTS: dict[str, list[str]] = {
    "commit": ["BEGIN", "INSERT INTO items VALUES (100, 'a', 1)", "COMMIT", "SELECT count(*) FROM items"],
    "rollback": ["BEGIN", "INSERT INTO items VALUES (100, 'a', 1)", "ROLLBACK", "SELECT count(*) FROM items"],
    "unique violation goes on": [
        "INSERT INTO items VALUES (1, 'x', 1)",
        "INSERT INTO items VALUES (100, 'a', 1)",
        "SELECT id, name, n FROM items WHERE id >= 100",
    ],
    "error in a transaction": [
        "BEGIN",
        "INSERT INTO items VALUES (100, 'a', 1)",
        "SELECT 1 / 0",
        "SELECT 1",
        "COMMIT",
        "SELECT count(*) FROM items",
    ],
    "savepoints": [
        "BEGIN",
        "SAVEPOINT a",
        "INSERT INTO items VALUES (100, 'a', 1)",
        "SAVEPOINT b",
        "INSERT INTO items VALUES (100, 'b', 1)",
        "ROLLBACK TO b",
        "INSERT INTO items VALUES (101, 'b', 1)",
        "RELEASE a",
        "ROLLBACK TO b",
        "ROLLBACK",
        "SELECT count(*) FROM items",
    ],
    "rollback to after an error": [
        "BEGIN",
        "INSERT INTO items VALUES (100, 'a', 1)",
        "SAVEPOINT s",
        "INSERT INTO items VALUES (100, 'a', 1)",
        "ROLLBACK TO SAVEPOINT s",
        "INSERT INTO items VALUES (101, 'b', 1)",
        "COMMIT",
        "SELECT id FROM items WHERE id >= 100 ORDER BY id",
    ],
    "begin in begin, commit outside": [
        "COMMIT",
        "ROLLBACK",
        "BEGIN",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT x",
        "RELEASE x",
    ],
    "and chain": [
        "BEGIN",
        "INSERT INTO items VALUES (100, 'a', 1)",
        "COMMIT AND CHAIN",
        "INSERT INTO items VALUES (101, 'b', 1)",
        "ROLLBACK AND CHAIN",
        "INSERT INTO items VALUES (102, 'c', 1)",
        "COMMIT",
        "SELECT id FROM items WHERE id >= 100 ORDER BY id",
    ],
    "read only": ["BEGIN READ ONLY", "INSERT INTO items VALUES (100, 'a', 1)", "ROLLBACK", "SELECT 1"],
    "deferred constraint at autocommit": [
        "INSERT INTO parts VALUES (1, 999)",
        "SELECT count(*) FROM parts",
        "INSERT INTO parts VALUES (1, 1)",
        "SELECT count(*) FROM parts",
    ],
    "deferred constraint at commit": [
        "BEGIN",
        "INSERT INTO parts VALUES (1, 999)",
        "SELECT count(*) FROM parts",
        "COMMIT",
        "SELECT count(*) FROM parts",
        "BEGIN",
        "INSERT INTO parts VALUES (2, 999)",
        "UPDATE parts SET item = 2 WHERE id = 2",
        "COMMIT",
        "SELECT * FROM parts",
    ],
    "several in one": [
        "INSERT INTO items VALUES (100, 'a', 1); INSERT INTO items VALUES (101, 'b', 1)",
        "INSERT INTO items VALUES (102, 'c', 1); INSERT INTO items VALUES (100, 'x', 1)",
        "SELECT id FROM items WHERE id >= 100 ORDER BY id",
        "BEGIN; INSERT INTO items VALUES (103, 'd', 1); ROLLBACK; INSERT INTO items VALUES (104, 'e', 1)",
        "SELECT id FROM items WHERE id >= 100 ORDER BY id",
        "INSERT INTO items VALUES (105, 'f', 1); BEGIN; SELECT 1 / 0",
        "SELECT 1",
        "ROLLBACK",
        "SELECT id FROM items WHERE id >= 100 ORDER BY id",
    ],
    "prepared and cursors": [
        "PREPARE p (int) AS SELECT name FROM items WHERE id = $1",
        "EXECUTE p(3)",
        "EXECUTE nobody(3)",
        "DEALLOCATE p",
        "EXECUTE p(3)",
        "DECLARE c CURSOR FOR SELECT id FROM items ORDER BY id",
        "BEGIN",
        "DECLARE c CURSOR FOR SELECT id FROM items ORDER BY id",
        "FETCH 3 FROM c",
        "MOVE 2 IN c",
        "FETCH c",
        "CLOSE c",
        "FETCH c",
        "ROLLBACK",
    ],
    "settings": [
        "SET TimeZone = 'Europe/Berlin'",
        "SHOW TimeZone",
        "BEGIN",
        "SET TimeZone = 'UTC'",
        "ROLLBACK",
        "SHOW TimeZone",
        "BEGIN",
        "SET LOCAL TimeZone = 'America/New_York'",
        "SHOW TimeZone",
        "COMMIT",
        "SHOW TimeZone",
        "RESET ALL",
        "SELECT '2026-01-01 00:00+00'::timestamptz",
        "SET nonsense.x = 1",
        "SET statement_timeout = '5s'",
        "SHOW statement_timeout",
    ],
    "ddl": [
        "CREATE TABLE more (id int)",
        "INSERT INTO more VALUES (1)",
        "ALTER TABLE more ADD COLUMN note text DEFAULT 'x'",
        "SELECT * FROM more",
        "BEGIN",
        "DROP TABLE more",
        "SELECT * FROM more",
        "ROLLBACK",
        "SELECT * FROM more",
        "CREATE TABLE twice (id int); INSERT INTO twice VALUES (7); SELECT * FROM twice",
        "CREATE TEMP TABLE t AS SELECT 1 AS x",
        "SELECT * FROM t",
    ],
    "pool resets": [
        "SELECT pg_advisory_unlock_all()",
        "CLOSE ALL",
        "UNLISTEN *",
        "RESET ALL",
        "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;",
        "DISCARD ALL",
        "DEALLOCATE ALL",
        "BEGIN",
        "DISCARD ALL",
        "ROLLBACK",
    ],
    "nothing": [
        "",
        ";",
        "-- only a comment",
        "SELECT",
        "selec 1",
        "SELECT * FROM nowhere",
        "SELECT nothing FROM items",
    ],
    "writes": [
        "UPDATE items SET n = n + 1 WHERE id < 4 RETURNING id, n",
        "DELETE FROM items WHERE id = 5",
        "UPDATE items SET n = -1 WHERE id = 6",
        "INSERT INTO items (id, name, n) VALUES (1, 'q', 1)"
        " ON CONFLICT (id) DO UPDATE SET n = excluded.n RETURNING id, name, n",
        "WITH gone AS (DELETE FROM items WHERE id > 18 RETURNING id) SELECT * FROM gone ORDER BY id",
        "TRUNCATE parts",
        "MERGE INTO items USING (VALUES (1, 9), (50, 9)) v(id, n) ON items.id = v.id "
        "WHEN MATCHED THEN UPDATE SET n = v.n WHEN NOT MATCHED THEN INSERT (id, name, n) VALUES (v.id, 'm', v.n)",
        "SELECT id, n FROM items WHERE id IN (1, 50) ORDER BY id",
        "LOCK TABLE items",
        "SELECT id FROM items ORDER BY id LIMIT 2 FOR UPDATE",
        "COPY (SELECT id FROM items ORDER BY id LIMIT 2) TO STDOUT",
    ],
}


def play(dsn: str, script: list[str]) -> list[object]:
    """Every statement as one simple Query; what a client can see of each."""
    seen: list[object] = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        notices: list[str] = []
        connection.add_notice_handler(
            lambda n: notices.append(f"{n.severity} {n.sqlstate} {n.message_primary}")
        )
        for statement in script:
            pg = connection.pgconn
            pg.send_query(statement.encode())
            results: list[object] = []
            while (result := pg.get_result()) is not None:
                status = psycopg.pq.ExecStatus(result.status)
                if status == psycopg.pq.ExecStatus.COPY_OUT:
                    rows: list[object] = []
                    while True:
                        size, data = pg.get_copy_data(0)
                        if size < 0:
                            break
                        rows.append(bytes(data))
                    results.append(rows)
                    continue
                fields = [result.fname(i) for i in range(result.nfields)]
                rows = [
                    tuple(result.get_value(r, i) for i in range(result.nfields))
                    for r in range(result.ntuples)
                ]
                code = result.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
                message = result.error_field(psycopg.pq.DiagnosticField.MESSAGE_PRIMARY)
                results.append((status.name, result.command_status, fields, rows, code, message))
            state = psycopg.pq.TransactionStatus(pg.transaction_status).name
            seen.append((statement, results, state, [n for n in notices if "devinprod:" not in n]))
            notices.clear()
    return seen


@pytest.mark.parametrize("name", SCRIPTS)
def test_simple_protocol(name: str, proxy: Proxy, direct: str) -> None:
    _copy(direct)
    expected = play(direct, SCRIPTS[name])
    session = "simple-" + "".join(c if c.isalnum() else "-" for c in name)
    got = play(proxy.dsn(session), SCRIPTS[name])
    for mine, theirs in zip(got, expected, strict=True):
        assert mine == theirs


def test_psycopg_extended(proxy: Proxy, direct: str) -> None:
    """Parameters, prepared statements, binary results, pipelines, server cursors, COPY."""
    _copy(direct)

    def script(dsn: str) -> list[object]:
        seen: list[object] = []
        with psycopg.connect(dsn) as db:
            cur = db.cursor(binary=True)
            for i in range(8):  # prepared by psycopg after the fifth time
                seen.append(cur.execute("SELECT name, n FROM items WHERE id = %s", [i]).fetchall())
            db.commit()
            try:
                cur.execute("INSERT INTO items VALUES (%s, %s, %s)", [1, "twice", 1])
            except psycopg.Error as error:
                seen.append((error.sqlstate, db.info.transaction_status.name))
            db.rollback()
            with db.transaction():
                cur.execute("INSERT INTO items VALUES (%s, %s, %s)", [200, "in", 1])
                with pytest.raises(psycopg.errors.CheckViolation), db.transaction():
                    cur.execute("INSERT INTO items VALUES (%s, %s, %s)", [201, "in", -1])
            seen.append(db.execute("SELECT id FROM items WHERE id >= 200").fetchall())
            with db.pipeline() as p:
                a = db.execute("SELECT 1")
                b = db.execute("INSERT INTO items VALUES (300, 'p', 1) RETURNING id")
                p.sync()
                seen += [a.fetchall(), b.fetchall()]
            with db.cursor("named") as named:
                named.itersize = 3
                named.execute("SELECT id FROM items ORDER BY id LIMIT 10")
                seen.append([row[0] for row in named])
            with db.cursor().copy("COPY items (id, name, n) FROM STDIN") as copy:
                for i in range(400, 500):
                    copy.write_row((i, f"c{i}", i))
            seen.append(db.execute("SELECT count(*) FROM items").fetchone())
            with pytest.raises(psycopg.errors.UniqueViolation):
                with db.cursor().copy("COPY items (id, name, n) FROM STDIN") as copy:
                    copy.write_row((1, "dup", 1))
            db.rollback()
            seen.append(db.execute("SELECT count(*) FROM items").fetchone())
            cur = db.cursor()
            cur.executemany(
                "INSERT INTO items VALUES (%s, %s, %s)", [(i, f"m{i}", i) for i in range(600, 620)]
            )
            seen.append(cur.rowcount)
            with db.cursor().copy("COPY items TO STDOUT (FORMAT binary)") as copy:
                seen.append(sum(len(block) > 0 for block in copy))
        return seen

    assert script(proxy.dsn("extended")) == script(direct)


def test_asyncpg_with_its_pool(proxy: Proxy, direct: str) -> None:
    _copy(direct)

    async def script(dsn: str) -> list[object]:
        parts = psycopg.conninfo.conninfo_to_dict(dsn)
        seen: list[object] = []
        async with asyncpg.create_pool(
            host=parts["host"],
            port=int(str(parts["port"])),
            user=parts["user"],
            password=parts.get("password"),
            database=parts["dbname"],
            min_size=2,
            max_size=4,
        ) as pool:
            async with pool.acquire() as db:
                seen.append([tuple(r) for r in await db.fetch("SELECT id, name FROM items WHERE id = $1", 3)])
                async with db.transaction():
                    await db.execute("INSERT INTO items VALUES ($1, $2, $3)", 100, "a", 1)
                    try:
                        async with db.transaction():
                            await db.execute("INSERT INTO items VALUES ($1, $2, $3)", 100, "a", 1)
                    except asyncpg.UniqueViolationError as error:
                        seen.append(error.sqlstate)
                seen.append(await db.fetchval("SELECT count(*) FROM items"))
                seen.append(await db.fetchval("SELECT $1::int[]", [1, 2, 3]))
                seen.append(await db.fetchval("SELECT $1::jsonb", '{"a": 1}'))
                statement = await db.prepare("SELECT n FROM items WHERE id = $1")
                seen.append([await statement.fetchval(i) for i in range(1, 5)])
                async with db.transaction():
                    seen.append(
                        [r[0] async for r in db.cursor("SELECT id FROM items ORDER BY id", prefetch=5)]
                    )
                await db.copy_records_to_table("items", records=[(700, "r", 1)], columns=["id", "name", "n"])
            async with pool.acquire() as db:
                seen.append(await db.fetchval("SELECT name FROM items WHERE id = 700"))
                seen.append(await db.execute("UPDATE items SET n = n + 1 WHERE id < $1", 4))
            both = await asyncio.gather(*(pool.fetchval("SELECT $1::int", i) for i in range(20)))
            seen.append(both)
        return seen

    assert asyncio.run(script(proxy.dsn("asyncpg"))) == asyncio.run(script(direct))


def test_sqlalchemy(proxy: Proxy, direct: str) -> None:
    _copy(direct)

    def script(dsn: str) -> list[object]:
        engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), pool_size=3)
        seen: list[object] = []
        meta = sa.MetaData()
        items = sa.Table("items", meta, autoload_with=engine)
        seen.append(sorted(items.columns.keys()))
        seen.append(sorted(sa.inspect(engine).get_table_names()))
        with engine.begin() as db:
            db.execute(sa.insert(items), [{"id": i, "name": f"s{i}", "n": i} for i in range(800, 810)])
        with pytest.raises(sa.exc.IntegrityError), engine.begin() as db:
            db.execute(sa.insert(items).values(id=801, name="dup", n=1))
        with engine.connect() as db:
            seen.append(db.execute(sa.select(items.c.id).where(items.c.id >= 800).order_by(items.c.id)).all())
            nested = db.begin_nested()
            db.execute(sa.delete(items))
            nested.rollback()
            seen.append(db.scalar(sa.select(sa.func.count()).select_from(items)))
        engine.dispose()
        return seen

    assert script(proxy.dsn("sqlalchemy")) == script(direct)
