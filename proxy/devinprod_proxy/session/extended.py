"""The extended protocol: Parse, Bind, Describe, Execute, Close (manual 54.2.3).

Clients' statement and portal names live in the proxy. A Parse of a text that upstream already has
sends nothing; Describe is answered from what upstream said when the text was first prepared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from devinprod_proxy.errors import ClientFault, Refusal
from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.codec import Frame
from devinprod_proxy.pgwire.kinds import Frontend
from devinprod_proxy.pgwire.messages import Column
from devinprod_proxy.session import emulate, guard, simple, upstream
from devinprod_proxy.session.client import Client, Portal, Prepared
from devinprod_proxy.session.entries import BY_PREPARE, Entry
from devinprod_proxy.session.exchange import Exchange
from devinprod_proxy.session.execution import result_formats
from devinprod_proxy.session.unit import Unit
from devinprod_proxy.session.verdict import ENDING, FAILED, Verdict, refuse
from devinprod_proxy.sql.statement import ClientSql, Kind, Statement

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine


CHANGED = Refusal("0A000", "cached plan must not change result type")
"""PostgreSQL's own words: drivers know them, and prepare the statement again."""


def take(m: Machine, unit: Unit, ex: Exchange) -> Verdict | None:
    """Compose the next message of a unit; None when there is none left."""
    if not unit.frames:
        return None
    frame = unit.frames[0]
    handler = _MESSAGES.get(frame.kind)
    if handler is None:
        raise ClientFault(f"invalid frontend message type {frame.kind}", sqlstate="08P01")
    verdict = handler(m, unit, ex, frame)
    if verdict is not Verdict.FIRST and unit.frames:
        unit.frames.popleft()
    return verdict


def _failed(unit: Unit, statement: Statement) -> bool:
    txn = unit.client.transaction
    return (
        txn is not None and txn.failed and statement.kind not in ENDING and statement.kind is not Kind.EMPTY
    )


def _parse(m: Machine, unit: Unit, ex: Exchange, frame: Frame) -> Verdict:
    client = unit.client
    message = messages.parse_parse(frame.body)
    try:
        text = simple.decode(client, message.query)
    except ClientFault as fault:
        return refuse(m, unit, ex, fault.refusal)
    name, types = message.name, tuple(message.oids)
    if name and name in client.prepared and not client.prepared[name].closing:
        return refuse(m, unit, ex, Refusal("42P05", f'prepared statement "{name}" already exists'), text)
    world = m.world(client)
    statement: Statement | Refusal | None = m.rewriter.cached(text, world)
    if statement is None:
        parsed = m.rewriter.statements(text)
        if isinstance(parsed, Refusal):
            return refuse(m, unit, ex, parsed, text)
        if len(parsed) > 1:
            wrong = Refusal("42601", "cannot insert multiple commands into a prepared statement")
            return refuse(m, unit, ex, wrong, text)
        statement = m.rewriter.rewrite(parsed[0], world) if parsed else EMPTY
    if isinstance(statement, Refusal):
        return refuse(m, unit, ex, statement, text)
    if _failed(unit, statement):
        return refuse(m, unit, ex, FAILED, text)
    if emulate.answers(statement):
        _register(client, ex, Prepared(name, statement, types, None))
        return Verdict.GO
    names = statement.kind in (Kind.EXECUTE, Kind.FETCH) or (
        statement.kind is Kind.WRITE and statement.name is not None
    )
    if names and ex.steps:
        return Verdict.FIRST  # what it names may be made in this very batch
    resolved = emulate.resolve(m, client, statement, block=False)
    if isinstance(resolved, Refusal):
        return refuse(m, unit, ex, resolved, text)
    guard.prefix(m, unit, ex, None)
    fresh = not m.entry(client, resolved.run, types).sent if resolved.run is not None else False
    entry = upstream.ready_entry(m, ex, client, resolved, types)
    prepared = Prepared(name, resolved, types, entry, world=world.key, described=entry)
    if statement.kind is Kind.DECLARE:
        prepared.declared = statement
    _register(client, ex, prepared)
    if fresh:
        ex.records.append(
            m.fields(
                "statement.parse",
                client=client.label,
                cell=m.cell,
                asked=statement.asked,
                run=resolved.run.text,
            )
            if resolved.run is not None
            else m.fields("statement.parse", client=client.label, cell=m.cell, asked=statement.asked)
        )
    return Verdict.GO


def _register(client: Client, ex: Exchange, prepared: Prepared) -> None:
    """Known from here on; an error that comes before its turn among the replies undoes it."""
    prepared.confirmed = False
    client.prepared[prepared.name] = prepared

    def confirm() -> None:
        prepared.confirmed = True

    ex.answer(messages.parse_complete(), confirm)


def _renew(m: Machine, client: Client, prepared: Prepared) -> Refusal | None:
    """Rewrite a statement that was prepared in another world (policy, catalog, search_path) once more."""
    world = m.world(client)
    if prepared.world == world.key:
        return None
    parsed = m.rewriter.statements(ClientSql(prepared.statement.asked))
    if isinstance(parsed, Refusal):
        return parsed.at(None)
    statement = m.rewriter.rewrite(parsed[0], world)
    if isinstance(statement, Refusal):
        return statement.at(None)
    resolved = emulate.resolve(m, client, statement, block=False)
    if isinstance(resolved, Refusal):
        return resolved.at(None)
    prepared.statement, prepared.world = resolved, world.key
    if statement.kind is Kind.DECLARE:
        prepared.declared = statement
    return None


def _like_before(prepared: Prepared) -> bool:
    """True when the statement still gives the columns that its client has been told."""
    old, new = prepared.described, prepared.entry
    if old is None or new is None or old is new or not old.described:
        return True
    return _shape(old.columns) == _shape(new.columns)


def _shape(columns: tuple[Column, ...] | None) -> list[tuple[str, int, int]] | None:
    return None if columns is None else [(c.name, c.type_oid, c.typmod) for c in columns]


EMPTY = Statement(Kind.EMPTY, "empty", "", None)


def _bind(m: Machine, unit: Unit, ex: Exchange, frame: Frame) -> Verdict:
    client = unit.client
    message = messages.parse_bind(frame.body)
    prepared = client.prepared.get(message.statement)
    if prepared is None:
        what = (
            f'prepared statement "{message.statement}"' if message.statement else "unnamed prepared statement"
        )
        return refuse(m, unit, ex, Refusal("26000", f"{what} does not exist"))
    statement = prepared.statement
    if _failed(unit, statement):
        return refuse(m, unit, ex, FAILED, statement.asked)
    before = client.portals.get(message.portal)
    if message.portal and before is not None:
        return refuse(
            m, unit, ex, Refusal("42P03", f'cursor "{message.portal}" already exists'), statement.asked
        )
    if prepared.entry is None:
        if before is not None and before.upstream:
            ex.close("P", before.upstream)
        client.portals[message.portal] = Portal(message.portal, prepared, "", message)
        ex.answer(messages.bind_complete())
        return Verdict.GO
    guard.prefix(m, unit, ex, statement)
    if prepared.entry.key[3] != BY_PREPARE:  # it may have been pushed out of the cache, or outdated
        wrong = _renew(m, client, prepared)
        if wrong is not None:
            return refuse(m, unit, ex, wrong, statement.asked)
        statement = prepared.statement
        prepared.entry = upstream.ready_entry(m, ex, client, statement, prepared.types)
        if prepared.described is not prepared.entry and not prepared.entry.described:
            return Verdict.FIRST
        if not _like_before(prepared):
            return refuse(m, unit, ex, CHANGED, statement.asked)
    elif not prepared.entry.described:
        ex.describe(prepared.entry)
    if before is not None and before.upstream:
        ex.close("P", before.upstream)
    name = _portal_name(unit, message.portal, client.id)
    client.portals[message.portal] = Portal(message.portal, prepared, name, message)
    unit.ran = unit.executed = True  # the portal lives until Sync, and so has the implicit transaction to
    ex.bind(name, prepared.entry, message.tail, reply=messages.bind_complete())
    return Verdict.GO


def _portal_name(unit: Unit, name: str, client: int) -> str:
    """Upstream's unnamed portal where this unit binds and runs it to its end, else a name of the proxy's."""
    if name:
        return f"dip_c{client}_{name}"
    for frame in list(unit.frames)[1:]:
        if frame.kind == Frontend.BIND:
            break
        if frame.kind == Frontend.EXECUTE:
            portal, max_rows = messages.parse_execute(frame.body)
            if portal == "":
                return "" if max_rows == 0 else f"dip_u{client}"
    return f"dip_u{client}"


def _describe(m: Machine, unit: Unit, ex: Exchange, frame: Frame) -> Verdict:
    client = unit.client
    what, name = messages.parse_describe(frame.body)
    if what == "S":
        prepared = client.prepared.get(name)
        if prepared is None:
            label = f'prepared statement "{name}"' if name else "unnamed prepared statement"
            return refuse(m, unit, ex, Refusal("26000", f"{label} does not exist"))
        if _failed(unit, prepared.statement) and (
            prepared.entry is None or prepared.entry.columns is not None
        ):
            return refuse(m, unit, ex, FAILED, prepared.statement.asked)
        if prepared.entry is not None and not prepared.entry.described and prepared.entry.sent:
            if not any(s.entry is prepared.entry for s in ex.steps):
                ex.describe(prepared.entry)
        elif prepared.entry is not None and not prepared.entry.sent:
            wrong = _renew(m, client, prepared)
            if wrong is not None:
                return refuse(m, unit, ex, wrong, prepared.statement.asked)
            guard.prefix(m, unit, ex)
            prepared.entry = upstream.ready_entry(m, ex, client, prepared.statement, prepared.types)
        ex.answer(_described(m, unit, prepared))
        return Verdict.GO
    portal = client.portals.get(name)
    if portal is None:
        return refuse(m, unit, ex, Refusal("34000", f'portal "{name}" does not exist'))
    if _failed(unit, portal.prepared.statement):
        return refuse(m, unit, ex, FAILED, portal.prepared.statement.asked)
    if portal.bound is None:  # a cursor made by DECLARE: upstream knows what it gives
        described = Entry("", ("", (), "", 0), statement=portal.prepared.statement)
        ex.describe_portal(portal.upstream, described)
        portal = replace(portal, prepared=replace(portal.prepared, entry=described))
    ex.answer(_described_portal(m, unit, portal))
    return Verdict.GO


def _described(m: Machine, unit: Unit, prepared: Prepared) -> Callable[[], bytes]:
    client = unit.client

    def say() -> bytes:
        entry = prepared.entry
        if entry is None:
            own = emulate.columns(prepared.statement)
            rows = messages.no_data() if own is None else messages.row_description(own)
            return messages.parameter_description(()) + rows
        head = messages.parameter_description(entry.parameters)
        if entry.columns is None:
            return head + messages.no_data()
        return head + upstream.marks_notice(m, client, prepared.statement) + entry.row_description

    return say


def _described_portal(m: Machine, unit: Unit, portal: Portal) -> Callable[[], bytes]:
    client = unit.client

    def say() -> bytes:
        prepared = portal.prepared
        if prepared.entry is None:
            own = emulate.columns(prepared.statement)
            return messages.no_data() if own is None else messages.row_description(own)
        columns = prepared.entry.columns
        if columns is None:
            return messages.no_data()
        formats = portal.formats
        described = (
            messages.row_description(result_formats(columns, formats))
            if any(formats)
            else prepared.entry.row_description
        )
        return upstream.marks_notice(m, client, prepared.statement) + described

    return say


def _execute(m: Machine, unit: Unit, ex: Exchange, frame: Frame) -> Verdict:
    client = unit.client
    name, max_rows = messages.parse_execute(frame.body)
    portal = client.portals.get(name)
    if portal is None:
        return refuse(m, unit, ex, Refusal("34000", f'portal "{name}" does not exist'))
    statement = portal.prepared.statement
    if _failed(unit, statement):
        return refuse(m, unit, ex, FAILED, statement.asked)
    if portal.prepared.entry is None and not portal.upstream:
        return emulate.take(m, unit, ex, statement)
    declared = portal.prepared.declared
    if declared is not None:
        portal = replace(portal)
        return upstream.run_declare(m, unit, ex, portal, declared)
    return upstream.run_portal(m, unit, ex, portal, max_rows)


def _close(m: Machine, unit: Unit, ex: Exchange, frame: Frame) -> Verdict:
    client = unit.client
    what, name = messages.parse_close(frame.body)
    if what == "S":
        prepared = client.prepared.get(name)

        def closed() -> None:
            if prepared is not None and client.prepared.get(name) is prepared:
                del client.prepared[name]

        if prepared is not None:
            prepared.closing = True
        ex.answer(messages.close_complete(), closed)
        return Verdict.GO
    portal = client.portals.pop(name, None)
    if portal is not None and portal.upstream:
        ex.close("P", portal.upstream, reply=messages.close_complete())
    else:
        ex.answer(messages.close_complete())
    return Verdict.GO


_MESSAGES: dict[int, Callable[[Machine, Unit, Exchange, Frame], Verdict]] = {
    Frontend.PARSE: _parse,
    Frontend.BIND: _bind,
    Frontend.DESCRIBE: _describe,
    Frontend.EXECUTE: _execute,
    Frontend.CLOSE: _close,
}
