"""How are bytes exchanged with the target database?  One connection, opened by its dsn."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from devinprod_proxy import conninfo
from devinprod_proxy.errors import DevinprodError, UpstreamFault
from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.client_startup import ClientStartup, ssl_answer
from devinprod_proxy.pgwire.codec import BackendStream, Frame, Rows
from devinprod_proxy.server.tls import ClientTls, client_tls

CONNECT_TIMEOUT = 10.0
PROTOCOL_3_2 = 3 << 16 | 2


@dataclass(frozen=True, slots=True)
class Destination:
    """Where and as whom to log in, and the settings that the connection starts with.

    ``settings`` go as startup options: unlike SET they survive RESET ALL, and none of them, the
    mask key among them, shows in pg_settings, pg_stat_activity or the process title.
    """

    dsn: str = field(repr=False)
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)

    def resolved(self) -> dict[str, str]:
        """The dsn with all that libpq would add. Raises UpstreamFault where it cannot be read."""
        try:
            return conninfo.resolve(self.dsn)
        except ValueError as error:
            raise UpstreamFault(f"the target's dsn cannot be used: {error}", sqlstate="08001") from None


def startup_options(settings: Mapping[str, str]) -> str:
    """Settings as the ``options`` of a startup packet (manual 54.2.1): blanks and backslashes escaped.

    >>> startup_options({"search_path": "a, b"})
    '-c search_path=a,\\\\ b'
    """
    words = []
    for name, value in settings.items():
        escaped = re.sub(r"([\s\\])", r"\\\1", value)
        words.append(f"-c {name}={escaped}")
    return " ".join(words)


class UpstreamProtocol(asyncio.Protocol):
    """A logged-in connection: messages in whole, bytes out."""

    def __init__(
        self,
        received: Callable[[list[Frame | Rows]], None],
        lost: Callable[[str], None],
        paused: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._received, self._lost, self._paused = received, lost, paused
        self._stream = BackendStream()
        self._startup: ClientStartup | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._login: asyncio.Future[None] | None = None
        self.transport: asyncio.Transport | None = None
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by type

    def data_received(self, data: bytes) -> None:
        if self._answer is not None:
            if not self._answer.done():
                self._answer.set_result(data)
            return
        try:
            items = self._stream.feed(data)
            if self._startup is not None and not self._startup.done:
                items = self._log_in(items)
        except DevinprodError as fault:
            self._fail(fault)
            return
        if items:
            self._received(items)

    def _log_in(self, items: list[Frame | Rows]) -> list[Frame | Rows]:
        assert self._startup is not None
        assert self.transport is not None
        for index, item in enumerate(items):
            if isinstance(item, Rows):
                raise UpstreamFault("rows came during the login", sqlstate="08P01")
            reply = self._startup.handle(item)
            if reply:
                self.transport.write(reply)
            if self._startup.done:
                if self._login is not None and not self._login.done():
                    self._login.set_result(None)
                return items[index + 1 :]
        return []

    def _fail(self, fault: DevinprodError) -> None:
        if self._login is not None and not self._login.done():
            self._login.set_exception(fault)
        elif not self.closed:
            self.closed = True
            self._lost(str(fault))
        if self.transport is not None:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        fault = UpstreamFault(f"the target database closed the connection{'' if exc is None else f': {exc}'}")
        for waiting in (self._answer, self._login):
            if waiting is not None and not waiting.done():
                waiting.set_exception(fault)
                self.closed = True
        if not self.closed:
            self.closed = True
            self._lost("the target database closed the connection")

    def pause_writing(self) -> None:
        self._paused(True)

    def resume_writing(self) -> None:
        self._paused(False)

    def write(self, data: bytes) -> None:
        """Send bytes; nothing happens once the connection is closed."""
        if self.transport is not None and not self.closed:
            self.transport.write(data)

    def close(self) -> None:
        """Drop the connection: PostgreSQL rolls back what was open."""
        self.closed = True
        if self.transport is not None:
            self.transport.abort()

    async def ask_for_tls(self) -> bool:
        """SSLRequest; True when the server goes on with TLS."""
        assert self.transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(messages.ssl_request())
        answer = await self._answer
        self._answer = None
        return ssl_answer(answer)

    async def log_in(self, startup: ClientStartup) -> None:
        """Go through the login. Raises UpstreamFault in the server's own words."""
        assert self.transport is not None
        self._startup = startup
        self._login = asyncio.get_running_loop().create_future()
        self.transport.write(startup.first())
        await self._login

    @property
    def startup(self) -> ClientStartup:
        """The finished login: parameters and cancel key."""
        assert self._startup is not None
        return self._startup


async def connect(destination: Destination, protocol: UpstreamProtocol) -> None:
    """Connect and log in. Raises UpstreamFault, with a sentence for a person and no secret in it."""
    settings = destination.resolved()
    try:
        tls = client_tls(settings)
        async with asyncio.timeout(float(settings.get("connect_timeout") or CONNECT_TIMEOUT)):
            certificate = await _open(settings, tls, protocol)
            params = {
                "user": settings["user"],
                "database": settings["dbname"],
                "application_name": "devinprod",
                "client_encoding": "UTF8",
            }
            if destination.settings:
                params["options"] = startup_options(destination.settings)
            binding = settings.get("channel_binding", "prefer")
            startup = ClientStartup(
                params,
                password=settings.get("password"),
                private=certificate is not None or settings["host"].startswith(("/", "@")),
                certificate=certificate,
                channel_binding="require"
                if binding == "require"
                else "disable"
                if binding == "disable"
                else "prefer",
            )
            await protocol.log_in(startup)
    except UpstreamFault:
        protocol.close()
        raise
    except TimeoutError:
        protocol.close()
        raise UpstreamFault("the target database did not answer in time", sqlstate="08001") from None
    except (OSError, ssl.SSLError) as error:
        protocol.close()
        text = getattr(error, "strerror", None) or str(error)
        raise UpstreamFault(f"the target database cannot be reached: {text}", sqlstate="08001") from None


async def _open(settings: Mapping[str, str], tls: ClientTls, protocol: UpstreamProtocol) -> bytes | None:
    """Open the transport; gives the server's certificate (DER) where TLS is on."""
    loop = asyncio.get_running_loop()
    host = settings.get("hostaddr") or settings["host"]
    port = int(settings["port"])
    if host.startswith(("/", "@")):
        path = ("\0" + host[1:] if host.startswith("@") else host) + f"/.s.PGSQL.{port}"
        await loop.create_unix_connection(lambda: protocol, path)
        return None
    await loop.create_connection(lambda: protocol, host, port)
    if tls.context is None:
        return None
    assert protocol.transport is not None
    if not await protocol.ask_for_tls():
        if tls.required:
            raise UpstreamFault(
                "the target database does not support TLS, which the dsn requires", sqlstate="08001"
            )
        return None
    transport = await loop.start_tls(
        protocol.transport, protocol, tls.context, server_hostname=tls.hostname or ""
    )
    assert transport is not None
    protocol.transport = transport
    shown = transport.get_extra_info("ssl_object")
    certificate: bytes | None = shown.getpeercert(binary_form=True) if shown is not None else None
    return certificate or b""


async def cancel(destination: Destination, pid: int, key: bytes) -> None:
    """Send a CancelRequest and wait until the server has taken it, which it shows by closing."""
    settings = destination.resolved()
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def lost(_: str) -> None:
        if not done.done():
            done.set_result(None)

    protocol = UpstreamProtocol(lambda _: None, lost)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await _open(settings, client_tls(settings), protocol)
            protocol.write(messages.cancel_request(pid, key))
            await done
    except (OSError, TimeoutError, UpstreamFault):
        pass  # the statement ends by itself or by its time limit
    finally:
        protocol.close()
