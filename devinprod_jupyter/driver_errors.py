"""What does a driver's error say in the words of this package?

The message, SQLSTATE, detail and hint stay the server's or the proxy's; the position is that in the user's
SQL. A driver's own text is never shown: it holds addresses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devinprod_jupyter.errors import CommandFailed, DevInProdError, NotConnected, SqlError
from devinprod_jupyter.parameters import Bound, tokens

if TYPE_CHECKING:
    import psycopg

__all__ = ["from_adbc", "from_login", "from_psycopg"]

# Values that a cast did not understand: the server says which value (the proxy does not), but not where.
OF_A_CAST = {"22P02", "22007", "22008", "22003"}
LOCKED = "55P03"


def from_psycopg(
    error: psycopg.Error,
    bound: Bound,
    *,
    shift: int = 0,
    session: str = "",
    closed: bool = False,
    note: str = "",
) -> DevInProdError:
    """A statement's error, or the loss of the connection (it is `closed` then, or the error fatal).

    `shift` characters were put in front of what `bound` says; `note` adds to the hint.
    """
    diagnostic = error.diag
    if diagnostic.severity_nonlocalized == "FATAL" or (diagnostic.sqlstate is None and closed):
        why = diagnostic.message_primary or "the session ended, or the proxy was restarted"
        return NotConnected(f"The connection to {session} was lost: {why}.", hint=diagnostic.message_hint)
    sent = int(diagnostic.statement_position) - shift if diagnostic.statement_position else None
    if sent is None and diagnostic.sqlstate in OF_A_CAST:
        position = _only_cast(bound)
    else:
        # Past the end: the error is about what was put behind.
        position = bound.position(sent) if sent is not None and 0 < sent <= len(bound.text) + 1 else None
    hint = diagnostic.message_hint or _own_hint(diagnostic.sqlstate, bound, position)
    return SqlError(
        diagnostic.message_primary or str(error) or type(error).__name__,
        sqlstate=diagnostic.sqlstate or error.sqlstate or "",
        sql=bound.asked,
        position=position,
        detail=diagnostic.message_detail,
        hint=" ".join(part for part in (hint, note) if part) or None,
    )


def _own_hint(sqlstate: str | None, bound: Bound, position: int | None) -> str | None:
    if sqlstate == LOCKED:
        return "Another session has used this table and keeps its locks until it ends: %devinprod sessions"
    if sqlstate == "42601" and bound.values and position and bound.asked[position - 1 : position] == ":":
        return "A variable stands for a value, not for the name of a table or a column."
    return None


def _only_cast(bound: Bound) -> int | None:
    """Where the one cast of a statement stands, for errors that the server gives no position for."""
    asked = bound.asked
    casts = [
        token.start + 1
        for token in tokens(asked)
        if token.kind == "DCOLON" or asked[token.start : token.end].upper() == "CAST"
    ]
    return casts[0] if len(casts) == 1 else None


def from_adbc(error: Exception, bound: Bound) -> SqlError | None:
    """A statement's error on the columnar road; None for what is none of the server's."""
    sqlstate = getattr(error, "sqlstate", None)
    if sqlstate is None:
        return None
    # Both are bytes where libpq's own fields were taken over.
    details = {_text(key): _text(value) for key, value in getattr(error, "details", None) or []}
    said = details.get

    match = re.search(r"(?:ERROR|FATAL):\s+(.*)", str(error))
    position = _only_cast(bound) if sqlstate in OF_A_CAST else None
    return SqlError(
        said("PG_DIAG_MESSAGE_PRIMARY") or (match.group(1) if match else "The statement failed."),
        sqlstate=str(sqlstate),
        sql=bound.asked,
        position=position,
        detail=said("PG_DIAG_MESSAGE_DETAIL"),
        hint=said("PG_DIAG_MESSAGE_HINT") or _own_hint(str(sqlstate), bound, position),
    )


def _text(field: bytes | str) -> str:
    return field.decode(errors="replace") if isinstance(field, bytes) else field


def from_login(error: Exception) -> CommandFailed:
    """A connection that was refused, or that nobody answered."""
    text = str(error)
    match = re.search(r"FATAL:\s+([^\n]*)", text)
    if match:
        hint = re.search(r"HINT:\s+([^\n]*)", text)
        return CommandFailed(f"The proxy refused: {match.group(1)}", hint=hint.group(1) if hint else None)
    return CommandFailed(
        "The proxy does not answer.",
        hint="Is it running, and is this machine allowed to reach it?",
        status=503,
    )
