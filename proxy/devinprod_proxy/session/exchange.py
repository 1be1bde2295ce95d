"""What was sent upstream, and what must come back for it?

An exchange is one extended-protocol batch ended by Sync. Each message that upstream answers has a
Step; replies are matched to steps in order. After an error upstream skips to Sync (manual 54.2.3),
and so do the steps. Steps that expect nothing answer the client by themselves in their turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from devinprod_proxy.pgwire import messages
from devinprod_proxy.session.entries import Entry
from devinprod_proxy.sql.statement import ServerSql

if TYPE_CHECKING:
    from devinprod_proxy.session.execution import Execution
    from devinprod_proxy.session.unit import Unit

OWN_PORTAL = "devinprod"
"""The portal of the proxy's own statements, so that they never touch a client's."""


class Expect(Enum):
    """Which reply completes a step."""

    PARSE = auto()
    DESCRIBE = auto()
    BIND = auto()
    EXECUTE = auto()
    CLOSE = auto()
    SYNC = auto()
    NOTHING = auto()


@dataclass(slots=True)
class Step:
    """One thing that upstream will answer. ``reply`` goes to the client once it has."""

    expect: Expect
    reply: bytes | Callable[[], bytes] = b""
    then: Callable[[], None] | None = None
    entry: Entry | None = None
    execution: Execution | None = None
    captured: list[bytes] | None = None
    """Where the rows of the proxy's own statement go; clients' rows go to the client."""


@dataclass(slots=True, eq=False)
class Exchange:
    """What is in flight. ``unit`` None: the proxy's own business."""

    unit: Unit | None
    steps: deque[Step] = field(default_factory=deque)
    parts: list[bytes] = field(default_factory=list)
    records: list[dict[str, object]] = field(default_factory=list)
    error: bool = False
    executions: list[Execution] = field(default_factory=list)
    masked: bool = False
    """A masked relation takes part in one of its statements."""
    held: bytes = b""
    """The last CommandComplete, kept back until the guard has been set anew."""
    done: Callable[[Exchange], None] | None = None
    failure: dict[str, str] = field(default_factory=dict)
    """The fields of the error, as upstream sent them."""
    sets_level: bool = False
    """Its first statement is the guard of a nested unit."""
    copying: bool = False
    """Upstream takes COPY data; Sync has not been sent."""
    sent: bool = False

    # Each method adds one message and the step that answers it.

    def answer(
        self, reply: bytes | Callable[[], bytes] = b"", then: Callable[[], None] | None = None
    ) -> None:
        """Answer the client in this place, without upstream."""
        self.steps.append(Step(Expect.NOTHING, reply, then))

    def prepare(self, entry: Entry, sql: ServerSql, codec: str, reply: bytes = b"") -> None:
        """Parse and describe a statement under its entry's name."""
        entry.sent = True
        self.parts.append(messages.parse(entry.name, sql.text.encode(codec), entry.key[1]))
        self.parts.append(messages.describe("S", entry.name))
        self.steps.append(Step(Expect.PARSE, entry=entry))
        self.steps.append(Step(Expect.DESCRIBE, entry=entry, reply=reply))

    def describe(self, entry: Entry) -> None:
        """Describe a statement that upstream already has."""
        self.parts.append(messages.describe("S", entry.name))
        self.steps.append(Step(Expect.DESCRIBE, entry=entry))

    def describe_portal(self, portal: str, entry: Entry) -> None:
        """Describe a portal that upstream has, into *entry*."""
        self.parts.append(messages.describe("P", portal))
        self.steps.append(Step(Expect.DESCRIBE, entry=entry))

    def bind(self, portal: str, entry: Entry, tail: bytes, reply: bytes = b"") -> None:
        """Bind a portal; *tail* is what follows the two names in the message."""
        self.parts.append(messages.bind_tail(portal, entry.name, tail))
        self.steps.append(Step(Expect.BIND, reply, entry=entry))

    def execute(self, portal: str, max_rows: int, execution: Execution) -> None:
        """Run a portal for a client."""
        self.parts.append(messages.execute(portal, max_rows))
        self.steps.append(Step(Expect.EXECUTE, execution=execution))

    def close(self, kind: str, name: str, reply: bytes = b"") -> None:
        """Close an upstream statement (S) or portal (P)."""
        self.parts.append(messages.close("S" if kind == "S" else "P", name))
        self.steps.append(Step(Expect.CLOSE, reply))

    def own(
        self,
        sql: ServerSql,
        *,
        entry: Entry | None = None,
        reply: bytes | Callable[[], bytes] = b"",
        then: Callable[[], None] | None = None,
        captured: list[bytes] | None = None,
    ) -> None:
        """Run one of the proxy's own statements; prepared once where it has an *entry*."""
        if entry is None:
            self.parts.append(messages.parse("", sql.text))
            self.steps.append(Step(Expect.PARSE))
            name = ""
        else:
            if not entry.sent:
                entry.sent = True
                self.parts.append(messages.parse(entry.name, sql.text))
                self.steps.append(Step(Expect.PARSE, entry=entry))
            name = entry.name
        self.parts.append(_own_tail(name))
        self.steps.append(Step(Expect.BIND))
        self.steps.append(Step(Expect.EXECUTE, captured=[] if captured is None else captured))
        self.steps.append(Step(Expect.CLOSE, reply, then))

    def sync(self) -> None:
        """End the batch."""
        self.parts.append(messages.sync())
        self.steps.append(Step(Expect.SYNC))

    @property
    def upstream(self) -> bool:
        """True when something has to be sent."""
        return bool(self.parts)

    def skip(self) -> Step | None:
        """An error came: drop the steps up to Sync; gives the step that failed."""
        failed = None
        while self.steps and self.steps[0].expect is not Expect.SYNC:
            step = self.steps.popleft()
            if step.expect is not Expect.NOTHING and failed is None:
                failed = step
            entry = step.entry
            if entry is not None and step.expect is Expect.PARSE:
                entry.sent = False
        return failed


def _own_tail(statement: str) -> bytes:
    bound = messages.bind(OWN_PORTAL, statement)
    return bound + messages.execute(OWN_PORTAL) + messages.close("P", OWN_PORTAL)
