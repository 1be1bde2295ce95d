"""How were the conversations in traces/ recorded?

Run ``python tests/proxy/pgwire/record_traces.py``: it starts a PostgreSQL, puts a relay in front of
it that writes down what passes, and lets real drivers talk. One line per chunk: ``F`` (from the
client) or ``B`` (from the server) and the bytes in hex. The passwords belong to a server that
is deleted at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import psycopg
from devinprod_proxy.demo.cluster import Cluster
from psycopg.conninfo import conninfo_to_dict

TRACES = Path(__file__).parent / "traces"


async def record(name: str, dsn: str, talk: Callable[[dict[str, object]], Awaitable[None]]) -> None:
    """Let *talk* speak through a relay; write traces/<name>.trace (first connection only)."""
    target = conninfo_to_dict(dsn)
    lines: list[str] = []
    first = True

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal first
        mine, first = first, False
        up_reader, up_writer = await asyncio.open_connection(target["host"], int(str(target["port"])))

        async def pump(side: str, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while chunk := await source.read(65536):
                if mine:
                    lines.append(f"{side} {chunk.hex()}")
                sink.write(chunk)
                await sink.drain()
            sink.close()

        await asyncio.gather(pump("F", reader, up_writer), pump("B", up_reader, writer))

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    relayed: dict[str, object] = {**target, "port": server.sockets[0].getsockname()[1]}
    async with server:
        await talk(relayed)
    (TRACES / f"{name}.trace").write_text("\n".join(lines) + "\n")


async def simple(target: dict[str, object]) -> None:
    async with await psycopg.AsyncConnection.connect(**target, sslmode="disable", autocommit=True) as conn:
        cursor = psycopg.AsyncClientCursor(conn)
        await cursor.execute("CREATE TEMP TABLE t (id int PRIMARY KEY, name text); SELECT 1; SELECT 2")
        await cursor.execute("INSERT INTO t SELECT g, repeat('x', g % 50) FROM generate_series(1, 500) g")
        await cursor.execute("SELECT * FROM t ORDER BY id")
        await cursor.execute("")
        await cursor.execute("DO $$ BEGIN RAISE NOTICE 'hello'; END $$; SET TimeZone = 'UTC'")
        for wrong in ("SELECT 1/0; SELECT 2", "SELEC 1"):
            with contextlib.suppress(psycopg.Error):
                await cursor.execute(wrong)
        await cursor.execute("LISTEN c; NOTIFY c, 'payload'")


async def copy(target: dict[str, object]) -> None:
    async with await psycopg.AsyncConnection.connect(**target, autocommit=True) as conn:
        await conn.execute("CREATE TEMP TABLE t (id int PRIMARY KEY, name text)")
        async with conn.cursor().copy("COPY t FROM STDIN") as into:
            for number in range(300):
                await into.write_row((number, "name" * (number % 7)))
        async with conn.cursor().copy("COPY t TO STDOUT (FORMAT binary)") as out:
            async for _ in out:
                pass
        try:
            async with conn.cursor().copy("COPY t FROM STDIN") as into:
                await into.write("1\n1\n")
        except psycopg.Error:
            pass


async def pipeline(target: dict[str, object]) -> None:
    async with await psycopg.AsyncConnection.connect(**target, sslmode="disable", autocommit=True) as conn:
        await conn.execute("CREATE TEMP TABLE t (id int PRIMARY KEY, name text)")
        async with conn.pipeline():
            for number in range(20):
                await conn.execute("INSERT INTO t VALUES (%s, %s)", (number, None), prepare=True)
            await conn.execute("SELECT id, name FROM t WHERE id < %s", (7,))
        try:
            async with conn.pipeline():
                await conn.execute("INSERT INTO t VALUES (%s, %s)", (1, "twice"))
                await conn.execute("SELECT 1")
        except psycopg.Error:
            pass


async def cursors(target: dict[str, object]) -> None:
    conn = await asyncpg.connect(
        host=target["host"],
        port=target["port"],
        user=target["user"],
        password=target["password"],
        database=target["dbname"],
        ssl="prefer",
    )
    async with conn.transaction():
        async for _ in conn.cursor("SELECT g, g::text FROM generate_series(1, 120) g", prefetch=50):
            pass
    await conn.executemany("SELECT $1::int", [(1,), (2,)])
    statement = await conn.prepare("SELECT $1::bytea, $2::numeric")
    await statement.fetch(b"\x00\xff", 12)
    await conn.reset()
    await conn.close()


async def main() -> None:
    with Cluster(with_replica=False) as cluster:
        for talk in (simple, copy, pipeline, cursors):
            await record(talk.__name__, cluster.primary_dsn, talk)


if __name__ == "__main__":
    asyncio.run(main())
