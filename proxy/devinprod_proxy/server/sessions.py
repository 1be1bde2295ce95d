"""Which worlds are there?  The registry of sessions, as clients and the control API see it.

Above 400 lines because it answers every question of the control API about them.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from devinprod_proxy import __version__
from devinprod_proxy.config import Config
from devinprod_proxy.errors import AuditUnavailable, ClientFault
from devinprod_proxy.server.audit_file import AuditFile
from devinprod_proxy.server.target import TargetState
from devinprod_proxy.server.users import Users
from devinprod_proxy.server.world import RunningWorld
from devinprod_proxy.session import events as e
from devinprod_proxy.session.budget import Budget
from devinprod_proxy.session.machine import Identity, Machine, State
from devinprod_proxy.sql.rewrite import Rewriter

Fields = dict[str, Any]
KEPT_CELLS = 500


class Sessions:
    """All worlds of one proxy; implements what the control API needs."""

    def __init__(
        self, config: Config, users: Users, audit: AuditFile, targets: Mapping[str, TargetState]
    ) -> None:
        self._config = config
        self._users = users
        self._audit = audit
        self.targets = targets
        self.budget = Budget(config.limits, config.role_limits)
        self._worlds: dict[tuple[str, str], RunningWorld] = {}
        self._rewriters = {name: Rewriter() for name in targets}
        self._serial = itertools.count(1)
        self._run = secrets.token_hex(4)
        self._listeners: set[tuple[str, asyncio.Queue[Fields]]] = set()
        self._cells: dict[str, Fields] = {}
        self._cell_order: deque[str] = deque()
        self.logins = 0
        self.refused_logins = 0
        self.accepting = True

    # For client connections.

    def target(self, name: str | None) -> TargetState:
        """The target that a database name stands for; the only one where none is named."""
        if name is not None and name in self.targets:
            return self.targets[name]
        if name is None and len(self.targets) == 1:
            return next(iter(self.targets.values()))
        known = ", ".join(sorted(self.targets))
        raise ClientFault(
            f'database "{name}" does not exist' if name else "no target was named",
            sqlstate="3D000",
            hint=f"Targets of this proxy: {known}.",
        )

    def world(self, user: str, name: str, target: str | None, reason: str | None = None) -> RunningWorld:
        """The world of that name, made if there is none. Raises ClientFault."""
        found = self._worlds.get((user, name))
        if found is not None:
            if target is not None and found.machine.identity.target != self.target(target).name:
                raise ClientFault(
                    f'session "{name}" is open on target {found.machine.identity.target}',
                    sqlstate="55000",
                    hint="End it first, or use another session name.",
                )
            if reason:
                found.machine.reason = reason
            return found
        state = self.target(target)
        role = self._users.role(user)
        limits = self._config.limits_for(role)
        live = sum(w.machine.state is not State.CLOSED for w in self._worlds.values())
        if live >= limits.max_sessions:
            raise ClientFault(
                f"too many sessions: {live} of {limits.max_sessions} are open",
                sqlstate="53300",
                hint="End one: %devinprod sessions, or devinprod session end NAME.",
            )
        if state.kind == "unnamed":
            raise ClientFault(
                f"target {state.name} is neither a subscriber nor a standby, and its kind is not named",
                sqlstate="55000",
                hint='The operator must say kind = "clone" or kind = "primary" for it.',
            )
        machine = Machine(
            Identity(user, name, role, state.name, f"{self._run}.{next(self._serial)}", state.read_only),
            rewriter=self._rewriters[state.name],
            policy=state.policy,
            limits=limits,
            budget=self.budget,
            offered=state.offered,
            reason=reason,
        )

        def publish(topic: str, data: Fields) -> None:
            state.offered = machine.offered or state.offered
            self._tell(user, topic, data)

        world = RunningWorld(
            machine,
            state.destination(limits),
            self._audit,
            ended=lambda w: self._forget(user, name, w),
            publish=publish,
        )
        self._worlds[user, name] = world
        return world

    def _forget(self, user: str, name: str, world: RunningWorld) -> None:
        if self._worlds.get((user, name)) is world:
            del self._worlds[user, name]
        self._tell(user, "session", {"session": name})

    def _tell(self, user: str, topic: str, data: Fields) -> None:
        for owner, queue in self._listeners:
            if owner == user:
                if queue.full():
                    queue.get_nowait()
                queue.put_nowait({"event": topic, **data})

    def policies_changed(self) -> None:
        """Read policy files that have changed; open worlds judge by them from the next statement on."""
        for state in self.targets.values():
            if state.reload():
                for world in self._worlds.values():
                    if world.machine.identity.target == state.name:
                        world.machine.policy_changed(state.policy)

    async def close(self) -> None:
        """End every world: the proxy stops."""
        self.accepting = False
        for world in list(self._worlds.values()):
            world.happened(e.EndAsked("the proxy is stopping", by_owner=False))

    # For the control API. Everybody sees only their own.

    def _own(self, user: str, name: str) -> RunningWorld:
        found = self._worlds.get((user, name))
        if found is None:
            raise ClientFault(
                f'there is no session "{name}"',
                sqlstate="3D000",
                hint="Connecting as USER/NAME opens one, and so does %devinprod connect NAME in a notebook.",
            )
        return found

    async def sessions(self, user: str) -> list[Fields]:
        """The user's sessions, the most recently used first."""
        mine = [w for (owner, _), w in self._worlds.items() if owner == user]
        mine.sort(key=lambda w: -w.machine.last_active)
        return [self._shown(w) for w in mine]

    async def session(self, user: str, name: str) -> Fields:
        """One session."""
        return self._shown(self._own(user, name))

    async def open(self, user: str, name: str, target: str | None, reason: str | None) -> Fields:
        """Open a session, or find it again; waits until its world stands."""
        world = self.world(user, name, target, reason)
        if world.machine.state is not State.OPEN:
            world.happened(e.OpenAsked())
            await world.settled()
        if world.machine.state is not State.OPEN:
            reason_text = world.machine.open_failure or "the target could not be reached"
            if not world.clients:
                self._worlds.pop((user, name), None)
            raise ClientFault(reason_text, sqlstate="08006")
        return self._shown(world)

    async def reset(self, user: str, name: str) -> Fields:
        """Roll the world back to a fresh one."""
        world = self._own(user, name)
        machine = world.machine
        lost = {"statements": len(machine.journal.entries), "rows": machine.journal.rows}
        started = time.perf_counter()
        world.happened(e.ResetAsked("reset by its owner"))
        await world.settled()
        ms = round((time.perf_counter() - started) * 1000, 1)
        return {"session": self._shown(world), "ms": ms, "lost": lost}

    async def end(self, user: str, name: str) -> Fields:
        """End a session for good."""
        world = self._own(user, name)
        machine = world.machine
        answer = {
            "ended": True,
            "statements": machine.statements,
            "rows_changed": machine.journal.rows,
            "journal": _journal(machine),
        }
        world.happened(e.EndAsked("ended by its owner"))
        return answer

    async def changes(self, user: str, name: str) -> Fields:
        """What would have been committed."""
        machine = self._own(user, name).machine
        return {
            "session": name,
            "exact": machine.journal.exact,
            "tables": machine.journal.tables(),
            "journal": _journal(machine),
        }

    async def statements(self, user: str, name: str, after: str | None, limit: int) -> Fields:
        """The last statements, oldest first."""
        rows = list(self._own(user, name).machine.history)
        if after is not None:
            ids = [r["id"] for r in rows]
            if after in ids:
                rows = rows[ids.index(after) + 1 :]
        rows = rows[-limit:]
        return {"statements": rows, "last": rows[-1]["id"] if rows else after}

    async def limits(self, user: str, name: str) -> Fields:
        """What is left of every limit."""
        return self._limits(self._own(user, name).machine)

    async def policy(self, user: str, table: str, target: str | None) -> Fields:
        """The rules of one table as this user's role sees them."""
        state = self.target(target)
        schema, dot, name = table.rpartition(".")
        schema = schema if dot else "public"
        role = self._users.role(user)
        catalog = state.offered[1] if state.offered is not None else None
        relation = catalog.names.get((schema, name)) if catalog is not None else None
        if relation is None:
            raise ClientFault(f'relation "{table}" does not exist', sqlstate="42P01")
        rule = state.policy.table(schema, name)
        columns = []
        for column in relation.columns:
            mask = state.policy.column(role, schema, name, column.name)
            columns.append(
                {
                    "name": column.name,
                    "type": column.type_name,
                    "mask": mask.kind,
                    "domain": mask.domain,
                    "lookup": mask.lookup,
                }
            )
        return {"table": f"{schema}.{name}", "subject": rule.subject if rule else None, "columns": columns}

    async def open_cell(self, user: str, fields: Fields) -> Fields:
        """Open a cell's record: statements of the session are recorded under it until it is closed."""
        machine = self._own(user, str(fields["session"])).machine
        ident = f"c{secrets.token_hex(6)}"
        record = {
            "kind": "cell.open",
            "id": ident,
            "user": user,
            "session": fields["session"],
            "target": machine.identity.target,
            "role": machine.identity.role,
            "reason": machine.reason,
            "at": _iso(time.time()),
            **{k: fields.get(k) for k in ("cell_id", "notebook", "source", "sha256", "kernel")},
        }
        self._audit.append(record)
        self._cells[ident] = {
            **record,
            "started": time.monotonic(),
            "first": machine.statements,
            "before": machine.cell,
            "statements": 0,
            "rows": 0,
            "people": 0,
            "masked": [],
            "outcome": None,
            "ms": None,
        }
        self._cell_order.append(ident)
        while len(self._cell_order) > KEPT_CELLS:
            self._cells.pop(self._cell_order.popleft(), None)
        machine.cell = ident
        self._tell(user, "cell", {"session": str(fields["session"]), "id": ident})
        return {"id": ident}

    async def close_cell(self, user: str, id: str, fields: Fields) -> Fields:
        """Close a cell's record with what came of it."""
        cell = self._cells.get(id)
        if cell is None or cell["user"] != user:
            raise ClientFault(f"there is no open cell {id}", sqlstate="3D000")
        world = self._worlds.get((user, str(cell["session"])))
        mine: list[Fields] = []
        if world is not None:
            mine = [dict(r) for r in world.machine.history if r["cell"] == id]
            if world.machine.cell == id:
                world.machine.cell = None
        cell.update(
            outcome=fields["outcome"],
            error=fields.get("error"),
            statements=len(mine),
            rows=sum(r["rows"] for r in mine),
            people=sum(r.get("people", 0) for r in mine),
            masked=sorted({m for r in mine for m in r["masked"]}),
            ms=round((time.monotonic() - cell["started"]) * 1000, 1),
        )
        error = fields.get("error")
        self._audit.append(
            {
                "kind": "cell.close",
                "of": id,
                "user": user,
                "session": cell["session"],
                "at": _iso(time.time()),
                "outcome": fields["outcome"],
                "error": error,
                **{k: cell[k] for k in ("statements", "rows", "people", "masked", "ms")},
            }
        )
        self._tell(user, "cell", {"session": str(cell["session"]), "id": id})
        return {"id": id, **{k: cell[k] for k in ("statements", "rows", "people", "masked")}}

    async def cells(self, user: str, session: str) -> Fields:
        """The cells of one session, oldest first."""
        shown = (
            "id",
            "at",
            "notebook",
            "cell_id",
            "source",
            "outcome",
            "statements",
            "rows",
            "people",
            "masked",
            "ms",
        )
        found = [self._cells[i] for i in self._cell_order if i in self._cells]
        return {
            "cells": [
                {k: c[k] for k in shown} for c in found if c["user"] == user and c["session"] == session
            ]
        }

    async def subscribe(self, user: str) -> AsyncIterator[Fields]:
        """What happens to the user's sessions, as it happens; slow listeners lose the oldest."""
        queue: asyncio.Queue[Fields] = asyncio.Queue(500)
        entry = (user, queue)
        self._listeners.add(entry)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(entry)

    def metrics(self) -> Mapping[str, float]:
        """Numbers for Prometheus."""
        worlds = list(self._worlds.values())
        return {
            "devinprod_sessions": float(len(worlds)),
            "devinprod_sessions_dirty": float(sum(w.machine.journal.dirty for w in worlds)),
            "devinprod_clients": float(sum(len(w.clients) for w in worlds)),
            "devinprod_statements_open_sessions": float(sum(w.machine.statements for w in worlds)),
            "devinprod_logins_total": float(self.logins),
            "devinprod_refused_logins_total": float(self.refused_logins),
            **{
                f'devinprod_target_lag_seconds{{target="{t.name}"}}': t.lag
                for t in self.targets.values()
                if t.lag is not None
            },
        }

    def ready(self) -> bool:
        """True while sessions can be opened and recorded."""
        return self.accepting and all(t.kind not in ("auto", "unnamed") for t in self.targets.values())

    def record(self, fields: Fields) -> None:
        """Append a record of the proxy itself; a full disk is logged elsewhere."""
        try:
            self._audit.append({"at": _iso(time.time()), **fields})
        except AuditUnavailable:
            if fields.get("kind") != "login.failed":
                raise

    def _limits(self, machine: Machine) -> Fields:
        identity, limits = machine.identity, machine.limits
        now = time.monotonic()
        left = dict(self.budget.remaining(identity.user, identity.role))
        idle = now - machine.last_active if machine.last_active else 0.0
        age = now - machine.opened_at if machine.opened_at is not None else 0.0
        left["idle"] = {"seconds_left": round(max(limits.idle - idle, 0)), "limit": limits.idle}
        left["age"] = {"seconds_left": round(max(limits.max_age - age, 0)), "limit": limits.max_age}
        return left

    def _shown(self, world: RunningWorld) -> Fields:
        machine = world.machine
        identity = machine.identity
        state = self.targets[identity.target]
        now = time.monotonic()
        opened = machine.opened_wall
        catalog = machine.catalog
        masked = len(machine.sensitive) if catalog is not None else None
        columns = (
            sum(len(r.columns) for r in catalog.relations.values() if r.kind in "rpmf") if catalog else None
        )
        tables = machine.journal.tables()
        if machine.lost_reason is not None:
            condition = "lost"
        else:
            condition = "dirty" if machine.journal.dirty else "clean"
        return {
            "name": identity.session,
            "user": identity.user,
            "role": identity.role,
            "target": identity.target,
            "kind": state.kind,
            "reason": machine.reason,
            "state": condition,
            "lost_reason": machine.lost_reason,
            "opened_at": _iso(opened) if opened is not None else None,
            "age_s": round(now - machine.opened_at, 1) if machine.opened_at is not None else 0.0,
            "idle_s": round(now - machine.last_active, 1) if machine.last_active else 0.0,
            "expires_at": _iso(opened + machine.limits.max_age) if opened is not None else None,
            "lag_s": state.lag,
            "clients": len(world.clients),
            "statements": machine.statements,
            "changes": tables,
            "change_count": machine.journal.changes,
            "masked_columns": masked,
            "columns": columns,
            "limits": self._limits(machine),
            "read_only": identity.read_only,
            "server_version": state.version,
            "proxy_version": __version__,
        }


def _journal(machine: Machine) -> list[Fields]:
    entries = sorted([*machine.journal.undone, *machine.journal.entries], key=lambda x: x.at)
    return [
        {
            "id": x.id,
            "at": x.at,
            "verb": x.verb,
            "table": x.table,
            "rows": x.rows,
            "asked": x.asked,
            "undone": x.undone,
        }
        for x in entries
    ]


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
