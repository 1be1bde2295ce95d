"""The simple protocol: one Query, any number of statements, one implicit transaction (manual 54.2.2).

Each statement goes upstream in the extended protocol, so that a text that was seen before costs
neither parsing nor planning; what the client sees is what a simple Query answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devinprod_proxy.errors import ClientFault, Refusal
from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.kinds import Frontend
from devinprod_proxy.session import emulate, upstream
from devinprod_proxy.session.client import Client
from devinprod_proxy.session.exchange import Exchange
from devinprod_proxy.session.unit import Unit
from devinprod_proxy.session.verdict import ENDING, FAILED, Verdict, refuse
from devinprod_proxy.sql.statement import ClientSql, Statement

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine


def decode(client: Client, raw: bytes) -> ClientSql:
    """A statement's bytes as text. Raises ClientFault (22021) where they are not of the client's encoding."""
    try:
        return ClientSql(raw.decode(client.codec))
    except UnicodeDecodeError as error:
        raise ClientFault(
            f'invalid byte sequence for encoding "{client.setting("client_encoding", "UTF8")}"',
            sqlstate="22021",
        ) from error


def take(m: Machine, unit: Unit, ex: Exchange) -> Verdict | None:
    """Compose the next statement of a Query; None when there is none left."""
    if not unit.cut:
        return _cut(m, unit, ex)
    if unit.known is not None:
        return _perform_known(m, unit, ex, unit.known)
    if not unit.texts:
        return None
    parsed = unit.texts[0]
    client = unit.client
    statement = m.rewriter.rewrite(parsed, m.world(client))
    if isinstance(statement, Refusal):
        return refuse(m, unit, ex, _placed(statement, parsed.characters), parsed.asked)
    unit.offset = parsed.characters
    verdict = perform(m, unit, ex, statement)
    if verdict is not Verdict.FIRST:
        unit.texts.popleft()
    return verdict


def _perform_known(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    verdict = perform(m, unit, ex, statement)
    if verdict is not Verdict.FIRST:
        unit.known = None
    return verdict


def _placed(refusal: Refusal, characters: int) -> Refusal:
    return refusal if refusal.position is None else refusal.at(refusal.position + characters)


def _cut(m: Machine, unit: Unit, ex: Exchange) -> Verdict:
    frame = unit.frames.popleft()
    unit.cut = True
    if frame.kind == Frontend.FUNCTION_CALL:
        wrong = Refusal(
            "0A000",
            "the function call protocol is not supported",
            "Call the function with SELECT.",
            whose="client",
        )
        return refuse(m, unit, ex, wrong, "")
    try:
        text = decode(unit.client, messages.parse_query(frame.body))
    except ClientFault as fault:
        if fault.refusal.sqlstate != "22021":
            raise
        return refuse(m, unit, ex, fault.refusal, "")
    unit.known = m.rewriter.cached(text, m.world(unit.client))
    if unit.known is not None:
        return _perform_known(m, unit, ex, unit.known)
    statements = m.rewriter.statements(text)
    if isinstance(statements, Refusal):
        return refuse(m, unit, ex, statements, text)
    if not statements:
        ex.answer(messages.empty_query())
        return Verdict.GO
    unit.texts.extend(statements)
    unit.several = len(statements) > 1
    return Verdict.GO


def perform(m: Machine, unit: Unit, ex: Exchange, statement: Statement) -> Verdict:
    """Compose one statement of the simple protocol."""
    client = unit.client
    txn = client.transaction
    if txn is not None and txn.failed and statement.kind not in ENDING:
        return refuse(m, unit, ex, FAILED, statement.asked)
    if emulate.answers(statement):
        return emulate.take(m, unit, ex, statement)
    resolved = emulate.resolve(m, client, statement, block=unit.several)
    if isinstance(resolved, Refusal):
        return refuse(m, unit, ex, resolved, statement.asked)
    return upstream.run_text(m, unit, ex, resolved, declared=statement)


def read(m: Machine, client: Client, raw: bytes) -> list[Statement] | None:
    """The statements of a text, rewritten, only to be looked at; None where it cannot be read."""
    try:
        text = decode(client, raw)
    except ClientFault:
        return None
    statements = m.rewriter.statements(text)
    if isinstance(statements, Refusal):
        return None
    found: list[Statement] = []
    for parsed in statements:
        one = m.rewriter.rewrite(parsed, m.world(client))
        if isinstance(one, Refusal):
            return None
        found.append(one)
    return found
