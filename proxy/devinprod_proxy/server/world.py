"""How does a world's machine meet sockets, files and clocks?  Events in, commands performed in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Protocol

from devinprod_proxy.errors import AuditUnavailable, Refusal, UpstreamFault
from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.codec import Frame, Rows
from devinprod_proxy.server.audit_file import AuditFile
from devinprod_proxy.server.upstream import Destination, UpstreamProtocol, cancel, connect
from devinprod_proxy.session import commands as c
from devinprod_proxy.session import events as e
from devinprod_proxy.session.machine import Machine, State

log = logging.getLogger("devinprod")

INBOX_BYTES = 8 << 20
"""How much of one client waits here; what it sends beyond waits in its socket. More than ends a unit."""


class ClientConnection(Protocol):
    """What a world needs of a client's connection."""

    def write(self, data: bytes) -> None: ...
    def finish(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class RunningWorld:
    """A machine at work. All of it runs in one event loop, so an event is handled whole."""

    def __init__(
        self,
        machine: Machine,
        destination: Destination,
        audit: AuditFile,
        *,
        ended: Callable[[RunningWorld], None],
        publish: Callable[[str, dict[str, object]], None],
    ) -> None:
        self.machine = machine
        self._destination = destination
        self._audit = audit
        self._ended, self._publish = ended, publish
        self.clients: dict[int, ClientConnection] = {}
        self._upstream: UpstreamProtocol | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slow: set[int] = set()
        self._full: set[int] = set()
        self._paused_until = 0.0
        self._busy = False
        self._queue: list[e.Event] = []
        self._settling: list[asyncio.Future[None]] = []

    # Events.

    def happened(self, event: e.Event) -> None:
        """Let the machine handle *event* and perform what it wants done."""
        if self._busy:  # performing a command led to an event: it waits its turn
            self._queue.append(event)
            return
        self._busy = True
        try:
            self._handle(event)
            while self._queue:
                self._handle(self._queue.pop(0))
        finally:
            self._busy = False

    def _handle(self, event: e.Event) -> None:
        try:
            commands = self.machine.handle(event, time.monotonic(), time.time())
        except Exception:
            # A fault of ours must cost one session, not the proxy; and nothing of it can have lasted.
            log.exception("session %s failed", self.machine.identity.session)
            self._queue.clear()
            self._give_up()
            return
        if type(event) is e.ClientSent and self._is_full(event.client):
            self._full.add(event.client)
            if (connection := self.clients.get(event.client)) is not None:
                connection.pause_reading()
        for command in commands:
            if not self._perform(command):
                break
        if self._full:
            self._read_on()
        if self._slow:
            self._regulate()
        if self.machine.state not in (State.OPENING, State.PREPARING):
            for waiting in self._settling:
                if not waiting.done():
                    waiting.set_result(None)
            self._settling.clear()

    async def settled(self, seconds: float = 20.0) -> None:
        """Wait while the world is being opened. Raises TimeoutError."""
        if self.machine.state in (State.OPENING, State.PREPARING):
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._settling.append(waiting)
            await asyncio.wait_for(waiting, seconds)

    def _is_full(self, number: int) -> bool:
        client = self.machine.clients.get(number)
        return client is not None and client.inbox_bytes > INBOX_BYTES

    def _read_on(self) -> None:
        for number in [n for n in self._full if not self._is_full(n)]:
            self._full.discard(number)
            if (connection := self.clients.get(number)) is not None:
                connection.resume_reading()

    def join(self, number: int, connection: ClientConnection, event: e.ClientJoined) -> None:
        """A client has logged in."""
        self.clients[number] = connection
        self.happened(event)

    def leave(self, number: int) -> None:
        """A client's connection is gone."""
        self.clients.pop(number, None)
        self.client_slow(number, False)
        self.happened(e.ClientLeft(number))

    def client_slow(self, number: int, slow: bool) -> None:
        """A client does not read what is sent to it (or does again): upstream waits with it."""
        (self._slow.add if slow else self._slow.discard)(number)
        self._regulate()

    def _regulate(self) -> None:
        upstream = self._upstream
        if upstream is None or upstream.transport is None or upstream.closed:
            return
        active = self.machine.active
        slow = active is not None and active.client.id in self._slow  # nobody waits for another's client
        wait = slow or time.monotonic() < self._paused_until
        if wait and upstream.transport.is_reading():
            upstream.transport.pause_reading()
        elif not wait and not upstream.transport.is_reading():
            upstream.transport.resume_reading()

    def _upstream_slow(self, slow: bool) -> None:
        for number, connection in self.clients.items():
            if number not in self._full:
                (connection.pause_reading if slow else connection.resume_reading)()

    # Commands.

    def _perform(self, command: c.Command) -> bool:
        """Perform one command; False: what stands behind it must not happen."""
        match command:
            case c.SendToClient():
                connection = self.clients.get(command.client)
                if connection is not None:
                    connection.write(command.data)
            case c.SendUpstream():
                if self._upstream is not None:
                    self._upstream.write(command.data)
            case c.Record():
                return self._record(command)
            case c.CloseClient():
                connection = self.clients.pop(command.client, None)
                if connection is not None:
                    connection.finish()
                self.client_slow(command.client, False)
            case c.OpenUpstream():
                self._start(self._open())
            case c.CloseUpstream():
                if self._upstream is not None:
                    self._upstream.close()
                    self._upstream = None
            case c.CancelUpstream():
                self._start(self._cancel())
            case c.SetTimer():
                self._stop_timer(command.name)
                loop = asyncio.get_running_loop()
                self._timers[command.name] = loop.call_later(command.seconds, self._fire, command.name)
            case c.StopTimer():
                self._stop_timer(command.name)
            case c.PauseUpstream():
                self._pause(command.seconds)
            case c.Publish():
                self._publish(command.topic, dict(command.data))
            case c.WorldEnded():
                self.stop()
                self._ended(self)
        return True

    def _record(self, command: c.Record) -> bool:
        try:
            self._audit.append(command.fields)
        except AuditUnavailable as fault:
            if command.promised:
                self._queue.append(e.AuditFailed(fault.refusal.message, fault.refusal.hint))
                return False
            log.error("audit: %s", fault)
        return True

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self) -> None:
        protocol: UpstreamProtocol

        def received(items: list[Frame | Rows]) -> None:
            if self._upstream is protocol:
                self.happened(e.UpstreamReceived(items))

        def lost(reason: str) -> None:
            if self._upstream is protocol:
                self._upstream = None
                self.happened(e.UpstreamLost(reason))

        protocol = UpstreamProtocol(received, lost, self._upstream_slow)
        self._upstream = protocol
        try:
            await connect(self._destination, protocol)
        except UpstreamFault as fault:
            if self._upstream is protocol:
                self._upstream = None
                self.happened(e.UpstreamLost(fault.refusal.message, fault.refusal.sqlstate))
            return
        if self._upstream is protocol:
            self.happened(e.UpstreamOpened(protocol.startup.parameters))

    async def _cancel(self) -> None:
        upstream = self._upstream
        if upstream is not None:
            await cancel(self._destination, *upstream.startup.backend_key)
        self.happened(e.CancelDelivered())

    def _fire(self, name: str) -> None:
        self._timers.pop(name, None)
        self.happened(e.TimerFired(name))

    def _stop_timer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def _pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)
        self._stop_timer("_resume")
        loop = asyncio.get_running_loop()
        left = self._paused_until - time.monotonic()
        self._timers["_resume"] = loop.call_later(max(left, 0) + 0.001, self._regulate)
        self._regulate()

    def _give_up(self) -> None:
        refusal = Refusal(
            "XX000",
            "devinprod failed: this session is closed, and nothing of it was committed",
            "The operator's log says more. Connect again to open a new session.",
            whose="operator",
        )
        self.machine.state = State.ENDED
        for connection in list(self.clients.values()):
            connection.write(messages.error(messages.refusal_fields(refusal, "FATAL")))
        self.stop()
        self._ended(self)

    def stop(self) -> None:
        """Let go of everything: the upstream connection, timers, clients."""
        for name in list(self._timers):
            self._stop_timer(name)
        if self._upstream is not None:
            self._upstream.close()
            self._upstream = None
        for connection in list(self.clients.values()):
            connection.finish()
        self.clients.clear()
