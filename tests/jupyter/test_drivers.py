"""Where the database connections of a kernel go: to the session, or nowhere.

"Production" is one database, the session another that lets ``demo/fenced`` in; a connection's own port
tells which one it reached.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import asyncpg
import psycopg
import pytest
import sqlalchemy
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from devinprod_jupyter import drivers
from devinprod_jupyter.errors import WouldBypass
from devinprod_jupyter.fence import Fence
from devinprod_jupyter.service import Service

USER, PASSWORD = "demo/fenced", "session's own: ?&/"


class Two:
    """Production, and the session in front of it."""

    def __init__(self, production: Any, session: Any) -> None:
        self.production_dsn = production.primary_dsn
        self.production_url = production.url("primary")
        self.production = conninfo_to_dict(production.primary_dsn)
        reached = conninfo_to_dict(session.primary_dsn)
        self.parameters = {
            "host": str(reached["host"]),
            "port": str(reached["port"]),
            "user": USER,
            "password": PASSWORD,
            "dbname": str(reached["dbname"]),
        }
        self.port = int(str(reached["port"]))


@pytest.fixture(scope="module")
def two(make_cluster: Any) -> Two:
    production = make_cluster("CREATE TABLE t (n int)", with_replica=False)
    session = make_cluster("CREATE TABLE t (n int)", with_replica=False)
    with psycopg.connect(session.primary_dsn, autocommit=True) as admin:
        admin.execute(f"""CREATE ROLE "{USER}" LOGIN PASSWORD $${PASSWORD}$$""")
        admin.execute("GRANT ALL ON t TO PUBLIC")
    return Two(production, session)


@pytest.fixture
def fence(two: Two, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fence]:
    """The fence of the process, up around the session; lowered afterwards, which only a test does."""
    fence = drivers.fence
    with monkeypatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PG")]:
            patch.delenv(name)
        kept = dict(os.environ)
        drivers.point("fenced", two.parameters)
        yield fence
        fence.up = False
        fence.session = None
        fence._databases.clear()
        fence._others.clear()
        fence._origins.clear()
        os.environ.clear()
        os.environ.update(kept)


def test_psycopg_goes_to_the_session(two: Two, fence: Fence) -> None:
    for open_it in (
        lambda: psycopg.connect(two.production_dsn),
        lambda: psycopg.connect(two.production_url),
        lambda: psycopg.Connection.connect(**two.production),
        lambda: psycopg.connect(dbname="shop", host="host.of.production.invalid", user="x"),
        lambda: psycopg.connect(two.production_dsn, hostaddr="127.0.0.1"),
        lambda: psycopg.connect(two.production_dsn, service="no such service"),
        lambda: psycopg.connect(""),
    ):
        with open_it() as connection:
            assert (connection.info.port, connection.info.user) == (two.port, USER)


def test_a_function_imported_before_goes_there_too(two: Two, fence: Fence) -> None:
    class Own(psycopg.Connection[Any]):
        pass

    with Own.connect(two.production_dsn, application_name="the service") as connection:
        assert connection.info.port == two.port
        assert connection.info.get_parameters()["application_name"] == "the service"


async def test_async_psycopg(two: Two, fence: Fence) -> None:
    async with await psycopg.AsyncConnection.connect(two.production_dsn) as connection:
        assert connection.info.port == two.port


def test_a_pool_of_psycopg(two: Two, fence: Fence) -> None:
    with ConnectionPool(two.production_dsn, min_size=1, open=True) as pool, pool.connection() as connection:
        assert connection.info.port == two.port


async def test_asyncpg_and_its_pool(two: Two, fence: Fence) -> None:
    async def user(connection: Any) -> Any:
        return await connection.fetchval("SELECT current_user")

    connection = await asyncpg.connect(two.production_url)
    assert await user(connection) == USER
    await connection.close()
    connection = await asyncpg.connect(
        host="host.of.production.invalid",
        user="x",
        database="shop",
        server_settings={"application_name": "svc"},
    )
    assert await user(connection) == USER
    assert await connection.fetchval("SHOW application_name") == "svc"
    await connection.close()
    async with asyncpg.create_pool(two.production_url, min_size=1, max_size=1) as pool:
        assert await user(pool) == USER


@pytest.mark.parametrize("prefix", ["postgresql+psycopg", "postgresql+asyncpg"])
async def test_engines(two: Two, fence: Fence, prefix: str) -> None:
    url = sqlalchemy.make_url(two.production_url).set(drivername=prefix)
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        assert (await connection.exec_driver_sql("SELECT current_user")).scalar() == USER


def test_an_engine_that_was_connected_before_is_sent_there(
    two: Two, make_cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = sqlalchemy.create_engine(
        sqlalchemy.make_url(two.production_url).set(drivername="postgresql+psycopg")
    )
    held = psycopg.connect(two.production_dsn)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT current_user").scalar() == "postgres"
    kept = dict(os.environ)
    try:
        _, lines = Service().use([], "fenced", two.parameters)
        assert held.closed
        assert lines == ["  1 connection that went elsewhere before: closed."]
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT current_user").scalar() == USER
    finally:
        drivers.fence.up = False
        drivers.fence._databases.clear()
        engine.dispose()
        held.close()
        os.environ.clear()
        os.environ.update(kept)


def test_another_database_is_refused(two: Two, fence: Fence) -> None:
    psycopg.connect(two.production_dsn).close()
    with pytest.raises(WouldBypass, match="also connects to a database called 'ledger'"):
        psycopg.connect(two.production_dsn, dbname="ledger")
    drivers.point("fenced", two.parameters, ["ledger"])
    psycopg.connect(two.production_dsn, dbname="ledger").close()


def test_a_raw_socket_to_the_database_is_refused(two: Two, fence: Fence) -> None:
    psycopg.connect(two.production_dsn).close()
    port = int(str(two.production["port"]))
    with pytest.raises(WouldBypass, match="past devinprod"):
        socket.create_connection(("127.0.0.1", port))
    with pytest.raises(WouldBypass):
        socket.create_connection(("localhost", port))
    socket.create_connection(("127.0.0.1", two.port)).close()


def test_other_servers_and_files_are_left_alone(two: Two, fence: Fence) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    sqlite3.connect(":memory:").close()
    sqlalchemy.create_engine("sqlite://").connect().close()


def test_an_engine_of_another_kind_is_refused(fence: Fence) -> None:
    engine = sqlalchemy.create_engine("postgresql+pg8000://x@127.0.0.1/shop", module=sqlite3)
    with pytest.raises(WouldBypass, match=r"postgresql\+pg8000"):
        engine.connect()


def test_adbc_is_refused(two: Two, fence: Fence) -> None:
    import adbc_driver_postgresql.dbapi

    with pytest.raises(WouldBypass, match="ADBC"):
        adbc_driver_postgresql.dbapi.connect(two.production_url)


def test_child_processes_and_urls_of_the_environment(
    two: Two, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", two.production_url.replace("postgresql:", "postgresql+asyncpg:"))
    monkeypatch.setenv("PGSERVICE", "production")
    monkeypatch.setenv("PGHOSTADDR", "203.0.113.7")
    drivers.point("fenced", two.parameters)
    url = sqlalchemy.make_url(os.environ["DATABASE_URL"])
    assert (url.port, url.username, url.password) == (two.port, USER, PASSWORD)
    assert url.drivername == "postgresql+asyncpg"
    assert "PGSERVICE" not in os.environ
    assert "PGHOSTADDR" not in os.environ
    done = subprocess.run(
        [sys.executable, "-c", "import psycopg; print(psycopg.connect('').info.port)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == two.port


def test_urls_of_two_databases_are_left_for_the_drivers_to_refuse(
    two: Two, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@db.example/shop")
    monkeypatch.setenv("LEDGER_URL", "postgresql://u:p@db.example/ledger")
    drivers.point("fenced", two.parameters)
    assert os.environ["LEDGER_URL"] == "postgresql://u:p@db.example/ledger"


def test_after_the_end_every_connection_is_refused(two: Two, fence: Fence) -> None:
    fence.shut()
    with pytest.raises(WouldBypass, match="connected to no session"):
        psycopg.connect(two.production_dsn)


async def test_after_the_end_asyncpg_too(two: Two, fence: Fence) -> None:
    fence.shut()
    with pytest.raises(WouldBypass, match="connected to no session"):
        await asyncpg.connect(two.production_url)
