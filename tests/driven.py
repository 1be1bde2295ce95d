"""A world's machine without sockets: frames of clients in, frames to clients out, and a scripted upstream.

The upstream speaks PostgreSQL's protocol and keeps its rules about errors, savepoints, prepared
statements and portals; what statements do it does not know. ``fail`` maps a word to the SQLSTATE
with which every statement that contains it fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from devinprod_proxy.pgwire import backend as b
from devinprod_proxy.pgwire import frontend as f
from devinprod_proxy.pgwire.codec import BackendStream, Frame, FrontendStream, Rows
from devinprod_proxy.pgwire.kinds import Backend, Frontend
from devinprod_proxy.policy.model import Policy
from devinprod_proxy.session import commands as c
from devinprod_proxy.session import events as e
from devinprod_proxy.session.budget import Budget
from devinprod_proxy.session.limits import Limits
from devinprod_proxy.session.machine import Identity, Machine
from devinprod_proxy.sql.catalog import Catalog
from devinprod_proxy.sql.rewrite import Rewriter

PARAMETERS = {
    "client_encoding": "UTF8", "DateStyle": "ISO, MDY", "TimeZone": "UTC", "server_version": "18.4",
    "standard_conforming_strings": "on", "default_transaction_read_only": "off", "search_path": "public",
}  # fmt: skip
NUMBER = b.Column("n", 0, 0, 23, 4, -1, 0)


def logged_in() -> FrontendStream:
    """A client's side of the codec, past the login."""
    stream = FrontendStream()
    stream.feed(f.startup(3 << 16, {"user": "ann"}))
    stream.authenticated()
    return stream


@dataclass
class Upstream:
    """The scripted server: bytes in, bytes out."""

    fail: dict[str, str] = field(default_factory=dict)
    cancel: set[str] = field(default_factory=set)
    """The next statement with such a word in it is cancelled."""
    statements: dict[str, str] = field(default_factory=dict)
    portals: dict[str, str] = field(default_factory=dict)
    savepoints: list[str] = field(default_factory=list)
    executed: list[str] = field(default_factory=list)
    parsed: list[str] = field(default_factory=list)
    aborted: bool = False
    skipping: bool = False
    copying: bool = False
    stream: FrontendStream = field(default_factory=logged_in)

    def answer(self, data: bytes) -> bytes:
        """What a server sends back."""
        return b"".join(self._item(item) for item in self.stream.feed(data))  # type: ignore[arg-type]

    def _item(self, item: Frame | Rows) -> bytes:
        if isinstance(item, Rows) or item.kind in (Frontend.COPY_DONE, Frontend.COPY_FAIL):
            if not self.copying or isinstance(item, Rows):
                return b""
            self.copying = False
            return b.command_complete("COPY 1") if item.kind == Frontend.COPY_DONE else self._error("57014")
        if item.kind == Frontend.SYNC and not self.copying:
            self.skipping = False
            return b.ready(b"E" if self.aborted else b"T")
        if self.skipping or self.copying:
            return b""
        return self._extended(item)

    def _extended(self, item: Frame) -> bytes:
        if item.kind == Frontend.PARSE:
            parse = f.parse_parse(item.body)
            text = parse.query.decode()
            self.parsed.append(text)
            if self.aborted and not text.startswith("ROLLBACK"):
                return self._error("25P02")
            if parse.name and parse.name in self.statements:
                return self._error("42P05")
            self.statements[parse.name] = text
            return b.parse_complete()
        if item.kind == Frontend.BIND:
            bind = f.parse_bind(item.body)
            if bind.statement not in self.statements:
                return self._error("26000")
            if bind.portal and bind.portal in self.portals:
                return self._error("42P03")
            self.portals[bind.portal] = self.statements[bind.statement]
            return b.bind_complete()
        if item.kind == Frontend.DESCRIBE:
            kind, name = f.parse_describe(item.body)
            known = self.statements if kind == "S" else self.portals
            if name not in known:
                return self._error("26000")
            rows = b.row_description([NUMBER]) if known[name].startswith("SELECT") else b.no_data()
            return (b.parameter_description(()) if kind == "S" else b"") + rows
        if item.kind == Frontend.CLOSE:
            kind, name = f.parse_close(item.body)
            (self.statements if kind == "S" else self.portals).pop(name, None)
            return b.close_complete()
        if item.kind == Frontend.EXECUTE:
            name, _ = f.parse_execute(item.body)
            return self._run(self.portals[name]) if name in self.portals else self._error("34000")
        return b""

    def _error(self, sqlstate: str) -> bytes:
        self.aborted = self.skipping = True
        return b.error({"S": "ERROR", "V": "ERROR", "C": sqlstate, "M": f"scripted {sqlstate}"})

    def _run(self, text: str) -> bytes:
        self.executed.append(text)
        words = text.split()
        if words[0] == "ROLLBACK":
            return self._back_to(words[-1])
        if self.aborted:
            return self._error("25P02")
        for word, sqlstate in self.fail.items():
            if word in text:
                return self._error(sqlstate)
        for word in self.cancel:
            if word in text:
                self.cancel.remove(word)
                return self._error("57014")
        if words[0] == "SAVEPOINT":
            self.savepoints.append(words[-1])
        elif words[0] == "RELEASE":
            if words[-1] not in self.savepoints:
                return self._error("3B001")
            del self.savepoints[self._last(words[-1]) :]
        elif words[0] == "SELECT":
            return b.data_row([b"1"]) + b.command_complete("SELECT 1")
        elif words[0] == "COPY" and "STDIN" in words:
            self.copying = True
            return b.copy_in_response(0, [0])
        tags = {"INSERT": "INSERT 0 1", "UPDATE": "UPDATE 1", "DELETE": "DELETE 1"}
        return b.command_complete(tags.get(words[0], words[0]))

    def _last(self, name: str) -> int:
        return len(self.savepoints) - 1 - self.savepoints[::-1].index(name)

    def _back_to(self, name: str) -> bytes:
        if name not in self.savepoints:
            return self._error("3B001")
        del self.savepoints[self._last(name) + 1 :]
        self.aborted = False
        self.portals = {k: v for k, v in self.portals.items() if k == "devinprod"}
        return b.command_complete("ROLLBACK")


class Driven:
    """A machine, its upstream, its clients, and what they were told."""

    def __init__(self, catalog: Catalog, policy: Policy, **limits: float) -> None:
        chosen = Limits(**{"statements_per_minute": 1_000_000_000, **limits})  # type: ignore[arg-type]
        self.machine = Machine(
            Identity("ann", "test", "developer", "shop", "t"),
            rewriter=Rewriter(),
            policy=policy,
            limits=chosen,
            budget=Budget(chosen),
            offered=(b"1", catalog),
        )
        self.upstream = Upstream()
        self.held = False
        """Keep what upstream answers until :meth:`let_go`."""
        self.audit_fails = False
        self.commands: list[list[c.Command]] = []
        self.told: dict[int, list[Frame | Rows]] = {}
        self.closed: set[int] = set()
        self.now = 1000.0
        self._streams: dict[int, BackendStream] = {}
        self._kept = b""
        self._backend = BackendStream()
        self._events: list[e.Event] = []

    def happen(self, *events: e.Event) -> None:
        """Hand events over, perform what comes of them, until nothing is left to do."""
        self._events.extend(events)
        while self._events:
            self.now += 0.001
            commands = self.machine.handle(self._events.pop(0), self.now, 1_800_000_000.0)
            self.commands.append(commands)
            for command in commands:
                if not self._perform(command):
                    break

    def _perform(self, command: c.Command) -> bool:
        match command:
            case c.OpenUpstream():
                self.upstream = Upstream(self.upstream.fail)
                self._backend, self._kept = BackendStream(), b""
                self._events.append(e.UpstreamOpened(PARAMETERS))
            case c.SendUpstream():
                self._kept += self.upstream.answer(command.data)
                if not self.held:
                    self.let_go()
            case c.CancelUpstream():
                self._events.append(e.CancelDelivered())
            case c.SendToClient():
                self.told[command.client].extend(self._streams[command.client].feed(command.data))
            case c.CloseClient():
                self.closed.add(command.client)
            case c.Record() if self.audit_fails:
                if command.promised:
                    self._events.append(e.AuditFailed("the disk is full"))
                    return False
        return True

    def let_go(self) -> None:
        """Let what upstream has answered arrive."""
        kept, self._kept = self._kept, b""
        items = self._backend.feed(kept)
        if items:
            self._events.append(e.UpstreamReceived(items))

    def join(self, number: int, **settings: str) -> None:
        """A client logs in."""
        self.told[number], self._streams[number] = [], BackendStream()
        self.happen(e.ClientJoined(number, f"client{number}", settings, b.backend_key_data(number, b"1234")))

    def say(self, number: int, *frames: bytes) -> list[str]:
        """A client sends messages; what it is told, see :meth:`heard`."""
        self.told[number].clear()
        self.happen(e.ClientSent(number, logged_in().feed(b"".join(frames))))  # type: ignore[arg-type]
        return self.heard(number)

    def ask(self, number: int, text: str) -> list[str]:
        """A client sends one Query."""
        return self.say(number, f.query(text))

    def heard(self, number: int) -> list[str]:
        """What a client was told since it last spoke: tags, SQLSTATEs, ``I``/``T``/``E``, letters of the rest."""
        return list(_words(self.told[number]))


def _words(items: list[Frame | Rows]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Rows):
            yield f"{item.count} rows"
        elif item.kind == Backend.COMMAND_COMPLETE:
            yield b.parse_command_complete(item.body)
        elif item.kind == Backend.ERROR_RESPONSE:
            yield b.parse_error_fields(item.body)["C"]
        elif item.kind == Backend.READY_FOR_QUERY:
            yield item.body.decode()
        elif item.kind not in (Backend.PARAMETER_STATUS, Backend.NOTICE_RESPONSE):
            yield {Backend.ROW_DESCRIPTION: "row", Backend.NO_DATA: "none"}.get(item.kind, chr(item.kind))
