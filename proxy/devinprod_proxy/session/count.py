"""Rows, bytes, people, records: what is counted while a statement runs, and what stops it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devinprod_proxy.errors import Refusal
from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.codec import Rows
from devinprod_proxy.pgwire.kinds import Backend
from devinprod_proxy.session import commands as c
from devinprod_proxy.session.client import Client, Portal
from devinprod_proxy.session.entries import Entry
from devinprod_proxy.session.exchange import Exchange
from devinprod_proxy.session.execution import Execution, fixed_keys, keys_of, subject_carriers
from devinprod_proxy.session.journal import Entry as JournalEntry
from devinprod_proxy.sql.statement import Kind, Statement

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine

UNCOUNTED = frozenset(
    {
        Kind.EMPTY,
        Kind.BEGIN,
        Kind.COMMIT,
        Kind.ROLLBACK,
        Kind.SAVEPOINT,
        Kind.RELEASE,
        Kind.ROLLBACK_TO,
        Kind.SET,
        Kind.RESET,
        Kind.SHOW,
        Kind.DISCARD,
        Kind.SET_CONSTRAINTS,
        Kind.DEALLOCATE,
        Kind.CLOSE,
        Kind.LISTEN,
        Kind.UNLISTEN,
    }
)


def begin(
    m: Machine,
    ex: Exchange,
    client: Client,
    statement: Statement,
    entry: Entry | None,
    portal: Portal | None = None,
) -> Execution:
    """Open the account of one run: its record goes out before the statement does."""
    ident = m.next_id()
    verb = statement.asked.strip().split(None, 1)[0].upper() if statement.asked.strip() else ""
    target = statement.written or statement.relations
    row: dict[str, object] = {
        "id": ident,
        "at": m.at(),
        "client": client.label,
        "application": client.setting("application_name", ""),
        "cell": m.cell,
        "kind": statement.kind.value,
        "verb": verb,
        "table": target[0].partition(".")[2] if target else None,
        "asked": statement.asked,
        "run": statement.run.text if statement.run is not None else None,
        "masked": list(statement.masked),
        "rows": 0,
        "bytes": 0,
        "ms": None,
        "sqlstate": None,
        "refused": False,
        "running": True,
    }
    m.history.append(row)
    m.statements += 1
    m.lost_reason = None  # whoever had to know has been told before this could run
    execution = Execution(ident, client, statement, entry, portal, m.now, row)
    if portal is not None:
        execution.formats = portal.formats
    ex.executions.append(execution)
    ex.masked = ex.masked or bool(statement.masked)
    ex.records.append(
        m.fields(
            "statement",
            id=ident,
            client=client.label,
            reason=m.reason,
            cell=m.cell,
            command=statement.kind.value,
            asked=statement.asked,
            run=row["run"],
            masked=row["masked"],
            tables=list(dict.fromkeys(statement.relations + statement.written)),
        )
    )
    if statement.kind not in UNCOUNTED:
        delay = m.budget.throttle_statements(m.identity.user, m.identity.role)
        if delay > 0:
            client.not_before = m.now + delay
    return execution


def refused(m: Machine, client: Client, asked: str, refusal: Refusal) -> None:
    """Record a statement that was not let through."""
    ident = m.next_id()
    m.history.append(
        {
            "id": ident,
            "at": m.at(),
            "client": client.label,
            "application": client.setting("application_name", ""),
            "cell": m.cell,
            "kind": "refused",
            "verb": asked.strip().split(None, 1)[0].upper() if asked.strip() else "",
            "table": None,
            "asked": asked,
            "run": None,
            "masked": [],
            "rows": 0,
            "bytes": 0,
            "ms": 0.0,
            "sqlstate": refusal.sqlstate,
            "refused": True,
            "running": False,
        }
    )
    m.statements += 1
    m.record(
        "statement.refused",
        id=ident,
        client=client.label,
        reason=m.reason,
        cell=m.cell,
        asked=asked,
        sqlstate=refusal.sqlstate,
        message=refusal.message,
    )
    m.publish("statement")


def rows(m: Machine, ex: Exchange, execution: Execution, run: Rows) -> None:
    """A run of rows came: count it, and pass it on if the budget of people allows it."""
    execution.rows += run.count
    execution.bytes += len(run.data)
    if execution.statement.people is not None and not execution.counted:
        refusal = _people(m, execution, run)
        if refusal is not None:
            block(m, ex, execution, refusal)
            return
    delay = m.budget.throttle_rows(m.identity.user, m.identity.role, run.count, len(run.data))
    if delay > 0:
        m.out.append(c.PauseUpstream(delay))
    m.send(execution.client, run.data)


def _people(m: Machine, execution: Execution, run: Rows) -> Refusal | None:
    user, role = m.identity.user, m.identity.role
    if execution.carriers is None:
        execution.carriers = subject_carriers(execution) if run.kind == Backend.DATA_ROW else []
        keys = fixed_keys(execution)
        if keys is not None:
            execution.counted = True
            execution.people = len(keys)
            return m.budget.people(user, role, keys)
    if execution.carriers:
        keys = keys_of(run, execution.carriers, execution)
        new = keys - execution.seen
        execution.seen |= new
        execution.people = len(execution.seen)
        return m.budget.people(user, role, new) if new else None
    execution.people += run.count
    return m.budget.people_anonymous(user, role, run.count)


def block(m: Machine, ex: Exchange, execution: Execution | None, refusal: Refusal) -> None:
    """Stop a running statement: its client gets *refusal*, and nothing more of its result."""
    unit = ex.unit
    ex.error = True
    ex.held = b""
    if unit is None:
        return
    unit.error = True
    m.send(unit.client, messages.error(messages.refusal_fields(refusal)))
    m.record("limit", client=unit.client.label, message=refusal.message, sqlstate=refusal.sqlstate)
    for one in ex.executions:
        if not one.reported:
            failed(m, one, refusal.sqlstate)
    if not m.cancelling:
        m.cancelling = True
        m.out.append(c.CancelUpstream())


def completed(m: Machine, ex: Exchange, execution: Execution, tag: str) -> None:
    """A statement has succeeded: journal what it wrote, record how it ended."""
    execution.tag = tag
    statement = execution.statement
    word, _, rest = tag.partition(" ")
    number = rest.rpartition(" ")[2]
    if statement.kind in (Kind.COPY_IN, Kind.COPY_OUT) or execution.rows == 0:
        execution.rows = int(number) if number.isdigit() else execution.rows
    if ex.error:
        return
    if statement.kind is Kind.DDL:
        m.ddl += 1
        m.catalog_stale = True
    if statement.kind in (Kind.WRITE, Kind.COPY_IN, Kind.DDL):
        inner = statement.written[0] if statement.written else ""
        verb = "DDL" if statement.kind is Kind.DDL else _verb(statement, word)
        changed = int(number) if number.isdigit() else 0
        if verb == "DDL" or verb == "TRUNCATE" or changed:
            for table in statement.written[1:] if verb == "TRUNCATE" else ():
                m.journal.add(_journal(m, execution, verb, table, 0))
            m.journal.add(_journal(m, execution, verb, inner, changed))
            m.publish("changes")
    _report(m, execution, None)


def _verb(statement: Statement, word: str) -> str:
    """What the statement did: the tag's word, or the node's where rewriting or WITH changed the tag."""
    node = {
        "insert_stmt": "INSERT",
        "update_stmt": "UPDATE",
        "delete_stmt": "DELETE",
        "truncate_stmt": "TRUNCATE",
    }
    return node.get(statement.node, word)


def _journal(m: Machine, execution: Execution, verb: str, table: str, changed: int) -> JournalEntry:
    return JournalEntry(
        execution.id, m.at(), execution.client.id, verb, table, changed, execution.statement.asked
    )


def suspended(m: Machine, execution: Execution) -> None:
    """A portal has given as many rows as were asked for, and has more."""
    _report(m, execution, None)


def failed(m: Machine, execution: Execution, sqlstate: str) -> None:
    """A statement has failed, or was never reached."""
    _report(m, execution, sqlstate)


def _report(m: Machine, execution: Execution, sqlstate: str | None) -> None:
    if execution.reported:
        return
    execution.reported = True
    ms = round((m.now - execution.started) * 1000, 3)
    execution.row.update(
        rows=execution.rows,
        bytes=execution.bytes,
        ms=ms,
        sqlstate=sqlstate,
        running=False,
        people=execution.people,
    )
    m.record(
        "statement.end",
        of=execution.id,
        client=execution.client.label,
        rows=execution.rows,
        bytes=execution.bytes,
        people=execution.people,
        ms=ms,
        sqlstate=sqlstate,
    )
    m.publish("statement")
