"""What does the proxy remember of one client of a session?"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devinprod_proxy.pgwire.codec import Frame, Rows
from devinprod_proxy.pgwire.messages import Bind
from devinprod_proxy.session.entries import Entry
from devinprod_proxy.session.settings import codec_of
from devinprod_proxy.sql.statement import Statement

if TYPE_CHECKING:
    from devinprod_proxy.session.execution import Execution


@dataclass(slots=True, eq=False)
class Prepared:
    """A prepared statement of one client, made by Parse or by PREPARE: they share their names."""

    name: str
    statement: Statement
    types: tuple[int, ...]
    entry: Entry | None
    """The upstream statement it is; None where the session answers by itself."""
    declared: Statement | None = None
    """The DECLARE that this is: running it makes a cursor."""
    world: tuple[object, ...] = ()
    """What it was rewritten in (``World.key``): in another one it is rewritten again when it is bound."""
    described: Entry | None = None
    """The upstream statement whose columns the client knows; another one must give the same."""
    late: Statement | None = None
    """What it was before its names were looked up: of cursors and the like, which come and go."""
    confirmed: bool = True
    """False until its turn among the replies has come: an error before that undoes it."""
    closing: bool = False
    """A Close of it is on its way."""


@dataclass(slots=True, eq=False)
class Portal:
    """A portal of one client: a Bind that has not been closed."""

    name: str
    prepared: Prepared
    upstream: str
    bound: Bind | None = None
    """The Bind message; None for a cursor made by DECLARE."""
    holdable: bool = False
    kept: bool = False
    """A cursor WITH HOLD whose transaction has been committed: no rollback touches it any more."""
    execution: Execution | None = None
    """The run that a further Execute goes on with."""

    @property
    def formats(self) -> tuple[int, ...]:
        """Result formats as Bind gave them: none, one for all, or one a column."""
        return () if self.bound is None else self.bound.values().result_formats


@dataclass(slots=True)
class Savepoint:
    """A savepoint that the client set, and what to go back to with it."""

    name: str
    upstream: str
    journal: int
    settings: dict[str, str]
    ddl: int
    applied: dict[str, str]
    """What of the settings was applied upstream."""
    portals: list[Portal]
    """Those that were open when it was set: they outlive a rollback to it."""
    read_only: bool
    local: dict[str, str | None]
    notifications: int


@dataclass(slots=True)
class Transaction:
    """A client's BEGIN that has not ended. ``depth``: its place in the floor's stack."""

    depth: int
    began: float
    journal: int
    settings: dict[str, str]
    ddl: int
    read_only: bool = False
    failed: bool = False
    savepoints: list[Savepoint] = field(default_factory=list)
    isolation: str = "read committed"
    local: dict[str, str | None] = field(default_factory=dict)
    """Settings changed by SET LOCAL, with the value to go back to at the end."""
    notifications: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Client:
    """One client connection, between its login and its end."""

    id: int
    label: str
    annotate: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    startup: Mapping[str, str] = field(default_factory=dict)
    """The settings of its startup packet: what RESET ALL goes back to."""
    reported: dict[str, str] = field(default_factory=dict)
    welcomed: bool = False
    inbox: deque[Frame | Rows] = field(default_factory=deque)
    inbox_bytes: int = 0
    prepared: dict[str, Prepared] = field(default_factory=dict)
    portals: dict[str, Portal] = field(default_factory=dict)
    transaction: Transaction | None = None
    skip_to_sync: bool = False
    """An error was sent in the extended protocol: everything up to Sync is dropped (manual 54.2.3)."""
    waiting_since: float | None = None
    lost: str | None = None
    """Why the world that this client knew is gone: its next statement says so, once."""
    channels: set[str] = field(default_factory=set)
    notifications: list[bytes] = field(default_factory=list)
    gone: bool = False
    not_before: float = 0.0
    """Over its statements per minute: its next unit waits until then."""
    key_data: bytes = b""
    cancelled: bool = False
    """A CancelRequest came while its unit was waiting for the floor."""

    @property
    def status(self) -> bytes:
        """The transaction status of ReadyForQuery."""
        if self.transaction is None:
            return b"I"
        return b"E" if self.transaction.failed else b"T"

    @property
    def codec(self) -> str:
        """How the bytes of its statements are read."""
        return codec_of(self.settings.get("client_encoding", "UTF8")) or "utf-8"

    def end_local(self, local: dict[str, str | None]) -> None:
        """A transaction is over: what SET LOCAL changed in it goes back."""
        for name, before in local.items():
            if before is None:
                self.settings.pop(name, None)
            else:
                self.settings[name] = before
        local.clear()

    def setting(self, name: str, default: str) -> str:
        """A setting as this client has it."""
        return self.settings.get(name, default)
