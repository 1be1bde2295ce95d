"""Where does a database connection of this kernel lead?

After ``%devinprod use`` to the session: whatever address the code gives, it becomes the proxy's, with
``user/session`` as the user. What cannot lead there (another database, a raw socket to the database's port)
is refused. After ``%devinprod end`` everything is refused: nothing falls back to production.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from devinprod_jupyter.errors import WouldBypass

__all__ = ["Fence"]

#: What stays of a connection's own parameters. The rest says where and as whom, which is ours to say.
KEPT = {
    "application_name",
    "client_encoding",
    "connect_timeout",
    "fallback_application_name",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "options",
    "tcp_user_timeout",
}
#: libpq reads these where a connection does not say; they could lead past an address that is given.
MISLEADING = (
    "PGHOSTADDR",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGPASSFILE",
    "PGTARGETSESSIONATTRS",
    "PGREQUIREAUTH",
    "PGCHANNELBINDING",
)
LIBPQ_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "dbname": "PGDATABASE",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}
DEFAULT_PORT = 5432


class Fence:
    """What decides for all drivers of the process (drivers.py asks it).

    `point` opens the way into a session, `shut` closes it; there is no way back to direct connections but a
    new kernel.
    """

    def __init__(self) -> None:
        self.session: str | None = None
        self.up = False
        self._parameters: dict[str, str] = {}
        self._databases: dict[str, None] = {}
        self._others: set[str] = set()
        self._origins: dict[tuple[str, int], set[str] | None] = {}
        self._hook = False

    # -- up and down ---------------------------------------------------------------------------------------

    def point(self, session: str, parameters: Mapping[str, str], also: Sequence[str] = ()) -> None:
        """Send everything into `session`; `parameters` are libpq's for it."""
        self.session, self._parameters = session, dict(parameters)
        self._parameters.setdefault("sslmode", "prefer")
        self._others |= set(also)
        self.up = True
        self._watch_sockets()
        self._set_environment(os.environ)

    def shut(self) -> None:
        """From now on every connection is refused."""
        self.session, self._parameters = None, {}

    @property
    def database(self) -> str | None:
        """The database that the code asks for and the session stands for; None before that."""
        return next(iter(self._databases), None)

    # -- the ways in ---------------------------------------------------------------------------------------

    def libpq(self, said: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
        """A connection's parameters, in libpq's names, as they lead into the session.

        Raises WouldBypass where they cannot.
        """
        if not self.up or self.is_session(said):
            return dict(said)
        user = said.get("user") or environ.get("PGUSER", "")
        self._admit(
            str(said.get("dbname") or environ.get("PGDATABASE") or user),
            str(said.get("host") or said.get("hostaddr") or environ.get("PGHOST") or "localhost"),
            str(said.get("port") or environ.get("PGPORT") or DEFAULT_PORT),
        )
        return {**{key: value for key, value in said.items() if key in KEPT}, **self._parameters}

    def asyncpg(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """The same for the keyword arguments of asyncpg.connect."""
        if not self.up:
            return dict(said)
        parts = urlsplit(said.get("dsn") or "")
        query = dict(parse_qsl(parts.query))
        environ = os.environ
        libpq = {
            "host": said.get("host") or parts.hostname or query.get("host"),
            "port": said.get("port") or port_of(parts) or query.get("port"),
            "user": said.get("user") or unquote(parts.username or "") or query.get("user"),
            "dbname": said.get("database") or unquote(parts.path.lstrip("/")) or query.get("dbname"),
        }
        if libpq["user"] and not libpq["dbname"]:
            libpq["dbname"] = environ.get("PGDATABASE") or libpq["user"]
        ours = self.libpq(libpq)
        settings = dict(said.get("server_settings") or {})
        if query.get("application_name"):
            settings.setdefault("application_name", query["application_name"])
        changed = {
            "dsn": None,
            "host": ours["host"],
            "port": int(ours["port"]),
            "user": ours["user"],
            "password": self._parameters.get("password"),
            "database": ours.get("dbname"),
            "passfile": None,
            "service": None,
            "servicefile": None,
            "ssl": self._parameters["sslmode"],
            "direct_tls": False,
            "target_session_attrs": None,
            "server_settings": settings or None,
        }
        return {**said, **{key: value for key, value in changed.items() if key in said}}

    def url(self, text: str) -> str:
        """A database URL, of any driver, as it leads into the session."""
        parts = urlsplit(text)
        user, password = (
            quote(self._parameters["user"], safe=""),
            quote(self._parameters.get("password", ""), safe=""),
        )
        host = self._parameters["host"]
        place = f"{user}:{password}@{'[' + host + ']' if ':' in host else host}:{self._parameters['port']}"
        kept = [(key, value) for key, value in parse_qsl(parts.query) if key in KEPT]
        path = f"/{quote(self._parameters.get('dbname') or parts.path.lstrip('/'), safe='')}"
        return urlunsplit((parts.scheme, place, path, urlencode(kept), ""))

    def is_session(self, said: Mapping[str, Any]) -> bool:
        """Whether these parameters lead into the session already."""
        return self.session is not None and all(
            str(said.get(key)) == self._parameters[key] for key in ("host", "port", "user")
        )

    def is_session_asyncpg(self, connection: Any) -> bool:
        """The same for an open asyncpg connection."""
        address = getattr(connection, "_addr", None)
        user = getattr(getattr(connection, "_params", None), "user", None)
        if not isinstance(address, tuple):
            return False
        return self.is_session({"host": address[0], "port": address[1], "user": user})

    def _admit(self, database: str, host: str, port: str) -> None:
        if self.session is None:
            raise WouldBypass(
                "This kernel is connected to no session, so this connection would go past devinprod.",
                hint="%devinprod connect NAME; only a new kernel connects directly again.",
            )
        for one, at in zip(
            host.split(","), (port.split(",") * len(host.split(",")))[: len(host.split(","))], strict=True
        ):
            self._origins.setdefault((one, int(at) if at.isdigit() else DEFAULT_PORT), None)
        known = self._databases.keys() | self._others | {self._parameters.get("dbname", "")}
        if self._databases and database not in known:
            raise WouldBypass(
                f"The code also connects to a database called {database!r}, and {self.session} stands for "
                f"{self.database!r}: what is meant for the one would run in the other.",
                hint=f"If both are one database: %devinprod use --database {database}",
            )
        self._databases[database] = None

    # -- what a driver does not go through -----------------------------------------------------------------

    def _set_environment(self, environ: MutableMapping[str, str]) -> None:
        """libpq's variables and database URLs, for child processes and for drivers that read them."""
        for name in MISLEADING:
            environ.pop(name, None)
        urls = {
            n: urlsplit(v)
            for n, v in environ.items()
            if not n.startswith("DEVINPROD_") and _is_database_url(v)
        }
        # Two databases cannot both be the session: then each keeps its URL, and the drivers refuse one by its
        # name.
        if len({unquote(parts.path.lstrip("/")) for parts in urls.values()}) == 1:
            for name, parts in urls.items():
                user = unquote(parts.username or "").partition("/")[0]
                if parts.hostname and user != self._parameters["user"].partition("/")[0]:
                    self._origins.setdefault((parts.hostname, port_of(parts) or DEFAULT_PORT), None)
                environ[name] = self.url(parts.geturl())
        for key, name in LIBPQ_VARIABLES.items():
            if self._parameters.get(key):
                environ[name] = self._parameters[key]

    def _watch_sockets(self) -> None:
        if not self._hook:
            self._hook = True
            sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "socket.connect" or not self.up:
            return
        address = arguments[1]
        if isinstance(address, tuple) and len(address) >= 2:
            host, port = str(address[0]), address[1]
            if (host, str(port)) == (self._parameters.get("host"), self._parameters.get("port")):
                return
            bypass = port == DEFAULT_PORT or any(
                port == known and host in self._addresses(name, known) for name, known in list(self._origins)
            )
        else:
            bypass = ".s.PGSQL." in str(address) and not str(address).startswith(
                self._parameters.get("host", "//")
            )
        if bypass and not _ours(address, self._parameters):
            raise WouldBypass(
                "This connection would reach the database past devinprod.",
                hint="Use psycopg, psycopg2 or asyncpg in this kernel: their connections go to the session.",
            )

    def _addresses(self, host: str, port: int) -> set[str]:
        found = self._origins.get((host, port))
        if found is None:
            self._origins[host, port] = found = {host}
            with contextlib.suppress(OSError):
                found |= {str(info[4][0]) for info in socket.getaddrinfo(host, port)}
        return found


def _ours(address: Any, parameters: Mapping[str, str]) -> bool:
    """Whether a socket address is the proxy's, by number instead of name."""
    if not isinstance(address, tuple) or str(address[1]) != parameters.get("port"):
        return False
    try:
        infos = socket.getaddrinfo(parameters["host"], int(parameters["port"]))
    except OSError:
        return False
    return str(address[0]) in {str(info[4][0]) for info in infos}


def port_of(parts: Any) -> int | None:
    try:
        return int(parts.port) if parts.port else None
    except ValueError:
        return None


def _is_database_url(value: str) -> bool:
    return (
        value.partition("://")[0].partition("+")[0] in {"postgres", "postgresql", "asyncpg"}
        and "://" in value
    )
