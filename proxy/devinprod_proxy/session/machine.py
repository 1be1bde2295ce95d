"""What happens next in one world?  ``handle(event) -> list[Command]``, and nothing else.

THEORY OF OPERATION

A world is one upstream connection with one outer transaction that is only ever rolled back.
Clients come and go. What a client sends is cut into *units* (``unit``); one unit runs at a time
(``floor`` says whose), as one or more *exchanges* (``exchange``): extended-protocol batches that
end in Sync. ``run`` turns a unit's messages into exchanges and ``receive`` turns replies into what
the client sees.

Below whatever runs there is always a *guard*, a savepoint ``devinprod_g0``. A statement outside a
client's transaction, a client's whole transaction: each starts at a guard that has just been set.
To commit is to release it and set it anew; to undo is to roll back to it. So BEGIN costs nothing
upstream, an error costs one statement, and only ROLLBACK TO is ever needed to recover. A unit that
only read leaves the guard where it is. Nested transactions (see ``floor``) use g1, g2 ...

States: CLOSED (no upstream) -> OPENING (logging in) -> PREPARING (outer transaction, catalog)
-> OPEN -> ENDED. UpstreamLost leads from any of them to CLOSED; the next unit opens it anew, after
the clients of a world that had changed anything have been told, once each, that it is gone.

Above 400 lines because whatever changes the state of a world stands here, and nowhere else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from devinprod_proxy.errors import ClientFault, Refusal, UpstreamFault
from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.kinds import Frontend
from devinprod_proxy.policy.model import Policy
from devinprod_proxy.session import answer, copy_in, floor, life, opening, receive, run, welcome
from devinprod_proxy.session import commands as c
from devinprod_proxy.session import events as e
from devinprod_proxy.session.budget import Budget
from devinprod_proxy.session.client import Client
from devinprod_proxy.session.entries import BY_PREPARE, OWN, Entries, Entry
from devinprod_proxy.session.exchange import Exchange, Expect
from devinprod_proxy.session.journal import Journal
from devinprod_proxy.session.limits import Limits
from devinprod_proxy.session.settings import search_path_of
from devinprod_proxy.session.states import State as State
from devinprod_proxy.session.unit import Unit, size
from devinprod_proxy.sql.catalog import Catalog
from devinprod_proxy.sql.rewrite import Rewriter, World
from devinprod_proxy.sql.statement import ServerSql


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose world it is, on what."""

    user: str
    session: str
    role: str
    target: str
    tag: str
    """Unique in this proxy's run: the front part of the ids of its records."""
    read_only: bool = False
    """The target takes no writes (a physical standby)."""


class Machine:
    """One world. Pure: all that it knows came in by :meth:`handle`, all that it does goes out of it."""

    def __init__(
        self,
        identity: Identity,
        *,
        rewriter: Rewriter,
        policy: Policy,
        limits: Limits,
        budget: Budget,
        offered: tuple[bytes, Catalog] | None = None,
        reason: str | None = None,
    ) -> None:
        self.identity = identity
        self.rewriter = rewriter
        self.policy = policy
        self.limits = limits
        self.budget = budget
        self.reason = reason
        self.cell: str | None = None
        self.state = State.CLOSED
        self.clients: dict[int, Client] = {}
        self.journal = Journal()
        self.entries = Entries()
        self.catalog: Catalog | None = None
        self.catalog_stale = True
        self.offered = offered
        """The target's catalog and its stamp: good for every fresh world that finds the same stamp."""
        self.catalog_version = 0
        self.ddl = 0
        """Statements of the world, not undone, that changed the catalog."""
        self.applied: dict[str, str] = {}
        self.applied_at: dict[str, dict[str, str]] = {}
        self.base_parameters: dict[str, str] = {}
        self.reported: dict[str, str] = {}
        self.printed: dict[tuple[str, str], str] = {}
        """Setting and value as a client gave it -> as the server prints it."""
        self.exchange: Exchange | None = None
        self.active: Unit | None = None
        self.continuing: Unit | None = None
        self.holders: list[Client] = []
        self.idle_since: dict[int, float] = {}
        self.waiting: dict[int, None] = {}
        self.cleanups: deque[Client] = deque()
        self.cancelling = False
        self.asked_to_go: e.ResetAsked | e.EndAsked | None = None
        self.resting = False
        """A timer runs that lets go of the locks of reads, see ``life.rest``."""
        self.opened_at: float | None = None
        self.opened_wall: float | None = None
        self.last_active = 0.0
        self.statements = 0
        self.serial = 0
        self.lost_reason: str | None = None
        self.history: deque[dict[str, object]] = deque(maxlen=200)
        self.now = 0.0
        self.wall = 0.0
        self._at = (-1.0, "")
        self.out: list[c.Command] = []
        self._worlds: dict[tuple[str, ...], World] = {}
        self._sensitive: frozenset[tuple[int, int]] | None = None
        self.stamp_rows: list[bytes] = []
        self.catalog_rows: list[bytes] = []
        self.created_rows: list[bytes] = []
        self.created: frozenset[int] = frozenset()
        """OIDs of the relations that this world itself has made."""
        self.open_failure: str | None = None

    # Input.

    def handle(self, event: e.Event, now: float, wall: float) -> list[c.Command]:
        """Take note of *event* at *now* (monotonic seconds; *wall*: since the epoch); what to do, in order."""
        self.now, self.wall, self.out = now, wall, []
        match event:
            case e.ClientSent():
                self._client_sent(event)
            case e.UpstreamReceived():
                self._upstream_received(event)
            case e.ClientJoined():
                self._client_joined(event)
            case e.ClientLeft():
                self._client_left(event.client)
            case e.UpstreamOpened():
                opening.begin(self, event)
            case e.UpstreamLost():
                self.lost(event.reason, event.sqlstate)
            case e.CancelAsked():
                self._cancel_asked(event.client)
            case e.CancelDelivered():
                self.cancelling = False
            case e.TimerFired():
                self._timer(event.name)
            case e.AuditFailed():
                self._audit_failed(event)
            case e.ResetAsked() | e.EndAsked():
                self.go(event)
            case e.OpenAsked():
                if self.state is State.CLOSED:
                    self._open()
        self._schedule()
        if self.exchange is not None or self.cancelling or self.state is not State.OPEN:
            floor.let_wait(self)
        return self.out

    def policy_changed(self, policy: Policy) -> None:
        """Judge by *policy* from the next statement on."""
        self.policy = policy
        self.forget_worlds()
        self._forget_prepared()

    def _forget_prepared(self) -> None:
        """What SQL's PREPARE has made cannot be rewritten under its name: it has to be prepared anew."""
        for client in self.clients.values():
            for name, prepared in list(client.prepared.items()):
                if prepared.entry is not None and prepared.entry.key[3] == BY_PREPARE:
                    del client.prepared[name]

    def _client_joined(self, event: e.ClientJoined) -> None:
        client = Client(event.client, event.label, annotate=event.annotate, startup=dict(event.settings))
        client.key_data = event.key_data
        self.clients[client.id] = client
        self.last_active = self.now
        client.lost = self.lost_reason  # nobody has run anything since: it must not go on unknowingly
        if self.state is State.ENDED:
            self.dismiss(
                client, Refusal("57P01", "this session has ended", "connect again to open a new one")
            )
        elif self.state is State.OPEN:
            welcome.begin(self, client)
        elif self.state is State.CLOSED:
            self._open()

    def _client_sent(self, event: e.ClientSent) -> None:
        client = self.clients.get(event.client)
        if client is None or client.gone:
            return
        self.last_active = self.now
        for item in event.items:
            if item.kind == Frontend.TERMINATE:
                self._client_left(client.id)
                self.out.append(c.CloseClient(client.id))
                return
            client.inbox.append(item)
            client.inbox_bytes += size(item)
        self.look_at_inbox(client)

    def look_at_inbox(self, client: Client) -> None:
        """See what can be done at once with what a client has sent, and queue it for the floor if it can run."""
        if self.active is not None and self.active.client is client:
            if self.exchange is not None and self.exchange.copying:
                copy_in.copy_from_client(self, self.active, self.exchange)
            return
        answer.enqueue(self, client)

    def _client_left(self, number: int) -> None:
        client = self.clients.pop(number, None)
        if client is None:
            return
        client.gone = True
        self.waiting.pop(number, None)
        self.record("client.leave", client=client.label)
        if self.active is not None and self.active.client is client:
            if self.exchange is not None and self.exchange.copying:
                copy_in.abort_copy(self, self.exchange, "the client is gone")
            elif self.exchange is not None and (client.transaction is not None or not self.active.wrote):
                self._cancel(self.active, self.exchange)  # nothing of it can last: nobody waits for it
        elif client.transaction is not None or self._continues(client):
            self.cleanups.append(client)
        self.publish("session")

    def _continues(self, client: Client) -> bool:
        return self.continuing is not None and self.continuing.client is client

    def _cancel_asked(self, number: int) -> None:
        client = self.clients.get(number)
        if client is None:
            return
        if self.active is not None and self.active.client is client and self.exchange is not None:
            self._cancel(self.active, self.exchange)
        elif number in self.waiting:
            client.cancelled = True

    def _cancel(self, unit: Unit, ex: Exchange) -> None:
        # Not what rolls back to a savepoint: the statement is over, and this has to succeed.
        if ex.unit is None:  # the catalog is read: this has to succeed as well
            unit.cancelled = True
        elif not self.cancelling and not unit.recovered and not unit.cleanup:
            self.cancelling = True
            self.out.append(c.CancelUpstream())

    # Opening, losing, ending.

    def _open(self) -> None:
        self.state = State.OPENING
        self.out.append(c.OpenUpstream())

    def lose(self, reason: str, sqlstate: str = "XX000") -> None:
        """Give the world up: a limit has struck, or no rollback to a savepoint mends it."""
        self.out.append(c.CloseUpstream())
        self.lost(reason, sqlstate)

    def lost(self, reason: str, sqlstate: str) -> None:
        if self.state is State.ENDED:
            return
        before, self.state = self.state, State.CLOSED
        if before in (State.OPENING, State.PREPARING):
            self.open_failure = reason
        dirty = self.journal.dirty
        count = len(self.journal.entries)
        text = f"session world was reset: {reason}; {count} statement{'' if count == 1 else 's'} lost"
        if before is State.OPEN:
            self.record("session.lost", reason=reason, statements=count)
            self.opened_at = self.opened_wall = None  # what opens next is as old as it is
        if dirty:
            self.lost_reason = text
        self.journal.clear()
        self.ddl = 0
        self.catalog_stale = True
        self.entries.clear()
        ex, unit = self.exchange, self.active
        self.exchange = self.active = None
        self.cancelling = False
        self.cleanups.clear()
        self._forget_prepared()
        for client in self.clients.values():
            client.portals.clear()
            if client.transaction is not None:
                client.transaction.failed = True
                client.transaction.depth = -1
                client.lost = text
            elif dirty or self._continues(client):
                client.lost = text
        self.holders.clear()
        self.continuing = None
        refusal = Refusal(
            "57000" if before is State.OPEN else sqlstate, text if dirty else reason, whose="upstream"
        )
        if unit is not None:
            unit.client.lost = None
            receive.abandon(self, ex, unit, refusal)
        for client in list(self.clients.values()):
            if not client.welcomed:
                self.dismiss(client, refusal)
            elif before is not State.OPEN and client.id in self.waiting:
                floor.refuse(self, client, refusal)
        self.publish("session")

    def go(self, event: e.ResetAsked | e.EndAsked) -> None:
        """Roll the world back for good: for a fresh one, or for none."""
        self.record(
            "session.reset" if isinstance(event, e.ResetAsked) else "session.end", reason=event.reason
        )
        if self.state in (State.OPENING, State.PREPARING, State.OPEN):
            self.out.append(c.CloseUpstream())
            owner = event.by_owner and isinstance(event, e.ResetAsked)
            dirty_before = self.journal.dirty
            if owner:
                self.journal.clear()
            self.lost(event.reason, "57000")
            if owner and dirty_before:
                self.lost_reason = None
        if isinstance(event, e.EndAsked):
            self.state = State.ENDED
            for client in list(self.clients.values()):
                self.dismiss(client, Refusal("57P01", f"session ended: {event.reason}"))
            self.out.append(c.WorldEnded())
        elif self.clients:
            self._open()

    def dismiss(self, client: Client, refusal: Refusal) -> None:
        """Tell a client why, as FATAL, and close its connection."""
        self.send(client, messages.error(messages.refusal_fields(refusal, "FATAL")))
        self.out.append(c.CloseClient(client.id))
        self.clients.pop(client.id, None)
        self.waiting.pop(client.id, None)
        client.gone = True

    def _audit_failed(self, event: e.AuditFailed) -> None:
        ex, unit = self.exchange, self.active
        self.exchange = None
        if unit is None or ex is None:
            return
        for step in ex.steps:
            if step.entry is not None and step.expect is Expect.PARSE:
                step.entry.sent = False
        ex.steps.clear()
        if ex.sets_level:  # the guard of a nested unit was not set, and so is nothing to go back to
            unit.level = False
            if unit.client.transaction is not None and self.holders and self.holders[-1] is unit.client:
                unit.client.transaction = None
                self.holders.pop()
        answer.fail_client(self, unit, Refusal("58030", event.message, event.hint, whose="operator"))
        unit.error = True

    def _timer(self, name: str) -> None:
        if name == "life":
            life.check(self)
        elif name == "rest":
            life.rest(self)
        # "floor": who waits is looked at after every event anyway

    # Upstream.

    def _upstream_received(self, event: e.UpstreamReceived) -> None:
        for item in event.items:
            try:
                receive.item(self, item)
            except UpstreamFault as fault:
                self.out.append(c.CloseUpstream())
                self.lost(str(fault), "08P01")
                return
            except ClientFault as fault:
                self.out.append(c.CloseUpstream())
                self.lost(str(fault), "08P01")
                return

    def send_exchange(self, ex: Exchange) -> None:
        """Records first, then all of the batch in one write."""
        if not ex.copying:
            ex.sync()
        self.exchange = ex
        for fields in ex.records:
            self.out.append(c.Record(fields))
        ex.records = []
        self.out.append(c.SendUpstream(b"".join(ex.parts)))
        ex.parts = []
        ex.sent = True
        receive.answer_leading(self, ex)

    # What runs next.

    def _schedule(self) -> None:
        while self.exchange is None and not self.cancelling:
            if self.state is State.CLOSED and (self.waiting or self.asked_to_go) and self.clients:
                if not floor.tell_lost(self):
                    self._open()
                    return
                continue
            if self.state is not State.OPEN:
                return
            unit = self.active
            if unit is None:
                unit = floor.next_unit(self)
                if unit is None:
                    return
                self.active = unit
            run.advance(self, unit)

    def forget_worlds(self) -> None:
        """Catalog or policy have changed: what was derived of them is made anew."""
        self._worlds.clear()
        self._sensitive = None

    # Output.

    def send(self, client: Client, data: bytes) -> None:
        """Write to a client, unless it is gone; pieces for the same client become one write."""
        if client.gone or not data:
            return
        last = self.out[-1] if self.out else None
        if isinstance(last, c.SendToClient) and last.client == client.id:
            self.out[-1] = c.SendToClient(client.id, last.data + data)
        else:
            self.out.append(c.SendToClient(client.id, data))

    def notice(self, client: Client, message: str, *, code: str = "01000", severity: str = "NOTICE") -> None:
        """Tell a client something of the proxy's own."""
        self.send(
            client,
            messages.notice({"S": severity, "V": severity, "C": code, "M": message}),
        )

    def record(self, kind: str, **fields: object) -> None:
        """Append a record that stands by itself: nothing is sent upstream on its strength.

        So it is not promised. If it cannot be written, no statement can run either, and whoever
        sends one is told.
        """
        self.out.append(c.Record(self.fields(kind, **fields), promised=False))

    def fields(self, kind: str, **more: object) -> dict[str, object]:
        """The fields that every record of this world has, and *more*."""
        identity = self.identity
        return {
            "kind": kind,
            "at": self.at(),
            "user": identity.user,
            "session": identity.session,
            "target": identity.target,
            "role": identity.role,
            **more,
        }

    def at(self) -> str:
        """The time of the event at hand, ISO 8601 in UTC."""
        if self._at[0] != self.wall:
            text = datetime.fromtimestamp(self.wall, UTC).isoformat(timespec="microseconds")
            self._at = (self.wall, text.replace("+00:00", "Z"))
        return self._at[1]

    def next_id(self) -> str:
        """An id for a record of a statement."""
        self.serial += 1
        return f"{self.identity.tag}.{self.serial}"

    def publish(self, topic: str, **data: object) -> None:
        """Tell listeners that something of this session changed."""
        self.out.append(c.Publish(topic, {"session": self.identity.session, **data}))

    # What is known.

    def world(self, client: Client) -> World:
        """By what a client's statements are read: catalog, policy, role, search_path."""
        path = search_path_of(client.settings.get("search_path", self.base_search_path))
        found = self._worlds.get(path)
        if found is None:
            assert self.catalog is not None
            found = self._worlds[path] = World(
                self.catalog, self.policy, self.identity.role, path, self.created
            )
        return found

    @property
    def base_search_path(self) -> str:
        """The search_path that the upstream connection starts with."""
        return self.base_parameters.get("search_path", '"$user", public')

    @property
    def sensitive(self) -> frozenset[tuple[int, int]]:
        """Origins (table OID, column number) that no result column of this role may have."""
        if self._sensitive is None:
            assert self.catalog is not None
            self._sensitive = self.rewriter.sensitive(
                World(self.catalog, self.policy, self.identity.role, (), self.created)
            )
        return self._sensitive

    def unknown(self, table: int, attnum: int) -> bool:
        """True for a column that a table of the catalog did not have when the catalog was read."""
        relation = self.catalog.relations.get(table) if self.catalog is not None else None
        return relation is not None and attnum > 0 and all(x.attnum != attnum for x in relation.columns)

    def entry(self, client: Client, sql: ServerSql, types: tuple[int, ...] = ()) -> Entry:
        """The upstream statement for a text as this client's search_path and the catalog make it."""
        path = client.settings.get("search_path", "")
        return self.entries.get((sql.text, types, path, self.catalog_version))

    def own_entry(self, sql: ServerSql) -> Entry:
        """The upstream statement of one of the proxy's own fixed texts."""
        return self.entries.get((sql.text, (), "", OWN))

    def deferred(self) -> list[tuple[str, str]]:
        """The initially deferred constraints of the catalog; empty with any deferrable: see ``deferrable``."""
        assert self.catalog is not None
        return [(x.schema, x.name) for x in self.catalog.deferrable if x.initially_deferred]

    @property
    def deferrable(self) -> bool:
        """True when the catalog has any deferrable constraint."""
        return self.catalog is not None and bool(self.catalog.deferrable)

    def clients_in_order(self) -> Iterable[Client]:
        """The clients that wait for the floor, longest first."""
        return [self.clients[n] for n in self.waiting if n in self.clients]
