"""How does a unit run?  Its messages become exchanges, one after the other.

Most of a unit goes upstream as one batch. It is cut where something has to be known before the
next step can be taken: after DDL (the catalog is read anew before anything else is rewritten), at
transaction commands (what they mean depends on what came before), before an error of the proxy's
own (what stands before it runs first), at COPY FROM STDIN, and behind a count of people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devinprod_proxy.errors import ClientFault
from devinprod_proxy.pgwire import messages
from devinprod_proxy.session import answer, count, extended, guard, receive, simple, welcome
from devinprod_proxy.session import commands as c
from devinprod_proxy.session.client import Client, Savepoint, Transaction
from devinprod_proxy.session.exchange import OWN_PORTAL, Exchange, Expect, Step
from devinprod_proxy.session.unit import Unit
from devinprod_proxy.session.verdict import Verdict
from devinprod_proxy.sql import control

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine


def advance(m: Machine, unit: Unit) -> None:
    """Take a unit one step further: send its next exchange, recover from its error, or finish it."""
    client = unit.client
    if unit.cleanup:
        _clean_up(m, unit)
    elif unit.error or (client.gone and not unit.finished):
        if unit.recovered:
            finish(m, unit)
        else:
            recover(m, unit)
    elif unit.finished:
        finish(m, unit)
    else:
        _compose(m, unit)


def _compose(m: Machine, unit: Unit) -> None:
    client = unit.client
    if not unit.started:
        unit.started = True
        unit.journal, unit.ddl, unit.settings = m.journal.position, m.ddl, dict(client.settings)
    ex = Exchange(unit)
    take = simple.take if unit.end == "query" else extended.take
    try:
        if unit.welcome:
            welcome.take(m, unit, ex)
        else:
            while not unit.error:
                if m.catalog_stale and _left(unit):
                    if not ex.steps:
                        m.load_catalog()
                        return
                    break
                verdict = take(m, unit, ex)
                if verdict is None:
                    guard.close_unit(m, unit, ex)
                    break
                if verdict is not Verdict.GO:
                    break
    except ClientFault as fault:  # a message that cannot be read: the client is out of step
        count.refused(m, client, "", fault.refusal)
        m.dismiss(client, fault.refusal)
        unit.error = True
    if ex.copying or ex.upstream:
        m.send_exchange(ex)
        return
    for fields in ex.records:
        m.out.append(c.Record(fields))
    ex.records = []
    receive.answer_leading(m, ex)


def _left(unit: Unit) -> bool:
    return bool(unit.frames or unit.texts)


def inherit(unit: Unit, before: Unit) -> None:
    """*unit* goes on where *before* stopped without Sync: the same implicit transaction."""
    unit.depth, unit.pushed, unit.peek = before.depth, before.pushed, before.peek
    unit.started, unit.prefixed = before.started, before.prefixed
    unit.journal, unit.ddl, unit.settings = before.journal, before.ddl, before.settings
    unit.ran, unit.wrote, unit.executed = before.ran, before.wrote, before.executed


# After an error.


def recover(m: Machine, unit: Unit) -> None:
    """Undo what an error undoes: the statement, or back to the last savepoint of the transaction."""
    unit.recovered = True
    client = unit.client
    txn = client.transaction
    ex = Exchange(unit, done=lambda ex: _recovered(m, ex))
    _forget_unconfirmed(client)
    if txn is not None and unit.ending is None and not client.gone:
        txn.failed = True
        if txn.depth >= 0:
            _to_savepoint(m, ex, client, txn)
    elif txn is not None and txn.depth >= 0:
        client.transaction = None
        client.settings = dict(txn.settings)
        guard.undo(m, ex, txn.depth, txn.journal, txn.ddl, client)
        guard.drop_portals(client, txn.cursors)
    elif unit.ran or unit.ending is not None:
        client.transaction = None
        client.settings = dict(unit.settings)
        guard.undo(m, ex, unit.depth, unit.journal, unit.ddl, client)
        guard.drop_portals(client)
    if ex.upstream:
        ex.error = True  # nothing of it answers the client
        # Where one of the proxy's own statements failed, its portal is still there.
        ex.parts.insert(0, messages.close("P", OWN_PORTAL))
        ex.steps.appendleft(Step(Expect.CLOSE))
        m.send_exchange(ex)


def _recovered(m: Machine, ex: Exchange) -> None:
    if ex.failure:  # a guard that cannot be rolled back to: nothing of this world can be trusted
        m.lose(f"it could not be rolled back to a savepoint: {ex.failure.get('M', '')}")


def _to_savepoint(m: Machine, ex: Exchange, client: Client, txn: Transaction) -> None:
    last: Savepoint | None = txn.savepoints[-1] if txn.savepoints else None
    name = control.guard(txn.depth) if last is None else last.upstream
    back = control.rollback_to(name)
    ex.own(back, entry=m.own_entry(back) if last is None else None)
    m.applied = dict(m.applied_at.get(name, {}))
    m.journal.undo_to(txn.journal if last is None else last.journal)
    ddl = txn.ddl if last is None else last.ddl
    if m.ddl != ddl:
        m.ddl, m.catalog_stale = ddl, True
    client.settings = dict(txn.settings if last is None else last.settings)
    if txn.read_only and last is None:
        ex.own(control.read_only(), entry=m.own_entry(control.read_only()))
    guard.drop_portals(client, txn.cursors if last is None else None)


def _forget_unconfirmed(client: Client) -> None:
    for name, prepared in list(client.prepared.items()):
        if not prepared.confirmed:
            del client.prepared[name]


def finish(m: Machine, unit: Unit) -> None:
    """The unit is over: ReadyForQuery where one is due, and the floor is free or stays with its transaction."""
    client = unit.client
    m.active = None
    m.idle_since[client.id] = m.now
    if client.gone:
        if client.transaction is not None and not unit.cleanup:
            m.cleanups.append(client)
        m.publish("session")
        return
    if unit.end == "flush":
        if unit.error:
            client.skip_to_sync = True
        elif client.transaction is None and unit.executed:
            m.continuing = unit
    elif not unit.welcome:
        answer.finish_cycle(m, client)
    answer.enqueue(m, client)
    m.publish("session")


def _clean_up(m: Machine, unit: Unit) -> None:
    """The client went in the middle of a transaction: roll it back."""
    client = unit.client
    if unit.finished:
        m.active = None
        return
    unit.finished = True
    txn = client.transaction
    ex = Exchange(unit)
    ex.error = True
    if txn is not None and 0 <= txn.depth < len(m.holders):
        guard.undo(m, ex, txn.depth, txn.journal, txn.ddl, client)
    elif m.continuing is not None and m.continuing.client is client:
        before, m.continuing = m.continuing, None
        guard.undo(m, ex, before.depth, before.journal, before.ddl, client)
    client.transaction = None
    if ex.upstream:
        m.send_exchange(ex)
