"""How does a unit run?  Its messages become exchanges, one after the other.

Most of a unit goes upstream as one batch. It is cut where something has to be known before the
next step can be taken: after DDL (the catalog is read anew before anything else is rewritten), at
transaction commands (what they mean depends on what came before), before an error of the proxy's
own (what stands before it runs first), at COPY FROM STDIN, and behind a count of people.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from devinprod_proxy.errors import ClientFault, Refusal
from devinprod_proxy.session import (
    answer,
    count,
    extended,
    guard,
    life,
    opening,
    receive,
    simple,
    transaction,
    welcome,
)
from devinprod_proxy.session import commands as c
from devinprod_proxy.session.client import Client, Transaction
from devinprod_proxy.session.exchange import OWN_PORTAL, Exchange
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
    if unit.cancelled:
        answer.fail_client(m, unit, Refusal("57014", "canceling statement due to user request"))
        unit.error = True
        return
    ex = Exchange(unit)
    if unit.chained:
        transaction.begin_chained(m, unit, ex)
    take = simple.take if unit.end == "query" else extended.take
    try:
        if unit.welcome:
            welcome.take(m, unit, ex)
        else:
            while not unit.error:
                if m.catalog_stale and (_left(unit) or unit.wrote):  # the guard names constraints
                    if not ex.steps:
                        opening.read_catalog(m)
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
    for fields in ex.records:  # nothing goes upstream on their strength: see Machine.record
        m.out.append(c.Record(fields, promised=False))
    ex.records = []
    receive.answer_leading(m, ex)


def _left(unit: Unit) -> bool:
    return bool(unit.frames or unit.texts or unit.known)


def inherit(unit: Unit, before: Unit) -> None:
    """*unit* goes on where *before* stopped without Sync: the same implicit transaction."""
    unit.depth, unit.pushed, unit.peek = before.depth, before.pushed, before.peek
    unit.started, unit.prefixed, unit.level = before.started, before.prefixed, before.level
    unit.journal, unit.ddl, unit.settings = before.journal, before.ddl, before.settings
    unit.ran, unit.wrote, unit.executed = before.ran, before.wrote, before.executed
    unit.several, unit.local = before.several, before.local


# After an error.


def recover(m: Machine, unit: Unit) -> None:
    """Undo what an error undoes: the statement, or back to the last savepoint of the transaction."""
    unit.recovered = True
    client = unit.client
    txn = client.transaction
    _forget_unconfirmed(client)
    if txn is not None and unit.ending is None and not client.gone:
        txn.failed = True
        if txn.depth >= 0:
            _roll_back(m, unit, lambda ex: _to_savepoint(m, ex, client, txn))
    elif txn is not None and txn.depth >= 0:
        client.transaction = None
        client.settings = dict(txn.settings)
        guard.drop_portals(client)
        _roll_back(m, unit, lambda ex: guard.undo(m, ex, txn.depth, txn.journal, txn.ddl, client))
    elif unit.ran or unit.ending is not None:
        client.transaction = None
        client.settings = dict(unit.settings)
        guard.drop_portals(client)
        if unit.level or not unit.pushed:
            _roll_back(m, unit, lambda ex: guard.undo(m, ex, unit.depth, unit.journal, unit.ddl, client))


RETRIES = 5
"""A client's statement_timeout holds until its statements are rolled back, and may be too short for that."""


def _roll_back(m: Machine, unit: Unit, compose: Callable[[Exchange], None], tried: int = 0) -> None:
    def done(ex: Exchange) -> None:
        if ex.failure.get("C") == "57014" and tried < RETRIES:
            _roll_back(m, unit, compose, tried + 1)
        elif ex.failure:  # a guard that cannot be rolled back to: nothing of this world can be trusted
            m.lose(f"it could not be rolled back to a savepoint: {ex.failure.get('M', '')}")

    ex = Exchange(unit, done=done)
    ex.error = True  # nothing of it answers the client
    # Where one of the proxy's own statements failed, its portal is still there.
    ex.close("P", OWN_PORTAL)
    compose(ex)
    m.send_exchange(ex)


def _to_savepoint(m: Machine, ex: Exchange, client: Client, txn: Transaction) -> None:
    guard.drop_holders(m, client, txn.depth + 1)
    if txn.savepoints:
        last = txn.savepoints[-1]
        ex.own(control.rollback_to(last.upstream))
        transaction.back_to(m, client, txn, last)
        return
    name = control.guard(txn.depth)
    back = control.rollback_to(name)
    ex.own(back, entry=m.own_entry(back))
    m.applied = dict(m.applied_at.get(name, {}))
    guard.forget(m, client, txn.journal, txn.ddl)
    client.settings = dict(txn.settings)
    guard.drop_portals(client)


def _forget_unconfirmed(client: Client) -> None:
    for name, prepared in list(client.prepared.items()):
        if not prepared.confirmed:
            del client.prepared[name]
        prepared.closing = False


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
    life.rest_soon(m)


def _clean_up(m: Machine, unit: Unit) -> None:
    """The client went in the middle of a transaction: roll it back."""
    client = unit.client
    if unit.finished:
        m.active = None
        return
    unit.finished = True
    txn = client.transaction
    client.transaction = None
    if txn is not None and 0 <= txn.depth < len(m.holders):
        _roll_back(m, unit, lambda ex: guard.undo(m, ex, txn.depth, txn.journal, txn.ddl, client))
    elif m.continuing is not None and m.continuing.client is client:
        before, m.continuing = m.continuing, None
        client.settings = dict(before.settings)
        guard.drop_portals(client)
        if before.ran and (before.level or not before.pushed):
            _roll_back(
                m, unit, lambda ex: guard.undo(m, ex, before.depth, before.journal, before.ddl, client)
            )
