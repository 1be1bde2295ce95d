"""What stands below whatever runs: the guard savepoint, and the settings of the client at hand.

To commit is to release the guard and set it anew; to undo is to roll back to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from devinprod_proxy.session.client import Client, Portal
from devinprod_proxy.session.exchange import Exchange
from devinprod_proxy.session.settings import VIRTUAL, clamp, difference, is_on
from devinprod_proxy.session.unit import Unit
from devinprod_proxy.sql import control
from devinprod_proxy.sql.statement import Statement

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine


def prefix(m: Machine, unit: Unit, ex: Exchange, statement: Statement | None = None) -> None:
    """What has to hold upstream before a statement of this client runs: guard, settings, start of now()."""
    client = unit.client
    txn = client.transaction
    if not unit.prefixed:
        unit.prefixed = True
        unit.ran = True
        if unit.pushed:
            unit.level = ex.sets_level = True
            name = control.guard(unit.depth)
            m.applied_at[name] = dict(m.applied)
            sql = control.savepoint(name)
            ex.own(sql, entry=m.own_entry(sql))
            if unit.peek:
                ex.own(control.read_only(), entry=m.own_entry(control.read_only()))
        elif txn is None and is_on(unit.settings.get("default_transaction_read_only", "off")):
            ex.own(control.read_only(), entry=m.own_entry(control.read_only()))
            unit.wrote = True  # so that the guard, and the read-only state with it, is ended
    apply_settings(m, ex, client)
    if statement is not None and statement.uses_now:
        token = f"{client.id}:{txn.began}" if txn is not None else ""
        if m.applied.get(control.TXN_START, "") != token:
            m.applied[control.TXN_START] = token
            ex.own(
                control.no_transaction_start()
                if txn is None
                else control.transaction_start(m.now - txn.began)
            )


def apply_settings(m: Machine, ex: Exchange, client: Client) -> None:
    """Send the difference between what is applied upstream and what this client has set."""
    wanted: dict[str, str] = {
        name: clamp(
            value, m.limits.statement_timeout if name == "statement_timeout" else m.limits.lock_timeout
        )
        if name in ("statement_timeout", "lock_timeout")
        else value
        for name, value in client.settings.items()
        if name not in VIRTUAL
    }
    applied = {k: v for k, v in m.applied.items() if k != control.TXN_START}
    if wanted == applied:
        return
    to_set, to_reset = difference(applied, wanted)
    if "datestyle" in to_set and "datestyle" in applied:
        ex.own(control.reset_setting("datestyle"))  # what a value leaves out is kept: not from others
    if to_set:
        ex.own(control.apply_settings(to_set))
        m.applied.update(to_set)
    for name in to_reset:
        ex.own(control.reset_setting(name))
        del m.applied[name]


def close_unit(m: Machine, unit: Unit, ex: Exchange) -> None:
    """All of the unit is taken: set the guard anew where something was written."""
    unit.finished = True
    client = unit.client
    if client.transaction is not None or unit.ending is not None:
        return
    if unit.end == "flush" and unit.executed:
        return  # the implicit transaction goes on until Sync
    client.end_local(unit.local)
    if unit.peek:
        drop_portals(client)
        if unit.level:
            _undo_level(m, ex, unit.depth)
        return
    if unit.wrote and ex.executions and unit.end == "query":
        ex.executions[-1].hold = True
    close_portals(client, ex)
    if unit.wrote or unit.level:
        commit_guard(m, ex, client, unit.depth, constraints=unit.wrote and not unit.pushed)


def commit_guard(m: Machine, ex: Exchange, client: Client, depth: int, *, constraints: bool) -> None:
    """Keep what was done since the guard: fire deferred checks, release it, set it anew at the bottom."""
    if constraints and m.deferrable:
        check = control.check_constraints()
        ex.own(check, entry=m.own_entry(check))
        deferred = m.deferred()
        if deferred:
            again = control.defer_again(deferred)
            ex.own(again, entry=m.own_entry(again))
    name = control.guard(depth)
    release = control.release(name)

    def kept() -> None:
        for portal in client.portals.values():
            portal.kept = portal.holdable
        if depth == 0:  # not before: should it fail, the old guard is what is gone back to
            m.applied_at[name] = dict(m.applied)

    if depth > 0:
        ex.own(release, entry=m.own_entry(release), then=kept)
        return
    sql = control.savepoint(name)
    ex.own(release, entry=m.own_entry(release))
    ex.own(sql, entry=m.own_entry(sql), then=kept)


def close_portals(client: Client, ex: Exchange) -> None:
    """The client's transaction is over: portals end, but for cursors WITH HOLD (manual, DECLARE)."""
    for name, portal in list(client.portals.items()):
        if not portal.holdable:
            del client.portals[name]
            if portal.upstream:
                ex.close("P", portal.upstream)


def drop_portals(client: Client, still: Sequence[Portal] = ()) -> None:
    """A rollback has destroyed the client's portals; those of before it, *still* open, stay."""
    for name, portal in list(client.portals.items()):
        if not portal.kept and portal not in still:
            del client.portals[name]


def _undo_level(m: Machine, ex: Exchange, depth: int) -> None:
    name = control.guard(depth)
    back = control.rollback_to(name)
    ex.own(back, entry=m.own_entry(back))
    m.applied = dict(m.applied_at.get(name, {}))
    if depth > 0:
        release = control.release(name)
        ex.own(release, entry=m.own_entry(release))


def undo(m: Machine, ex: Exchange, depth: int, journal: int, ddl: int, client: Client) -> None:
    """Roll back to the guard at *depth*; whoever held the floor above it has lost its transaction."""
    _undo_level(m, ex, depth)
    drop_holders(m, client, depth)
    forget(m, client, journal, ddl)


def drop_holders(m: Machine, client: Client, depth: int) -> None:
    """What stood at *depth* and above in the floor's stack is rolled back: tell those it takes by surprise."""
    while len(m.holders) > depth:
        other = m.holders.pop()
        if other is not client and other.transaction is not None:
            other.transaction.failed, other.transaction.depth = True, -1
            other.portals.clear()
            m.notice(
                other,
                "devinprod: the transaction that this one was nested in was rolled back, and this one with it",
            )


def forget(m: Machine, client: Client, journal: int, ddl: int) -> None:
    """A rollback takes with it what was journaled since; say so where it was not the client's own."""
    gone = m.journal.undo_to(journal)
    if m.ddl != ddl:
        m.ddl, m.catalog_stale = ddl, True
    others = sum(entry.client != client.id for entry in gone)
    if others:
        m.notice(
            client,
            f"devinprod: {others} statement(s) that other connections of this session had committed"
            " inside this transaction went with it",
        )
    if gone:
        m.publish("changes")
