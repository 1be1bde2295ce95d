"""How does a PostgreSQL client get in?  One connection: TLS, login, then messages to its world."""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
from collections.abc import Callable
from typing import cast

from devinprod_proxy.errors import ClientFault, DevinprodError, Refusal
from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.codec import Frame, FrontendStream, Rows
from devinprod_proxy.pgwire.frontend import Cancel, GssRequest, SslRequest, Startup
from devinprod_proxy.pgwire.startup import Login, ServerStartup
from devinprod_proxy.server.sessions import Sessions
from devinprod_proxy.server.tls import ServerTls
from devinprod_proxy.server.users import Users
from devinprod_proxy.server.world import RunningWorld
from devinprod_proxy.session import events as e

log = logging.getLogger("devinprod")

LOGIN_SECONDS = 30.0
ANNOTATE = "devinprod.annotate"


class Postgres:
    """What all client connections of a proxy share."""

    def __init__(self, sessions: Sessions, users: Users, tls: ServerTls | None) -> None:
        self.sessions, self.users, self.tls = sessions, users, tls
        self.mock_secret = secrets.token_bytes(32)
        self.numbers = itertools.count(1)
        self.keys: dict[tuple[int, bytes], tuple[RunningWorld, int]] = {}
        self.connections: set[ClientProtocol] = set()

    def protocol(self, *, tls_required: bool) -> Callable[[], ClientProtocol]:
        """A factory for one listener's connections."""
        return lambda: ClientProtocol(self, tls_required=tls_required)


class ClientProtocol(asyncio.Protocol):
    """One client connection."""

    def __init__(self, shared: Postgres, *, tls_required: bool) -> None:
        self._shared = shared
        self._tls_required = tls_required
        self._stream = FrontendStream()
        self._startup: ServerStartup | None = None
        self._transport: asyncio.Transport | None = None
        self._secure = False
        self._upgrading = False
        self._world: RunningWorld | None = None
        self._entered: RunningWorld | None = None
        self._number = 0
        self._key: tuple[int, bytes] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._peer = "local"
        self._closing = False

    # asyncio's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by type
        self._shared.connections.add(self)
        if self._upgrading:
            return
        name = transport.get_extra_info("peername")
        if isinstance(name, tuple):
            self._peer = f"{name[0]}:{name[1]}"
        self._deadline = asyncio.get_running_loop().call_later(LOGIN_SECONDS, self._too_late)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        try:
            items = self._stream.feed(data)
            if self._world is not None:
                self._world.happened(e.ClientSent(self._number, items))  # type: ignore[arg-type]
                return
            for index, item in enumerate(items):
                self._before_login(item)
                if self._entered is not None:
                    if items[index + 1 :]:
                        self._entered.happened(e.ClientSent(self._number, items[index + 1 :]))  # type: ignore[arg-type]
                    return
        except DevinprodError as fault:
            self._refuse(fault.refusal)
        except Exception:
            log.exception("a client connection failed")
            self._refuse(Refusal("XX000", "devinprod failed; the operator's log says more", whose="operator"))

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._shared.connections.discard(self)
        self._closing = True
        if self._deadline is not None:
            self._deadline.cancel()
        if self._key is not None:
            self._shared.keys.pop(self._key, None)
        world, self._world = self._world, None
        if world is not None:
            world.leave(self._number)

    def pause_writing(self) -> None:
        if self._world is not None:
            self._world.client_slow(self._number, True)

    def resume_writing(self) -> None:
        if self._world is not None:
            self._world.client_slow(self._number, False)

    # Before the login is done.

    def _before_login(self, item: Startup | SslRequest | GssRequest | Cancel | Frame | Rows) -> None:
        if isinstance(item, SslRequest):
            self._tls()
        elif isinstance(item, GssRequest):
            self.write(b"N")
            self._stream.answered()
        elif isinstance(item, Cancel):
            self._cancel(item)
        elif isinstance(item, Rows):
            raise ClientFault("COPY data before the login", sqlstate="08P01")
        else:
            self._log_in(item)

    def _tls(self) -> None:
        tls = self._shared.tls
        if tls is None or self._secure:
            self.write(b"N")
            self._stream.answered()
            return
        self.write(b"S")
        self._upgrading = True
        asyncio.get_running_loop().create_task(self._upgrade(tls))

    async def _upgrade(self, tls: ServerTls) -> None:
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        self._transport.pause_reading()
        self._stream.answered()
        try:
            transport = await loop.start_tls(
                self._transport, self, tls.context, server_side=True, ssl_handshake_timeout=LOGIN_SECONDS
            )
        except (OSError, ConnectionError) as error:
            log.info("TLS with %s failed: %s", self._peer, error)
            self._closing = True
            self._transport.abort()
            return
        self._upgrading = False
        if transport is None:
            return
        self._transport = transport
        self._secure = True

    def _log_in(self, item: Startup | Frame) -> None:
        shared = self._shared
        if self._startup is None:
            tls = shared.tls
            self._startup = ServerStartup(
                shared.users.verifier,
                mock_secret=shared.mock_secret,
                certificate=tls.certificate if tls is not None and self._secure else None,
                tls_required=self._tls_required and not self._secure,
            )
        try:
            self.write(self._startup.handle(item))
        except ClientFault as fault:
            login = self._startup.login
            if fault.refusal.sqlstate == "28P01" and login is not None:
                shared.sessions.refused_logins += 1
                shared.sessions.record({"kind": "login.failed", "user": login.user, "peer": self._peer})
            raise
        if self._startup.done:
            assert self._startup.login is not None
            self._stream.authenticated()
            self._enter(self._startup.login)

    def _enter(self, login: Login) -> None:
        shared = self._shared
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        shared.sessions.logins += 1
        if not shared.sessions.accepting:
            raise ClientFault("the proxy is shutting down", sqlstate="57P03")
        settings = dict(login.settings)
        annotate = settings.pop(ANNOTATE, "off").lower() in ("on", "true", "1", "yes")
        reason = settings.pop("devinprod.reason", None)
        wanted = login.database if login.database_given else None
        targets = shared.sessions.targets
        if (
            wanted not in targets
            and len(targets) == 1
            and wanted in (login.user, f"{login.user}/{login.session}")
        ):
            wanted = None  # what a client sends that was told no database
        world = shared.sessions.world(login.user, login.session, wanted, reason)
        self._number = next(shared.numbers)
        secret = secrets.token_bytes(32 if login.long_cancel_keys else 4)
        key = (self._number, secret)
        self._key = key
        shared.keys[key] = (world, self._number)
        self._world = self._entered = world
        program = settings.get("application_name") or "client"
        event = e.ClientJoined(
            self._number,
            f"{program} {self._peer}",
            settings,
            messages.backend_key_data(*key),
            annotate,
        )
        world.join(self._number, self, event)

    def _cancel(self, item: Cancel) -> None:
        found = self._shared.keys.get((item.pid, bytes(item.key)))
        if found is not None:
            world, number = found
            world.happened(e.CancelAsked(number))
        self.finish()

    def _too_late(self) -> None:
        self._refuse(Refusal("08P01", "the login took too long"))

    def _refuse(self, refusal: Refusal) -> None:
        if self._transport is not None and not self._closing:
            self._transport.write(messages.error(messages.refusal_fields(refusal, "FATAL")))
        self.finish()

    # A world's side.

    def write(self, data: bytes) -> None:
        """Send bytes to the client."""
        if self._transport is not None and not self._closing and data:
            self._transport.write(data)

    def finish(self) -> None:
        """Close, once everything written has been sent."""
        self._closing = True
        if self._transport is not None:
            self._transport.close()

    def pause_reading(self) -> None:
        """Take no more from the client: upstream is slower than it."""
        if self._transport is not None and not self._closing and self._transport.is_reading():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if self._transport is not None and not self._closing and not self._transport.is_reading():
            self._transport.resume_reading()
