"""Which commands does the session answer by itself?

Settings, prepared statements, cursors and LISTEN belong to a connection. Many share one backend
here, so the proxy keeps them, per client, and answers as PostgreSQL would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from devinprod_proxy.errors import Refusal
from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.messages import Column
from devinprod_proxy.session import count, guard, transaction
from devinprod_proxy.session.client import Client, Prepared
from devinprod_proxy.session.entries import BY_PREPARE
from devinprod_proxy.session.exchange import Exchange
from devinprod_proxy.session.settings import DEFAULTS, PINNED, VIRTUAL, codec_of
from devinprod_proxy.session.transaction import tagged, warn
from devinprod_proxy.session.unit import Unit
from devinprod_proxy.session.verdict import Verdict, refuse
from devinprod_proxy.sql import rewrite
from devinprod_proxy.sql.statement import ClientSql, Kind, ServerSql, Setting, Statement

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine

TEXT = 25
CHANGED = Refusal("0A000", "cached plan must not change result type")
"""PostgreSQL's own words: drivers know them, and prepare the statement again."""


def answers(statement: Statement) -> bool:
    """True when the session answers *statement* by itself."""
    if statement.kind is Kind.SHOW:
        return (statement.name or "").lower() in VIRTUAL
    return statement.kind in _COMMANDS


def columns(statement: Statement) -> tuple[Column, ...] | None:
    """The result columns of a statement that the session answers itself."""
    if statement.kind is Kind.SHOW:
        return (Column((statement.name or "").lower(), 0, 0, TEXT, -1, -1, 0),)
    return None


def take(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    """Compose one such command."""
    return _COMMANDS[statement.kind](m, unit, ex, statement)


# Settings.


def _set(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    if statement.mode is not None and not statement.settings:
        return transaction.set_transaction(m, unit, ex, statement)
    if ex.steps:
        return Verdict.FIRST
    client = unit.client
    for setting in statement.settings:
        wrong = unacceptable(setting)
        if wrong is not None:
            return refuse(m, unit, ex, wrong, statement.asked)
    local = any(s.local for s in statement.settings)
    if local and client.transaction is None and not unit.several:
        warn(m, ex, client, "25P01", "SET LOCAL can only be used in transaction blocks")
    else:
        for setting in statement.settings:
            _adopt(client, setting, unit)
        guard.prefix(m, unit, ex)
    tagged(m, ex, unit, statement, "RESET" if statement.kind is Kind.RESET else "SET")
    return Verdict.STOP


def _reset(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    if statement.name is not None:
        return _set(m, unit, ex, replace(statement, settings=(Setting(statement.name, None),)))
    if ex.steps:
        return Verdict.FIRST
    _reset_all(m, unit, ex)
    tagged(m, ex, unit, statement, "RESET")
    return Verdict.STOP


def _reset_all(m: Machine, unit: Unit, ex: Exchange) -> None:
    client = unit.client
    client.settings = dict(client.startup)
    if client.transaction is not None:
        client.transaction.local.clear()
    guard.prefix(m, unit, ex)


def unacceptable(setting: Setting) -> Refusal | None:
    """Why a setting cannot be taken over, if so."""
    name, value = setting.name.lower(), setting.value
    if value is None:
        return None
    pinned = PINNED.get(name)
    if pinned is not None and value.lower() != pinned:
        return Refusal(
            "0A000",
            f'"{name}" is pinned to "{pinned}": it decides how SQL text is read',
            "Leave the setting alone, or set it to that value.",
        )
    if name == "client_encoding" and codec_of(value) is None:
        return Refusal("22023", f'invalid value for parameter "client_encoding": "{value}"', "Use UTF8.")
    return None


def _adopt(client: Client, setting: Setting, unit: Unit) -> None:
    """The client's setting from now on (undone by its ROLLBACK, ended by COMMIT if LOCAL)."""
    name = setting.name.lower()
    local = unit.local if client.transaction is None else client.transaction.local
    if setting.local:
        local.setdefault(name, client.settings.get(name))
    else:
        local.pop(name, None)  # the later of the two counts at COMMIT
    value = client.startup.get(name) if setting.value is None else setting.value
    if value is None:
        client.settings.pop(name, None)
    else:
        client.settings[name] = value


def _show(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    name = (statement.name or "").lower()
    value = unit.client.setting(name, DEFAULTS.get(name, ""))
    execution = count.begin(m, ex, unit.client, statement, None)
    described = columns(statement)
    head = messages.row_description(described) if unit.end == "query" and described else b""
    data = head + messages.data_row([value.encode()]) + messages.command_complete("SHOW")
    ex.answer(data, lambda: count.completed(m, ex, execution, "SHOW"))
    return Verdict.GO


def _discard(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    if ex.steps:
        return Verdict.FIRST
    client = unit.client
    what = (statement.name or statement.asked.split()[-1].strip(";")).upper()
    if what == "ALL":
        if client.transaction is not None or unit.several:
            wrong = Refusal("25001", "DISCARD ALL cannot run inside a transaction block")
            return refuse(m, unit, ex, wrong, statement.asked)
        guard.close_portals(client, ex)
        for portal in client.portals.values():
            ex.close("P", portal.upstream)
        client.portals.clear()
        client.prepared.clear()
        client.channels.clear()
        _reset_all(m, unit, ex)
    tagged(m, ex, unit, statement, f"DISCARD {what}")
    return Verdict.STOP


# Prepared statements and cursors.


def _prepare(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    if ex.steps:
        return Verdict.FIRST
    client, name, inner = unit.client, statement.name or "", statement.inner
    if name in client.prepared:
        wrong = Refusal("42P05", f'prepared statement "{name}" already exists')
        return refuse(m, unit, ex, wrong, statement.asked)
    if inner is None:
        return refuse(m, unit, ex, Refusal("0A000", "this statement cannot be prepared"), statement.asked)
    guard.prefix(m, unit, ex, inner)
    world = m.world(client).key
    entry = m.entries.get((f"PREPARE {client.id} {name} {m.next_id()}", (), "", BY_PREPARE))
    entry.sent, entry.in_use, entry.statement = True, 1, inner
    execution = count.begin(m, ex, client, statement, None)

    def done() -> None:
        client.prepared[name] = Prepared(name, inner, (), entry, world=world)
        count.completed(m, ex, execution, "PREPARE")

    ex.own(rewrite.renamed(statement, entry.name), reply=messages.command_complete("PREPARE"), then=done)
    ex.steps[-2].entry = entry  # an error names the statement that was being prepared
    return Verdict.STOP


def _deallocate(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    if ex.steps:
        return Verdict.FIRST
    client, name = unit.client, statement.name
    if name is None:
        for prepared in client.prepared.values():
            _let_go(prepared)
        client.prepared.clear()
        tagged(m, ex, unit, statement, "DEALLOCATE ALL")
        return Verdict.GO
    if name not in client.prepared:
        wrong = Refusal("26000", f'prepared statement "{name}" does not exist')
        return refuse(m, unit, ex, wrong, statement.asked)
    _let_go(client.prepared.pop(name))
    tagged(m, ex, unit, statement, "DEALLOCATE")
    return Verdict.GO


def _let_go(prepared: Prepared) -> None:
    if prepared.entry is not None and prepared.entry.in_use:
        prepared.entry.in_use = 0  # made by PREPARE: closed upstream when the cache is full


def _close_cursor(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    if ex.steps:
        return Verdict.FIRST
    client, name = unit.client, statement.name
    names = list(client.portals) if name is None else [name]
    for one in names:
        portal = client.portals.pop(one, None)
        if portal is None:
            wrong = Refusal("34000", f'cursor "{one}" does not exist')
            return refuse(m, unit, ex, wrong, statement.asked)
        if portal.upstream:
            ex.close("P", portal.upstream)
    tagged(m, ex, unit, statement, "CLOSE CURSOR ALL" if name is None else "CLOSE CURSOR")
    return Verdict.GO


def resolve(m: Machine, client: Client, statement: Statement, *, block: bool) -> Statement | Refusal:
    """A statement that names a cursor or prepared statement, under the name that upstream knows.

    *block*: it is one of several in a Query, which is a transaction block too.
    """
    kind, name = statement.kind, statement.name
    if kind is Kind.EXECUTE or (kind is Kind.EXPLAIN and name is not None):
        prepared = client.prepared.get(name or "")
        if prepared is None:
            return Refusal("26000", f'prepared statement "{name}" does not exist')
        if prepared.entry is None:
            return Refusal("0A000", "EXECUTE of this command is not supported", "Send the command itself.")
        outdated = _outdated(m, client, prepared)
        if outdated is not None:
            return outdated
        target, run = prepared.statement, rewrite.renamed(statement, prepared.entry.name)
        if kind is Kind.EXPLAIN:
            return replace(statement, run=run, relations=target.relations, masked=target.masked)
        return _like(target, statement, run)
    if kind is Kind.DECLARE:
        if client.transaction is None and not statement.holdable and not block:
            return Refusal("25P01", "DECLARE CURSOR can only be used in transaction blocks")
        if name in client.portals:
            return Refusal("42P03", f'cursor "{name}" already exists')
        return replace(statement, run=rewrite.renamed(statement, transaction.own_name(client, name or "")))
    if kind is Kind.FETCH or (name is not None and kind is Kind.WRITE):
        portal = client.portals.get(name or "")
        if portal is None:
            return Refusal("34000", f'cursor "{name}" does not exist')
        run = rewrite.renamed(statement, portal.upstream)
        if kind is Kind.WRITE:
            return replace(statement, run=run)
        return replace(_like(portal.prepared.statement, statement, run), kind=Kind.FETCH)
    return statement


def _outdated(m: Machine, client: Client, prepared: Prepared) -> Refusal | None:
    """Why a prepared statement does not run any more.

    The server plans it anew for the tables that have its names *now*: after a ROLLBACK they can be
    others than those that its masks were chosen for.
    """
    world = m.world(client)
    if prepared.world == world.key:
        return None
    parsed = m.rewriter.statements(ClientSql(prepared.statement.asked))
    if isinstance(parsed, Refusal):
        return parsed.at(None)
    again = m.rewriter.rewrite(parsed[0], world)
    if isinstance(again, Refusal):
        return again.at(None)
    statement = again if again.inner is None else again.inner
    if statement.run != prepared.statement.run:
        return CHANGED
    prepared.statement, prepared.world = statement, world.key
    return None


def _like(target: Statement, statement: Statement, run: ServerSql) -> Statement:
    """*statement* as it acts on *target*: with its marks, its people, its effects."""
    return replace(
        target,
        asked=statement.asked,
        run=run,
        location=statement.location,
        length=statement.length,
        people=None if target.people is None else replace(target.people, probe=None),
        tree=statement.tree,
    )


# LISTEN and NOTIFY, within the session.


def _listen(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    if ex.steps:
        return Verdict.FIRST
    unit.client.channels.add(statement.name or "")
    tagged(m, ex, unit, statement, "LISTEN")
    return Verdict.GO


def _unlisten(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    if ex.steps:
        return Verdict.FIRST
    if statement.name is None:
        unit.client.channels.clear()
    else:
        unit.client.channels.discard(statement.name)
    tagged(m, ex, unit, statement, "UNLISTEN")
    return Verdict.GO


def _notify(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    if ex.steps:
        return Verdict.FIRST
    client, note = unit.client, (statement.name or "", statement.payload or "")
    tagged(m, ex, unit, statement, "NOTIFY")
    if client.transaction is not None:
        client.transaction.notifications.append(note)
    else:
        transaction.deliver(m, client, *note)
    return Verdict.STOP


def _empty(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    ex.answer(messages.empty_query())
    return Verdict.GO


def adopt_from_functions(m: Machine, unit: Unit, statement: Statement) -> None:
    """set_config() in a statement that has succeeded: the client's settings follow."""
    for setting in statement.settings:
        if unit.client.transaction is not None or unit.several or not setting.local:
            _adopt(unit.client, setting, unit)
        name = setting.name.lower()
        if name not in VIRTUAL and setting.value is not None:
            m.applied[name] = setting.value


_Command = Callable[["Machine", Unit, Exchange, Statement], Verdict]
_COMMANDS: dict[Kind, _Command] = {
    Kind.BEGIN: transaction.take,
    Kind.COMMIT: transaction.take,
    Kind.ROLLBACK: transaction.take,
    Kind.SAVEPOINT: transaction.take,
    Kind.RELEASE: transaction.take,
    Kind.ROLLBACK_TO: transaction.take,
    Kind.SET: _set,
    Kind.RESET: _reset,
    Kind.SHOW: _show,
    Kind.DISCARD: _discard,
    Kind.PREPARE: _prepare,
    Kind.DEALLOCATE: _deallocate,
    Kind.CLOSE: _close_cursor,
    Kind.LISTEN: _listen,
    Kind.UNLISTEN: _unlisten,
    Kind.NOTIFY: _notify,
    Kind.EMPTY: _empty,
}
