"""How do a production database and its writable copy come to stand on this machine?

A primary and a *writable logical replica* of it: PostgreSQL's own pg_createsubscriber turns a
physical copy into a subscriber, so the copy has the same object numbers, indexes and statistics,
follows production, and takes writes. Everything lives in one temp folder that :meth:`Cluster.stop`
removes; a killed launcher is tidied up after by :mod:`devinprod_proxy.demo.guardian`.

Superuser ``postgres`` and the login roles have random passwords (SCRAM over TCP); only the owner
of the temp folder can reach the sockets in it.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from devinprod_proxy.demo.account import new_folder, postgres_account
from devinprod_proxy.demo.binaries import OLDEST_FOR_COPIES, Binaries, find_postgres, reachable
from devinprod_proxy.demo.guardian import GUARD
from devinprod_proxy.demo.process import AdoptedChildren, Server, ServerFailed, run_tool
from devinprod_proxy.demo.stopping import held

Which = Literal["primary", "replica"]
Connection = psycopg.Connection[Any]
Fill = Callable[[Connection], None]

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "wal_level": "logical",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A copy that is thrown away: nothing has to survive a power cut.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "jit": "off",
}

_HBA = """\
local all         postgres              trust
local replication postgres              trust
local all         all                   scram-sha-256
host  all         all      127.0.0.1/32 scram-sha-256
host  all         all      ::1/128      scram-sha-256
"""

# A subscriber's sequences do not follow production's, so its first inserts would meet production's
# next ones. Far above, they do not: bigint by 10^9, smaller types in their upper half.
_MOVE_SEQUENCES = """
SELECT pg_catalog.setval(pg_catalog.format('%I.%I', schemaname, sequencename)::regclass,
         CASE WHEN data_type = 'bigint'::regtype AND max_value > 4000000000
              THEN COALESCE(last_value, start_value) + 1000000000
              ELSE GREATEST(COALESCE(last_value, start_value), max_value / 2 + 1) END)
FROM pg_catalog.pg_sequences
WHERE increment_by > 0 AND NOT cycle AND schemaname NOT LIKE 'pg\\_%' AND schemaname <> 'information_schema'
"""


def free_port() -> int:
    """A TCP port of the loopback address on which nothing listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """A primary and a writable replica with the same contents.

    *fill* is SQL text, or a function that gets a superuser's connection to the new database on the
    primary, before the copy is made. *logins* are roles to create with a password. Raises
    :class:`~devinprod_proxy.demo.binaries.NoPostgres` or
    :class:`~devinprod_proxy.demo.process.ServerFailed`; then nothing is left running.

    >>> with Cluster("CREATE TABLE t (id int PRIMARY KEY)") as cluster:  # doctest: +SKIP
    ...     psycopg.connect(cluster.replica_dsn).execute("TABLE t").fetchall()
    []
    """

    def __init__(
        self,
        fill: str | Fill | None = None,
        *,
        database: str = "shop",
        logins: Iterable[str] = (),
        with_replica: bool = True,
        binaries: Binaries | None = None,
        settings: Mapping[str, str] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self.database = database
        self._fill = fill
        self._with_replica = with_replica
        self._binaries = binaries
        self._settings = {**_SETTINGS, **(settings or {})}
        self._passwords = {name: secrets.token_urlsafe(16) for name in ("postgres", *logins)}
        self._progress = progress or (lambda _step: None)
        self._account = postgres_account()
        self._folder: Path | None = None
        self._servers: dict[Which, Server] = {}

    # -- where it is -------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """The temp folder that holds all of it."""
        if self._folder is None:
            raise RuntimeError("the cluster is not started")
        return self._folder

    @property
    def primary_dsn(self) -> str:
        """The primary, directly, as superuser (key=value form, password inside)."""
        return self.dsn("primary")

    @property
    def replica_dsn(self) -> str:
        """The writable replica, directly, as superuser (key=value form, password inside)."""
        return self.dsn("replica")

    def dsn(self, which: Which, user: str = "postgres") -> str:
        """The connection string of one of the login roles for one of the two servers."""
        port = self._servers[which].port
        return make_conninfo(
            host="127.0.0.1", port=port, dbname=self.database, user=user, password=self._passwords[user]
        )

    def url(self, which: Which, user: str = "postgres") -> str:
        """The same as :meth:`dsn` in the URL form, which more programs read."""
        port, password = self._servers[which].port, self._passwords[user]
        return f"postgresql://{quote(user)}:{quote(password)}@127.0.0.1:{port}/{quote(self.database)}"

    def pids(self) -> list[int]:
        """The process numbers of the servers that run."""
        return [server.pid for server in self._servers.values() if server.pid is not None]

    def running(self) -> bool:
        """Whether every server that was started still runs."""
        return all(server.running for server in self._servers.values())

    # -- start and stop ----------------------------------------------------------------------

    def __enter__(self) -> Cluster:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Make both servers and wait until the replica follows the primary."""
        found = self._binaries or find_postgres(OLDEST_FOR_COPIES if self._with_replica else 14)
        with held():
            self._folder = folder = new_folder("devinprod-pg-", self._account)
            GUARD.folder(folder)
        try:
            binaries = reachable(found, self._account, folder)
            self._start_primary(binaries, folder)
            self._progress(f"primary: PostgreSQL {binaries.version}, filled")
            if self._with_replica:
                self._start_replica(binaries, folder)
                self._progress("writable replica: follows the primary")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End both servers and remove the folder. Safe to call again."""
        for server in reversed(self._servers.values()):
            server.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            GUARD.forget_folder(self._folder)
        self._folder = None

    def wait_until_caught_up(self, timeout: float = 30) -> None:
        """Wait until the replica has applied all that the primary has committed so far."""
        with psycopg.connect(self.primary_dsn, autocommit=True) as primary:
            self._until(
                primary,
                "SELECT bool_and(COALESCE(confirmed_flush_lsn >= %s, false)) FROM pg_replication_slots"
                " WHERE slot_type = 'logical'",
                primary.execute("SELECT pg_current_wal_insert_lsn()").fetchone() or (),
                timeout,
            )

    # -- steps -------------------------------------------------------------------------------

    def _server(self, which: Which, binaries: Binaries, folder: Path) -> Server:
        data, log = folder / which, folder / f"{which}.log"
        return Server(binaries, data, free_port(), account=self._account, log=log, home=folder)

    def _tool(self, binaries: Binaries, name: str, *arguments: str) -> str:
        return run_tool(binaries, name, *arguments, account=self._account, home=self.folder)

    def _start_primary(self, binaries: Binaries, folder: Path) -> None:
        sockets = folder / "sockets"
        sockets.mkdir(mode=0o700)
        if self._account is not None:
            self._account.own(sockets)
        server = self._server("primary", binaries, folder)
        self._servers["primary"] = server
        self._tool(
            binaries, "initdb", "-D", str(server.data), "-U", "postgres", "-A", "trust", "-E", "UTF8",
            "--locale=C.UTF-8", "--no-sync", "--no-instructions",
        )  # fmt: skip
        settings = {**self._settings, "unix_socket_directories": str(sockets), "port": str(server.port)}
        _append(server.data / "postgresql.conf", settings)
        (server.data / "pg_hba.conf").write_text(_HBA)
        server.start()
        socket_dsn = make_conninfo(host=str(sockets), port=server.port, user="postgres", dbname="postgres")
        with psycopg.connect(socket_dsn, autocommit=True) as connection:
            for role, password in self._passwords.items():
                verb = "ALTER" if role == "postgres" else "CREATE"
                connection.execute(
                    sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                        sql.SQL(verb), sql.Identifier(role), sql.Literal(password)
                    )
                )
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database)))
        if self._fill is not None:
            with psycopg.connect(socket_dsn, dbname=self.database) as connection:
                if callable(self._fill):
                    self._fill(connection)
                else:
                    connection.execute(self._fill.encode())

    def _start_replica(self, binaries: Binaries, folder: Path) -> None:
        primary, sockets = self._servers["primary"], str(folder / "sockets")
        server = self._server("replica", binaries, folder)
        self._servers["replica"] = server
        self._tool(
            binaries, "pg_basebackup", "-D", str(server.data), "-h", sockets, "-p", str(primary.port),
            "-U", "postgres", "-R", "-X", "stream", "-c", "fast", "--no-sync",
        )  # fmt: skip
        _append(server.data / "postgresql.conf", {"port": str(server.port)})
        publisher = make_conninfo(host=sockets, port=primary.port, user="postgres", dbname=self.database)
        with AdoptedChildren():
            self._tool(
                binaries, "pg_createsubscriber", "-D", str(server.data), "-P", publisher, "-d", self.database,
                "-U", "postgres", "-s", sockets, "-p", str(free_port()), "--publication=devinprod",
                "--subscription=devinprod", "--replication-slot=devinprod", "-t", "60",
            )  # fmt: skip
        server.start()
        with psycopg.connect(self.replica_dsn, autocommit=True) as replica:
            replica.execute(_MOVE_SEQUENCES)
            self._until(replica, "SELECT bool_and(latest_end_lsn IS NOT NULL) FROM pg_stat_subscription")
        self.wait_until_caught_up()

    def _until(
        self, connection: Connection, query: str, parameters: tuple[object, ...] = (), timeout: float = 30
    ) -> None:
        deadline = time.monotonic() + timeout
        while connection.execute(query.encode(), parameters).fetchone() != (True,):
            if time.monotonic() > deadline:
                raise ServerFailed(f"the replica does not follow the primary after {timeout:.0f} s")
            time.sleep(0.01)


def _append(file: Path, settings: Mapping[str, str]) -> None:
    # The last value of a setting in the file is the one that counts.
    with file.open("a") as text:
        for name, value in settings.items():
            text.write(f"{name} = '{value}'\n")
