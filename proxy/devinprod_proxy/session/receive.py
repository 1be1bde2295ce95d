"""What does a reply of upstream mean to the client?  Replies are matched to steps, in order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devinprod_proxy.errors import Refusal, UpstreamFault
from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.codec import Frame, Rows
from devinprod_proxy.pgwire.kinds import Backend
from devinprod_proxy.session import answer, copy_in, count
from devinprod_proxy.session import commands as c
from devinprod_proxy.session.error_text import for_client
from devinprod_proxy.session.exchange import Exchange, Expect, Step
from devinprod_proxy.session.unit import Unit

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine

_OWN_NAMES = re.compile(r"\bdip_c\d+_")
"""The prefix under which a client's savepoints and cursors are known upstream."""

_DONE = {
    Backend.PARSE_COMPLETE: Expect.PARSE,
    Backend.BIND_COMPLETE: Expect.BIND,
    Backend.CLOSE_COMPLETE: Expect.CLOSE,
}
_SEVERITY = {"DEBUG": 0, "LOG": 1, "INFO": 9, "NOTICE": 2, "WARNING": 3}
_CLIENT_LEVEL = {"debug": 0, "log": 1, "notice": 2, "warning": 3, "error": 4}


def item(m: Machine, thing: Frame | Rows) -> None:
    """Take one message (or run of rows) from upstream."""
    ex = m.exchange
    if isinstance(thing, Rows):
        if ex is None:
            raise UpstreamFault("rows came although nothing was asked", sqlstate="08P01")
        step = _head(ex, Expect.EXECUTE)
        if step.captured is not None:
            step.captured.append(thing.data)
        elif step.execution is not None and not ex.error:
            count.rows(m, ex, step.execution, thing)
        return
    kind = thing.kind
    if kind == Backend.PARAMETER_STATUS:
        name, value = messages.parse_parameter_status(thing.body)
        m.reported[name] = value
        return
    if kind == Backend.NOTICE_RESPONSE:
        _notice(m, ex, thing)
        return
    if kind == Backend.NOTIFICATION_RESPONSE:
        return  # nothing of this connection ever commits a LISTEN
    if ex is None:
        if kind == Backend.ERROR_RESPONSE:  # FATAL: the connection is about to end
            fields = messages.parse_error_fields(thing.body)
            raise UpstreamFault(fields.get("M", "the target ended the connection"), sqlstate="57P01")
        raise UpstreamFault("a message came although nothing was asked", sqlstate="08P01")
    if kind == Backend.ERROR_RESPONSE:
        _error(m, ex, thing)
        return
    if kind == Backend.READY_FOR_QUERY:
        _head(ex, Expect.SYNC)
        ex.steps.popleft()
        m.exchange = None
        _complete(m, ex)
        return
    expected = _DONE.get(kind)
    if expected is not None:
        step = _head(ex, expected)
        _finish(m, ex, step)
    elif kind == Backend.PARAMETER_DESCRIPTION:
        step = _head(ex, Expect.DESCRIBE)
        if step.entry is not None:
            step.entry.parameters = tuple(messages.parse_parameter_description(thing.body))
    elif kind in (Backend.ROW_DESCRIPTION, Backend.NO_DATA):
        _described(m, ex, thing)
    else:
        _executing(m, ex, thing)


def _head(ex: Exchange, expect: Expect) -> Step:
    step = ex.steps[0] if ex.steps else None
    if step is None or step.expect is not expect:
        raise UpstreamFault(
            f"the target answered {expect.name} where {step.expect.name if step else 'nothing'} was due",
            sqlstate="08P01",
        )
    return step


def _finish(m: Machine, ex: Exchange, step: Step) -> None:
    """A step is done: what it set off happens, and steps that need no reply follow."""
    ex.steps.popleft()
    _reply(m, ex, step)
    answer_leading(m, ex)


def answer_leading(m: Machine, ex: Exchange) -> None:
    """Answer the steps at the front that expect nothing from upstream."""
    while ex.steps and ex.steps[0].expect is Expect.NOTHING:
        _reply(m, ex, ex.steps.popleft())


def _reply(m: Machine, ex: Exchange, step: Step) -> None:
    if step.then is not None:
        step.then()
    if step.reply and ex.unit is not None and not ex.error:
        data = step.reply if isinstance(step.reply, bytes) else step.reply()
        _flush_held(m, ex)
        m.send(ex.unit.client, data)


def _flush_held(m: Machine, ex: Exchange) -> None:
    if ex.held and ex.unit is not None:
        held, ex.held = ex.held, b""
        m.send(ex.unit.client, held)


def _described(m: Machine, ex: Exchange, frame: Frame) -> None:
    step = _head(ex, Expect.DESCRIBE)
    entry = step.entry
    if entry is not None:
        entry.described = True
        if frame.kind == Backend.ROW_DESCRIPTION:
            entry.columns = tuple(messages.parse_row_description(frame.body))
            entry.row_description = frame.wire
            if any((x.table_oid, x.attnum) in m.sensitive for x in entry.columns):
                # The second look: the server itself says that a real masked column would come out.
                m.entries.forget(entry)
                count.block(
                    m,
                    ex,
                    None,
                    Refusal(
                        "42501",
                        "refused: the result would show a masked column as it is",
                        "The statement was rewritten wrongly; please report it to the operator of devinprod.",
                        whose="operator",
                    ),
                )
            elif any(m.unknown(x.table_oid, x.attnum) for x in entry.columns):
                # Somebody has added a column since the catalog was read: no rule was looked up for it.
                m.entries.forget(entry)
                m.catalog_stale = True
                text = "a table of this statement has a column that was added just now"
                count.block(m, ex, None, Refusal("0A000", text, "Run the statement again.", whose="operator"))
        else:
            entry.columns = None
    _finish(m, ex, step)


def _executing(m: Machine, ex: Exchange, frame: Frame) -> None:
    step = _head(ex, Expect.EXECUTE)
    execution = step.execution
    kind = frame.kind
    if kind == Backend.COPY_IN_RESPONSE and ex.unit is not None and ex.unit.end == "sync":
        ex.unit.end = "flush"  # a Sync before CopyDone counts for nothing (manual 54.2.6)
    if kind in (Backend.COPY_IN_RESPONSE, Backend.COPY_OUT_RESPONSE, Backend.COPY_DONE):
        if execution is not None and not ex.error:
            m.send(execution.client, frame.wire)
        if kind == Backend.COPY_IN_RESPONSE and ex.unit is not None and ex.copying:
            copy_in.copy_from_client(m, ex.unit, ex)  # what came without waiting to be asked for
        return
    if kind not in (Backend.COMMAND_COMPLETE, Backend.EMPTY_QUERY_RESPONSE, Backend.PORTAL_SUSPENDED):
        raise UpstreamFault(f"unexpected message {chr(kind)!r} from the target", sqlstate="08P01")
    if execution is not None:
        wire = frame.wire
        if kind == Backend.COMMAND_COMPLETE:
            tag = messages.parse_command_complete(frame.body)
            shown = execution.statement.emulated_tag
            if shown is not None:
                wire = messages.command_complete(_retagged(shown, tag))
            count.completed(m, ex, execution, tag)
        elif kind == Backend.PORTAL_SUSPENDED and not ex.error:
            count.suspended(m, execution)
        if not ex.error:
            if execution.hold:
                ex.held += wire
            else:
                m.send(execution.client, wire)
    _finish(m, ex, step)


def _retagged(shown: str, tag: str) -> str:
    """The client's own command word with upstream's count: ``INSERT 0`` + ``SELECT 3``."""
    number = tag.rpartition(" ")[2]
    return f"{shown} {number}" if number.isdigit() else shown


def _error(m: Machine, ex: Exchange, frame: Frame) -> None:
    fields = messages.parse_error_fields(frame.body)
    if fields.get("V", fields.get("S")) in ("FATAL", "PANIC"):
        raise UpstreamFault(fields.get("M", "the target ended the connection"), sqlstate="57P01")
    if ex.copying:
        ex.copying = False
        ex.sync()
        m.out.append(c.SendUpstream(b"".join(ex.parts)))
        ex.parts = []
    failed = ex.skip()
    first = not ex.error
    ex.error = True
    ex.failure = fields
    if not first:
        return
    unit = ex.unit
    execution = failed.execution if failed is not None else None
    entry = failed.entry if failed is not None else None
    if entry is None and execution is not None:
        entry = execution.entry
    if entry is not None and fields.get("C") in ("0A000", "26000") and "plan" in fields.get("M", ""):
        m.entries.forget(entry)
    if unit is None:
        return
    if unit.end == "query":
        ex.held = b""
    else:
        _flush_held(m, ex)
    statement = (
        execution.statement if execution is not None else (entry.statement if entry is not None else None)
    )
    masked = not m.policy.hides_nothing and (
        statement is None or bool(statement.masked) or statement.opaque or ex.masked
    )
    shown = for_client(fields, masked=masked)
    if "P" in shown:
        position = None
        if statement is not None:
            position = m.rewriter.original_position(statement, int(shown["P"]))
        if position is None:
            shown.pop("P")
        else:
            shown["P"] = str(position + unit.offset)
    for letter in ("M", "H", "D"):
        if letter in shown:
            shown[letter] = _OWN_NAMES.sub("", shown[letter])
    m.send(unit.client, messages.error(shown))
    unit.error = True
    if execution is not None:
        count.failed(m, execution, fields.get("C", "XX000"))
    elif ex.executions:
        count.failed(m, ex.executions[0], fields.get("C", "XX000"))


def _notice(m: Machine, ex: Exchange | None, frame: Frame) -> None:
    if ex is None or ex.unit is None:
        return
    client = ex.unit.client
    fields = messages.parse_error_fields(frame.body)
    severity = fields.get("V", fields.get("S", "NOTICE"))
    level = client.setting("client_min_messages", "notice").lower()
    if _SEVERITY.get(severity, 2) < _CLIENT_LEVEL.get(level, 2):
        return
    step = ex.steps[0] if ex.steps else None
    if step is not None and step.captured is not None:
        return  # about the proxy's own statement
    statement = step.execution.statement if step is not None and step.execution is not None else None
    masked = not m.policy.hides_nothing and (
        statement is None or bool(statement.masked) or statement.opaque or bool(statement.written)
    )
    if masked and fields.get("C", "00000") not in (
        "00000",
        "42P07",
        "42P06",
        "42710",
        "42701",
        "25001",
        "25P01",
    ):
        return  # what a function or trigger raises could hold a masked value
    if masked and fields.get("W"):
        return
    m.send(client, messages.notice(for_client(fields, masked=False)))


def _complete(m: Machine, ex: Exchange) -> None:
    unit = ex.unit
    for execution in ex.executions:
        if not execution.reported:
            count.failed(m, execution, ex.failure.get("C", "57014"))
    if unit is not None and not ex.error:
        _flush_held(m, ex)
    if not ex.error:  # else what was applied for it is undone already
        answer.learn(m)
    if unit is not None and ex.error:
        unit.error = True
    if ex.done is not None:
        ex.done(ex)


def abandon(m: Machine, ex: Exchange | None, unit: Unit, refusal: Refusal) -> None:
    """The world is gone under a running unit: answer its client once and for all."""
    client = unit.client
    if ex is not None:
        for execution in ex.executions:
            if not execution.reported:
                count.failed(m, execution, refusal.sqlstate)
    if client.gone:
        return
    if client.welcomed:
        answer.fail_client(m, unit, refusal)
        if unit.end == "flush" or (ex is not None and ex.copying and unit.end == "sync"):
            client.skip_to_sync = True
        else:
            answer.finish_cycle(m, client)
        answer.enqueue(m, client)
