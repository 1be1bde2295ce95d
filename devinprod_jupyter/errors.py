"""How does an error look to the person who typed the cell?

One screen: what happened, where in *their* SQL, what to do next. Never a frame of this package or of a
driver. These are real exceptions, so "Run All" and CI stop at them.
"""

from __future__ import annotations

import traceback
import unicodedata

__all__ = [
    "CellRefused",
    "CommandFailed",
    "DevInProdError",
    "NotConnected",
    "ParameterMissing",
    "SqlError",
    "WouldBypass",
    "WrongUse",
    "caret",
]

RED = "\x1b[31;1m"
DIM = "\x1b[2m"
PLAIN = "\x1b[0m"
WIDTH = 100


class DevInProdError(Exception):
    """Everything that this package raises on purpose; `hint` says what to do next.

    >>> str(DevInProdError("the proxy does not answer", hint="Is it running?"))
    'the proxy does not answer\\nHint: Is it running?'
    """

    #: Set by ``%config DevInProd.tracebacks = True``: show the frames after all.
    tracebacks = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def lines(self) -> list[str]:
        """The whole error, one entry a line, without colours."""
        lines = self.message.splitlines() or [type(self).__name__]
        if self.hint:
            lines += [f"Hint: {self.hint}"]
        return lines

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        if DevInProdError.tracebacks:
            return traceback.format_exception(self)
        first, *rest = self.lines()
        return [f"{RED}{first}{PLAIN}", *rest]


class WrongUse(DevInProdError):
    """A magic was typed wrongly."""


class NotConnected(DevInProdError):
    """There is no session in this notebook yet, or no longer."""

    def __init__(
        self, message: str = "This notebook is not connected to a session.", *, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint or "%devinprod connect NAME")


class CommandFailed(DevInProdError):
    """The proxy said no to a command, or did not answer."""

    def __init__(self, message: str, *, hint: str | None = None, status: int = 0, sqlstate: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.sqlstate = sqlstate


class ParameterMissing(DevInProdError):
    """The SQL names variables that the notebook does not have."""


class WouldBypass(DevInProdError, ConnectionRefusedError):
    """A connection of the service would not have gone to the session. An OSError, so that drivers tidy up."""


class CellRefused(DevInProdError):
    """A cell was not run, because what it would have run on is not what it seems to be."""


class SqlError(DevInProdError):
    """A statement failed or was refused. `position` counts characters of `sql` from 1.

    >>> print(SqlError("column does not exist", sqlstate="42703", sql="SELECT nmae", position=8))
    42703 column does not exist
    <BLANKLINE>
      SELECT nmae
             ^
    """

    def __init__(
        self,
        message: str,
        *,
        sqlstate: str = "",
        sql: str = "",
        position: int | None = None,
        detail: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.sqlstate = sqlstate
        self.sql = sql
        self.position = position
        self.detail = detail

    def lines(self) -> list[str]:
        head, *rest = self.message.splitlines() or [""]
        lines = [f"{self.sqlstate} {head}".strip(), *rest]
        if self.detail:
            lines += [
                f"Detail: {line}" if n == 0 else line for n, line in enumerate(self.detail.splitlines()[:6])
            ]
        if self.position is not None:
            lines += ["", *caret(self.sql, self.position)]
        if self.hint:
            if self.position is not None:
                lines += [""]
            lines += [f"Hint: {self.hint}"]
        return lines


def caret(sql: str, position: int) -> list[str]:
    """The line of `sql` with character number `position` (from 1), and a caret under it.

    Long lines are cut around the place; a number stands before lines of a text of several.

    >>> caret("SELECT 1\\nFORM t", 10)
    ['  2 | FORM t', '      ^']
    """
    offset = min(max(position - 1, 0), len(sql))
    start = sql.rfind("\n", 0, offset) + 1
    end = sql.find("\n", offset)
    line = sql[start : end if end >= 0 else len(sql)].rstrip("\r")
    column = offset - start
    cut = max(0, column - WIDTH * 2 // 3)
    shown = ("… " if cut else "") + line[cut : cut + WIDTH] + (" …" if len(line) > cut + WIDTH else "")
    number = sql.count("\n", 0, start)
    label = f"  {number + 1} | " if "\n" in sql.strip() else "  "
    before = line[cut:column]
    # Tabs stay tabs and wide characters count double, or the caret would point beside the place.
    pad = "".join("\t" if c == "\t" else " " * _cells(c) for c in ("  " if cut else "") + before)
    return [label + shown, " " * len(label) + pad + "^"]


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
