"""What do the transaction commands mean in a world that is one open transaction?

Each runs in a batch of its own, since what it means depends on how the batch before it ended.
A client's transaction begins at a guard that has just been set (see ``machine``), so BEGIN sends
nothing, COMMIT releases the guard, ROLLBACK rolls back to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devinprod_proxy.errors import Refusal
from devinprod_proxy.pgwire import messages
from devinprod_proxy.session import count, guard
from devinprod_proxy.session.client import Client, Savepoint, Transaction
from devinprod_proxy.session.exchange import Exchange
from devinprod_proxy.session.settings import is_on
from devinprod_proxy.session.unit import Unit
from devinprod_proxy.session.verdict import Verdict, refuse
from devinprod_proxy.sql import control
from devinprod_proxy.sql.statement import Kind, Statement, TransactionMode

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine

_ISOLATION_CODE = "01000"


def warn(m: Machine, ex: Exchange, client: Client, code: str, message: str) -> None:
    """A WARNING in PostgreSQL's own words, in its place among the answers."""
    fields = {"S": "WARNING", "V": "WARNING", "C": code, "M": message}
    ex.answer(messages.notice(fields))


def tagged(m: Machine, ex: Exchange, unit: Unit, statement: Statement, tag: str) -> None:
    """Answer with a command tag, on the record as any statement."""
    execution = count.begin(m, ex, unit.client, statement, None)
    ex.answer(messages.command_complete(tag), lambda: count.completed(m, ex, execution, tag))


def take(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    """Compose one transaction command."""
    if ex.steps:
        return Verdict.FIRST
    unit.executed = True
    return _COMMANDS[statement.kind](m, unit, ex, statement)


def _begin(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    client = unit.client
    word = "START TRANSACTION" if statement.asked.lstrip()[:5].upper() == "START" else "BEGIN"
    if client.transaction is not None:
        warn(m, ex, client, "25001", "there is already a transaction in progress")
        _modes(m, unit, ex, statement.mode)
        tagged(m, ex, unit, statement, word)
        return Verdict.STOP
    if unit.pushed:
        unit.peek = False
        guard.prefix(m, unit, ex)
    _open(m, unit, ex, statement.mode)
    tagged(m, ex, unit, statement, word)
    return Verdict.STOP


def _open(m: Machine, unit: Unit, ex: Exchange, asked: TransactionMode | None) -> None:
    client = unit.client
    client.transaction = Transaction(unit.depth, m.now, unit.journal, dict(unit.settings), unit.ddl)
    client.transaction.local, unit.local = unit.local, {}
    m.holders.append(client)
    isolation = client.setting("default_transaction_isolation", "read committed")
    read_only = is_on(client.setting("default_transaction_read_only", "off"))
    if asked is not None and asked.read_only is not None:
        read_only = asked.read_only
    level = asked.isolation if asked is not None and asked.isolation else isolation
    _modes(m, unit, ex, TransactionMode(isolation=level, read_only=read_only or None))


def _modes(m: Machine, unit: Unit, ex: Exchange, mode: TransactionMode | None) -> None:
    txn = unit.client.transaction
    if mode is None or txn is None:
        return
    if mode.isolation and mode.isolation.lower() != txn.isolation:
        txn.isolation = mode.isolation.lower()
        if txn.isolation != "read uncommitted":
            fields = {
                "S": "NOTICE",
                "V": "NOTICE",
                "C": _ISOLATION_CODE,
                "M": f"devinprod: isolation level {txn.isolation} is accepted,"
                " but a session reads as READ COMMITTED does",
            }
            ex.answer(messages.notice(fields))
    if mode.read_only and not txn.read_only:
        txn.read_only = True
        guard.prefix(m, unit, ex)
        ex.own(control.read_only(), entry=m.own_entry(control.read_only()))


def _commit(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    client = unit.client
    txn = client.transaction
    chain = statement.mode is not None and statement.mode.chain
    if txn is None:
        if chain:
            return refuse(m, unit, ex, _needs_block("COMMIT AND CHAIN"), statement.asked)
        warn(m, ex, client, "25P01", "there is no transaction in progress")
        if unit.peek:
            tagged(m, ex, unit, statement, "COMMIT")
            return Verdict.STOP
        unit.ending = "commit"
        guard.close_portals(client, ex)
        if unit.wrote or unit.level:
            guard.commit_guard(m, ex, client, unit.depth, constraints=unit.wrote and not unit.pushed)
        ex.answer(b"", lambda: _begin_anew(m, unit))
        tagged(m, ex, unit, statement, "COMMIT")
        return Verdict.STOP
    if txn.failed:
        return _roll_back(m, unit, ex, statement, "ROLLBACK", chain)
    execution = count.begin(m, ex, client, statement, None)
    unit.ending = "commit"
    guard.close_portals(client, ex)
    guard.commit_guard(m, ex, client, txn.depth, constraints=True)

    def done() -> None:
        count.completed(m, ex, execution, "COMMIT")
        _close(m, unit, txn, keep=True)
        if chain:
            _chain(m, unit, txn)

    ex.answer(messages.command_complete("COMMIT"), done)
    return Verdict.STOP


def _rollback(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    client = unit.client
    chain = statement.mode is not None and statement.mode.chain
    if client.transaction is None:
        if chain:
            return refuse(m, unit, ex, _needs_block("ROLLBACK AND CHAIN"), statement.asked)
        warn(m, ex, client, "25P01", "there is no transaction in progress")
        if not unit.peek:
            unit.ending = "rollback"
            if unit.ran and (unit.level or not unit.pushed):
                guard.undo(m, ex, unit.depth, unit.journal, unit.ddl, client)
            client.settings = dict(unit.settings)
            guard.drop_portals(client)
            ex.answer(b"", lambda: _begin_anew(m, unit))
        tagged(m, ex, unit, statement, "ROLLBACK")
        return Verdict.STOP
    return _roll_back(m, unit, ex, statement, "ROLLBACK", chain)


def _roll_back(m: Machine, unit: Unit, ex: Exchange, statement: Statement, tag: str, chain: bool) -> Verdict:
    client = unit.client
    txn = client.transaction
    assert txn is not None
    execution = count.begin(m, ex, client, statement, None)
    unit.ending = "rollback"
    if txn.depth >= 0:
        guard.undo(m, ex, txn.depth, txn.journal, txn.ddl, client)
    guard.drop_portals(client)

    def done() -> None:
        count.completed(m, ex, execution, tag)
        _close(m, unit, txn, keep=False)
        if chain:
            _chain(m, unit, txn)

    ex.answer(messages.command_complete(tag), done)
    return Verdict.STOP


def _close(m: Machine, unit: Unit, txn: Transaction, *, keep: bool) -> None:
    client = unit.client
    client.transaction = None
    if m.holders and m.holders[-1] is client:
        m.holders.pop()
    if keep:
        client.end_local(txn.local)
        _notify(m, client, txn.notifications)
    else:
        client.settings = dict(txn.settings)
    if txn.depth >= 0:  # else its world is gone, and the unit runs where the floor has put it
        unit.depth, unit.pushed = txn.depth, txn.depth > 0
    _begin_anew(m, unit)


def _begin_anew(m: Machine, unit: Unit) -> None:
    """What follows in the same unit starts at a fresh guard."""
    unit.ending = None
    unit.client.end_local(unit.local)
    unit.wrote = unit.ran = unit.executed = unit.prefixed = unit.level = False
    unit.journal, unit.ddl, unit.settings = m.journal.position, m.ddl, dict(unit.client.settings)


def _chain(m: Machine, unit: Unit, txn: Transaction) -> None:
    client = unit.client
    new = Transaction(unit.depth, m.now, unit.journal, dict(unit.settings), unit.ddl)
    new.isolation, new.read_only = txn.isolation, txn.read_only
    client.transaction = new
    m.holders.append(client)
    unit.chained = unit.pushed or new.read_only


def begin_chained(m: Machine, unit: Unit, ex: Exchange) -> None:
    """AND CHAIN has begun a transaction: set what stands below it, before anything else of the unit."""
    unit.chained = False
    txn = unit.client.transaction
    if unit.pushed:
        guard.prefix(m, unit, ex)
    if txn is not None and txn.read_only:
        ex.own(control.read_only(), entry=m.own_entry(control.read_only()))


def _notify(m: Machine, sender: Client, notifications: list[tuple[str, str]]) -> None:
    for channel, payload in notifications:
        deliver(m, sender, channel, payload)


def deliver(m: Machine, sender: Client, channel: str, payload: str) -> None:
    """A NOTIFY has been committed within the session: whoever listens in it hears of it, nobody else."""
    pid = int.from_bytes(sender.key_data[5:9], "big") if len(sender.key_data) >= 9 else 0
    data = messages.notification(pid, channel, payload)
    for client in m.clients.values():
        if channel in client.channels:
            if (
                client is sender
                or client.transaction is not None
                or (m.active is not None and m.active.client is client)
            ):
                client.notifications.append(data)
            else:
                m.send(client, data)


def _needs_block(command: str) -> Refusal:
    return Refusal("25P01", f"{command} can only be used in transaction blocks")


def _savepoint(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    client = unit.client
    txn, name = client.transaction, statement.name or ""
    if txn is None:
        return refuse(m, unit, ex, _needs_block("SAVEPOINT"), statement.asked)
    guard.prefix(m, unit, ex)
    execution = count.begin(m, ex, client, statement, None)
    # A name of its own, so that names that are shadowed or cut off upstream never meet.
    m.serial += 1
    upstream = f"dip_s{m.serial}"
    point = Savepoint(
        name,
        upstream,
        m.journal.position,
        dict(client.settings),
        m.ddl,
        dict(m.applied),
        list(client.portals.values()),
        txn.read_only,
        dict(txn.local),
        len(txn.notifications),
    )

    def done() -> None:
        count.completed(m, ex, execution, "SAVEPOINT")
        txn.savepoints.append(point)

    ex.own(control.savepoint(upstream), reply=messages.command_complete("SAVEPOINT"), then=done)
    return Verdict.STOP


def own_name(client: Client, name: str) -> str:
    """The name under which a client's cursor is known upstream."""
    return f"dip_c{client.id}_{name}"


def _find(txn: Transaction, name: str) -> int | None:
    for index in range(len(txn.savepoints) - 1, -1, -1):
        if txn.savepoints[index].name == name:
            return index
    return None


def _release(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    client = unit.client
    txn, name = client.transaction, statement.name or ""
    if txn is None:
        return refuse(m, unit, ex, _needs_block("RELEASE SAVEPOINT"), statement.asked)
    index = _find(txn, name)
    if index is None:
        return refuse(m, unit, ex, Refusal("3B001", f'savepoint "{name}" does not exist'), statement.asked)
    execution = count.begin(m, ex, client, statement, None)

    def done() -> None:
        count.completed(m, ex, execution, "RELEASE")
        txn.read_only = txn.savepoints[index].read_only  # SET TRANSACTION since then ends with it
        del txn.savepoints[index:]

    ex.own(
        control.release(txn.savepoints[index].upstream), reply=messages.command_complete("RELEASE"), then=done
    )
    return Verdict.STOP


def _rollback_to(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    client = unit.client
    txn, name = client.transaction, statement.name or ""
    if txn is None:
        return refuse(m, unit, ex, _needs_block("ROLLBACK TO SAVEPOINT"), statement.asked)
    index = _find(txn, name)
    if index is None or txn.depth < 0:
        return refuse(m, unit, ex, Refusal("3B001", f'savepoint "{name}" does not exist'), statement.asked)
    execution = count.begin(m, ex, client, statement, None)
    point = txn.savepoints[index]

    def done() -> None:
        count.completed(m, ex, execution, "ROLLBACK")
        del txn.savepoints[index + 1 :]
        txn.failed = False
        back_to(m, client, txn, point)

    ex.own(control.rollback_to(point.upstream), reply=messages.command_complete("ROLLBACK"), then=done)
    return Verdict.STOP


def back_to(m: Machine, client: Client, txn: Transaction, point: Savepoint) -> None:
    """Upstream is (or will be, in the batch at hand) back at a savepoint of the client: so is the proxy."""
    guard.forget(m, client, point.journal, point.ddl)
    client.settings = dict(point.settings)
    m.applied = dict(point.applied)
    txn.read_only, txn.local = point.read_only, dict(point.local)
    del txn.notifications[point.notifications :]
    guard.drop_portals(client, point.portals)


def set_transaction(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    """SET TRANSACTION and SET SESSION CHARACTERISTICS (manual, SET TRANSACTION)."""
    if ex.steps:
        return Verdict.FIRST
    client, mode = unit.client, statement.mode
    assert mode is not None
    if "CHARACTERISTICS" in statement.asked.upper():
        if mode.isolation:
            client.settings["default_transaction_isolation"] = mode.isolation.lower()
        if mode.read_only is not None:
            client.settings["default_transaction_read_only"] = "on" if mode.read_only else "off"
        if mode.deferrable is not None:
            client.settings["default_transaction_deferrable"] = "on" if mode.deferrable else "off"
    elif client.transaction is None:
        warn(m, ex, client, "25P01", "SET TRANSACTION can only be used in transaction blocks")
    else:
        _modes(m, unit, ex, mode)
    tagged(m, ex, unit, statement, "SET")
    return Verdict.STOP


_COMMANDS = {
    Kind.BEGIN: _begin,
    Kind.COMMIT: _commit,
    Kind.ROLLBACK: _rollback,
    Kind.SAVEPOINT: _savepoint,
    Kind.RELEASE: _release,
    Kind.ROLLBACK_TO: _rollback_to,
}
