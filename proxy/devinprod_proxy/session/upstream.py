"""How is a rewritten statement sent, in either protocol?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from devinprod_proxy.errors import Refusal
from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.codec import row_values
from devinprod_proxy.session import answer, count, emulate, guard, transaction
from devinprod_proxy.session.client import Client, Portal, Prepared
from devinprod_proxy.session.entries import Entry
from devinprod_proxy.session.exchange import Exchange, Expect, Step
from devinprod_proxy.session.execution import Execution, fixed_keys
from devinprod_proxy.session.unit import Unit
from devinprod_proxy.session.verdict import Verdict, refuse
from devinprod_proxy.sql.statement import Kind, Statement

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine

TEXT_TAIL = messages.bind("", "")[7:]
"""What follows the names in a Bind without parameters, results as text."""

NEEDS_BLOCK = {"lock_stmt": "LOCK TABLE"}
"""Statements that PostgreSQL takes only in a transaction block."""


def ready_entry(
    m: Machine, ex: Exchange, client: Client, statement: Statement, types: tuple[int, ...]
) -> Entry:
    """The upstream statement for a rewritten text, parsed and described first if upstream lacks it."""
    assert statement.run is not None
    entry = m.entry(client, statement.run, types)
    entry.statement = statement
    if entry.sent and not entry.described and not any(step.entry is entry for step in ex.steps):
        ex.describe(entry)  # what came right behind its Parse was not reached
    if not entry.sent:
        ex.prepare(entry, statement.run, client.codec)
        for old in m.entries.overflow():
            if old.sent:
                ex.close("S", old.name)
    return entry


def _wants_block(unit: Unit, statement: Statement) -> Refusal | None:
    command = NEEDS_BLOCK.get(statement.node)
    if command is None or unit.client.transaction is not None or unit.several:
        return None
    return Refusal("25P01", f"{command} can only be used in transaction blocks")


def run_text(m: Machine, unit: Unit, ex: Exchange, statement: Statement, *, declared: Statement) -> Verdict:
    """Run one statement of the simple protocol."""
    client = unit.client
    wrong = _wants_block(unit, statement)
    if wrong is not None:
        return refuse(m, unit, ex, wrong, statement.asked)
    if statement.kind in (Kind.COPY_IN, Kind.SET_CONSTRAINTS) and ex.steps:
        return Verdict.FIRST
    guard.prefix(m, unit, ex, statement)
    entry = ready_entry(m, ex, client, statement, ())
    portal = Portal(
        "", Prepared("", statement, (), entry), "", messages.parse_bind(messages.bind("", "")[5:])
    )
    verdict = probe(m, unit, ex, statement, entry, portal)
    if verdict is not None:
        return verdict
    ex.bind("", entry, TEXT_TAIL)
    if statement.returns_rows or statement.kind in (Kind.EXPLAIN, Kind.SHOW, Kind.FETCH):
        ex.answer(lambda: _head(m, client, entry, statement))
    execution = count.begin(m, ex, client, statement, entry, None)
    _note_scanned(unit, execution)
    return _execute(m, unit, ex, statement, "", 0, execution, declared=declared)


def _head(m: Machine, client: Client, entry: Entry, statement: Statement) -> bytes:
    if entry.columns is None:
        return b""
    return marks_notice(m, client, statement) + entry.row_description


def marks_notice(m: Machine, client: Client, statement: Statement) -> bytes:
    """Tell a client that asked for it which result columns are masked, ahead of their description."""
    if not client.annotate:
        return b""
    remaining = m.budget.remaining(m.identity.user, m.identity.role)
    marks = [
        {"position": x.position, "name": x.name, "mask": x.mask, "domain": x.domain, "source": x.source}
        for x in statement.marks
    ]
    detail = json.dumps({"marks": marks, "people": remaining.get("people")}, ensure_ascii=False)
    names = ", ".join(x.name for x in statement.marks)
    columns = "column" if len(marks) == 1 else "columns"
    text = f"devinprod: {len(marks)} masked {columns}" + (f": {names}" if names else "")
    return messages.notice({"S": "NOTICE", "V": "NOTICE", "C": "01DP1", "M": text, "D": detail})


def run_portal(m: Machine, unit: Unit, ex: Exchange, portal: Portal, max_rows: int) -> Verdict:
    """Execute in the extended protocol."""
    client, statement = unit.client, portal.prepared.statement
    if statement.kind is Kind.COPY_IN and any(s.execution is not None for s in ex.steps):
        return Verdict.FIRST
    wrong = _wants_block(unit, statement)
    if wrong is not None:
        return refuse(m, unit, ex, wrong, statement.asked)
    if portal.execution is None or portal.execution.tag is not None:
        entry = portal.prepared.entry
        if entry is not None:
            verdict = probe(m, unit, ex, statement, entry, portal)
            if verdict is not None:
                return verdict
        execution = count.begin(m, ex, client, statement, entry, portal)
        _note_scanned(unit, execution)
        if statement.people is not None and portal.bound is not None:
            execution.parameters = portal.bound.values()
        portal.execution = execution
    else:
        execution = portal.execution
        execution.reported = False
        ex.executions.append(execution)
    return _execute(m, unit, ex, statement, portal.upstream, max_rows, execution, declared=statement)


def _execute(
    m: Machine,
    unit: Unit,
    ex: Exchange,
    statement: Statement,
    portal: str,
    max_rows: int,
    execution: Execution,
    *,
    declared: Statement,
) -> Verdict:
    unit.executed = unit.ran = True
    if not statement.reads_only and not unit.peek:
        unit.wrote = True
    client = unit.client
    if statement.kind is Kind.SET_CONSTRAINTS and client.transaction is None:
        unit.wrote = True  # it ends with the statement: so must the guard below it
        if not unit.several:
            message = "SET CONSTRAINTS can only be used in transaction blocks"
            transaction.warn(m, ex, client, "25P01", message)
    ex.execute(portal, max_rows, execution)
    if declared.kind is Kind.DECLARE:
        name = declared.name or ""
        upstream = transaction.own_name(client, name)
        inner = declared.inner or declared
        if declared.holdable and client.transaction is None:
            unit.wrote = True  # the guard has to be set anew behind it, or the next error takes it away

        def declare() -> None:
            client.portals[name] = Portal(
                name, Prepared("", inner, (), None), upstream, holdable=declared.holdable
            )

        ex.answer(b"", declare)
        return Verdict.GO
    if statement.settings:
        ex.answer(b"", lambda: emulate.adopt_from_functions(m, unit, statement))
    if statement.kind is Kind.COPY_IN:
        ex.parts.append(messages.flush())
        ex.copying = True
        return Verdict.STOP
    if statement.kind is Kind.DDL:
        return Verdict.STOP
    return Verdict.GO


def run_declare(m: Machine, unit: Unit, ex: Exchange, portal: Portal, declared: Statement) -> Verdict:
    """Execute a DECLARE that came by the extended protocol."""
    statement = portal.prepared.statement
    execution = count.begin(m, ex, unit.client, statement, portal.prepared.entry, portal)
    return _execute(m, unit, ex, statement, portal.upstream, 0, execution, declared=declared)


def probe(
    m: Machine, unit: Unit, ex: Exchange, statement: Statement, entry: Entry, portal: Portal
) -> Verdict | None:
    """Before an aggregate over people's rows runs: count the people that it scans. None: go on."""
    people = statement.people
    if people is None or not people.aggregates or people.probe is None:
        return None
    if unit.probed == (statement.asked, statement.location):
        unit.probed = None  # the next run of it is counted anew
        return None
    pinned = Execution("", unit.client, statement, entry, portal, m.now, {})
    pinned.parameters = portal.bound.values() if portal.bound is not None else None
    if fixed_keys(pinned) is not None:
        return None
    unit.probed = (statement.asked, statement.location)
    unit.ran = True
    captured: list[bytes] = []
    types = portal.prepared.types
    counter = m.entry(unit.client, people.probe, types)
    counter.statement = statement
    if not counter.sent:
        counter.sent = True
        ex.parts.append(messages.parse(counter.name, people.probe.text.encode(unit.client.codec), types))
        ex.steps.append(Step(Expect.PARSE, entry=counter))
    values = portal.bound.values() if portal.bound is not None else None
    bound = messages.bind(
        "devinprod", counter.name, values.formats if values else (), values.values if values else (), ()
    )
    ex.parts.append(bound + messages.execute("devinprod") + messages.close("P", "devinprod"))
    ex.steps.append(Step(Expect.BIND))
    ex.steps.append(Step(Expect.EXECUTE, captured=captured))
    ex.steps.append(Step(Expect.CLOSE, b"", lambda: _counted(m, unit, statement, captured)))
    # The statement was prepared in this batch; it is bound in the next, once the people are counted.
    return Verdict.FIRST


def _note_scanned(unit: Unit, execution: Execution) -> None:
    if unit.scanned is not None:
        execution.counted, execution.people, unit.scanned = True, unit.scanned, None


def _counted(m: Machine, unit: Unit, statement: Statement, captured: list[bytes]) -> None:
    found = [v for data in captured for v in row_values(data, 0)]
    scanned = int(found[0]) if found and found[0] is not None else 0
    user, role = m.identity.user, m.identity.role
    limit = m.limits.subjects_per_day
    refusal = m.budget.people_anonymous(user, role, min(scanned, limit))
    if refusal is not None:
        count.refused(m, unit.client, statement.asked, refusal)
        answer.fail_client(m, unit, refusal)
        unit.error = True
    else:
        unit.scanned = scanned
