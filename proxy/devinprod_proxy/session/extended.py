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
from devinprod_proxy.session.entries import Entry
from devinprod_proxy.session.exchange import Exchange
from devinprod_proxy.session.execution import result_formats
from devinprod_proxy.session.unit import Unit
from devinprod_proxy.session.verdict import ENDING, FAILED, Verdict, refuse
from devinprod_proxy.sql.statement import ClientSql, Kind, Statement

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine


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
    return txn is not None and txn.failed and statement.kind not in ENDING


def _parse(m: Machine, unit: Unit, ex: Exchange, frame: Frame) -> Verdict:
    client = unit.client
    message = messages.parse_parse(frame.body)
    try:
        text = simple.decode(client, message.query)
    except ClientFault as fault:
        return refuse(m, unit, ex, fault.refusal)
    name, types = message.name, tuple(message.oids)
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
    if _failed(unit, statement) and statement.kind is not Kind.EMPTY:
        return refuse(m, unit, ex, FAILED, text)
    if name and name in client.prepared and not client.prepared[name].closing:
        return refuse(m, unit, ex, Refusal("42P05", f'prepared statement "{name}" already exists'), text)
    if emulate.answers(statement):
        _register(client, ex, Prepared(name, statement, types, None, world=world.key))
        return Verdict.GO
    if _names_something(statement):
        if ex.steps:
            return Verdict.FIRST  # what it names may be made in this very batch
        late = Prepared(name, statement, types, None, world=world.key, late=statement)
        guard.prefix(m, unit, ex, None)
        _look_up(m, unit, ex, late)  # where it is not there yet, Bind looks again
        _register(client, ex, late)
        return Verdict.GO
    assert statement.run is not None
    guard.prefix(m, unit, ex, None)
    fresh = not m.entry(client, statement.run, types).sent
    entry = upstream.ready_entry(m, ex, client, statement, types)
    _register(client, ex, Prepared(name, statement, types, entry, world=world.key, described=entry))
    if fresh:
        ex.records.append(
            m.fields(
                "statement.parse",
                client=client.label,
                cell=m.cell,
                asked=statement.asked,
                run=statement.run.text,
            )
        )
    return Verdict.GO


def _names_something(statement: Statement) -> bool:
    """True where it speaks of a cursor or of a prepared statement: what that is, is seen when it is bound."""
    if statement.kind in (Kind.EXECUTE, Kind.FETCH, Kind.DECLARE):
        return True
    return statement.kind in (Kind.WRITE, Kind.EXPLAIN) and statement.name is not None


def _look_up(m: Machine, unit: Unit, ex: Exchange, prepared: Prepared) -> Refusal | None:
    """Find what a statement names, as of now."""
    assert prepared.late is not None
    resolved = emulate.resolve(m, unit.client, prepared.late, block=unit.several)
    if isinstance(resolved, Refusal):
        return resolved.at(None)
    prepared.statement = resolved
    prepared.entry = upstream.ready_entry(m, ex, unit.client, resolved, prepared.types)
    if prepared.late.kind is Kind.DECLARE:
        prepared.declared = prepared.late
    return None


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
    if prepared.world == world.key or prepared.statement.kind is Kind.EMPTY:
        return None
    before = prepared.statement if prepared.late is None else prepared.late
    parsed = m.rewriter.statements(ClientSql(before.asked))
    if isinstance(parsed, Refusal):
        return parsed.at(None)
    statement = m.rewriter.rewrite(parsed[0], world)
    if isinstance(statement, Refusal):
        return statement.at(None)
    prepared.statement, prepared.world = statement, world.key
    if prepared.late is not None:
        prepared.late = statement
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
    if prepared.late is not None:
        if ex.steps:
            return Verdict.FIRST  # what it names may be made in this very batch
        guard.prefix(m, unit, ex, statement)
        wrong = _renew(m, client, prepared) or _look_up(m, unit, ex, prepared)
        if wrong is not None:
            return refuse(m, unit, ex, wrong, statement.asked)
        statement = prepared.statement
    if prepared.entry is None:
        if before is not None and before.upstream:
            ex.close("P", before.upstream)
        client.portals[message.portal] = Portal(message.portal, prepared, "", message)
        ex.answer(messages.bind_complete())
        return Verdict.GO
    guard.prefix(m, unit, ex, statement)
    if prepared.late is None:  # it may have been pushed out of the cache, or outdated
        wrong = _renew(m, client, prepared)
        if wrong is not None:
            return refuse(m, unit, ex, wrong, statement.asked)
        statement = prepared.statement
        prepared.entry = upstream.ready_entry(m, ex, client, statement, prepared.types)
        if prepared.described is not prepared.entry and not prepared.entry.described:
            return Verdict.FIRST
        if not _like_before(prepared):
            return refuse(m, unit, ex, emulate.CHANGED, statement.asked)
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
    declared = portal.prepared.declared
    if portal.prepared.entry is None and not portal.upstream:
        wrong = _renew(m, client, portal.prepared)  # PREPARE has a text that goes upstream
        if wrong is not None:
            return refuse(m, unit, ex, wrong, statement.asked)
        verdict = emulate.take(m, unit, ex, portal.prepared.statement)
    elif declared is not None:
        verdict = upstream.run_declare(m, unit, ex, replace(portal), declared)
    else:
        verdict = upstream.run_portal(m, unit, ex, portal, max_rows)
    if verdict is not Verdict.FIRST and statement.kind is not Kind.EMPTY:
        unit.several = statement.kind not in (Kind.BEGIN, Kind.COMMIT, Kind.ROLLBACK, Kind.DISCARD)
    return verdict


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
