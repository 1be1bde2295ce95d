"""Which messages of a client run together?

A unit is what a client sent up to Query, Sync or Flush. It holds the floor from its first
statement to its end; between the units of an open transaction the transaction holds it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from devinprod_proxy.pgwire.codec import Frame, Rows
from devinprod_proxy.pgwire.kinds import Frontend
from devinprod_proxy.session.client import Client
from devinprod_proxy.sql.parse import ParsedStatement
from devinprod_proxy.sql.statement import Statement

End = Literal["query", "sync", "flush"]

TERMINATORS = {
    Frontend.QUERY: "query",
    Frontend.SYNC: "sync",
    Frontend.FLUSH: "flush",
    Frontend.FUNCTION_CALL: "query",
}
COPY_KINDS = (Frontend.COPY_DATA, Frontend.COPY_DONE, Frontend.COPY_FAIL)


@dataclass(slots=True, eq=False)
class Unit:
    """One client's work between two points at which another client may run."""

    client: Client
    end: End
    frames: deque[Frame]
    """Extended protocol: the messages not yet looked at."""
    texts: deque[ParsedStatement] = field(default_factory=deque)
    """Simple protocol: the statements not yet looked at."""
    cut: bool = False
    """The Query's text has been cut into statements."""
    depth: int = 0
    pushed: bool = False
    """It runs nested, under a guard savepoint of its own."""
    prefixed: bool = False
    """Its guard (if pushed) and its client's settings have been sent."""
    level: bool = False
    """A guard of its own stands upstream, at its depth."""
    peek: bool = False
    """It may only read, inside somebody else's open transaction."""
    started: bool = False
    journal: int = 0
    ddl: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    ran: bool = False
    """Something of it ran upstream since its guard was set."""
    wrote: bool = False
    executed: bool = False
    """It ran a statement, so an implicit transaction is under way until Sync."""
    error: bool = False
    """An error was sent: the rest is skipped, the guard is to be rolled back to."""
    recovered: bool = False
    ending: Literal["commit", "rollback"] | None = None
    finished: bool = False
    """Its last exchange, with the guard, has been sent."""
    welcome: bool = False
    cancelled: bool = False
    """A CancelRequest came while it waited for the proxy's own business."""
    chained: bool = False
    """AND CHAIN has begun a transaction that still needs its guard or its read-only state sent."""
    known: Statement | None = None
    """Simple protocol: the one statement of a text that was rewritten before, not yet looked at."""
    local: dict[str, str | None] = field(default_factory=dict)
    """What SET LOCAL in an implicit transaction block has changed, with the value to go back to."""
    several: bool = False
    """It has several statements: together they are a transaction block (manual 54.2.2.1, 54.2.3)."""
    cleanup: bool = False
    """The client is gone: its open transaction is rolled back."""
    probed: tuple[str, int] | None = None
    """The statement whose people a probe has counted."""
    scanned: int | None = None
    """How many people that were: what the statement shows of them is not counted again."""
    offset: int = 0
    text: bytes = b""


def size(item: Frame | Rows) -> int:
    """What an item counts for in ``Client.inbox_bytes``."""
    return len(item.data) if isinstance(item, Rows) else len(item.body)


def complete(client: Client) -> bool:
    """True when the client's inbox holds a whole unit.

    Extended messages without an end pile up only to a bound: then they run as if flushed. So they
    do where COPY data follows them: a client may send it without waiting to be asked for it.
    """
    ahead = False
    for item in client.inbox:
        if item.kind in TERMINATORS:
            return True
        if item.kind not in COPY_KINDS:
            ahead = True
        elif ahead:
            return True
    return client.inbox_bytes > 4 << 20


def cut(client: Client) -> Unit | None:
    """Take the next unit out of the client's inbox; None if there is none.

    Stray COPY messages are dropped, as PostgreSQL does after a failed COPY (manual 54.2.6).
    """
    inbox = client.inbox
    frames: deque[Frame] = deque()
    while inbox:
        item = inbox.popleft()
        client.inbox_bytes -= size(item)
        if isinstance(item, Rows) or item.kind in COPY_KINDS:
            if frames:
                inbox.appendleft(item)
                client.inbox_bytes += size(item)
                return Unit(client, "flush", frames)
            continue
        end = TERMINATORS.get(item.kind)
        if end is None:
            frames.append(item)
            continue
        if end == "query":
            if frames:  # extended messages without Sync before a Query: they run first, as flushed
                inbox.appendleft(item)
                client.inbox_bytes += size(item)
                return Unit(client, "flush", frames)
            return Unit(client, "query", deque([item]))
        return Unit(client, "sync" if end == "sync" else "flush", frames)
    return Unit(client, "flush", frames) if frames else None
