"""How are the rows beyond the limit left unread?

The query is wrapped: ``SELECT * FROM (...) LIMIT n + 1``. The one row more says whether there are more; the
server plans for the few, and nobody's row beyond them is read, or counts against the budget.
"""

from __future__ import annotations

from collections.abc import Sequence

from devinprod_jupyter.parameters import Token

__all__ = ["PREFIX", "is_query", "limited"]

PREFIX = "SELECT * FROM (\n"


def limited(sql: str, words: Sequence[Token], rows: int) -> str | None:
    """`sql` for `rows` rows and one more; None where it has to run as it is.

    It runs as it is where it has a smaller LIMIT already, where it writes, and with FOR UPDATE: which rows
    are locked is the user's word.

    >>> from devinprod_jupyter.parameters import tokens
    >>> limited("TABLE t;", tokens("TABLE t;"), 10)
    'SELECT * FROM (\\nTABLE t\\n) AS result LIMIT 11'
    """
    if not is_query(words):
        return None
    depth = 0
    for token, following in zip(words, [*words[1:], None], strict=True):
        depth += (token.kind in {"L_PAREN", "L_BRACKET"}) - (token.kind in {"R_PAREN", "R_BRACKET"})
        if depth == 0 and token.kind == "FOR":
            return None
        if depth == 0 and token.kind == "LIMIT" and following is not None and following.kind == "NUMBER":
            number = sql[following.start : following.end]
            if number.isdigit() and int(number) <= rows:
                return None
    last = words[-1]
    inner = sql[: last.start] + sql[last.end :] if last.kind == "SEMICOLON" else sql
    return f"{PREFIX}{inner}\n) AS result LIMIT {rows + 1}"


def is_query(words: Sequence[Token]) -> bool:
    """Whether a statement only reads, as far as its words tell; what its functions do they do not tell."""
    return (
        bool(words)
        and words[0].kind in {"SELECT", "WITH", "VALUES", "TABLE", "L_PAREN"}
        and not any(token.kind in {"INSERT", "UPDATE", "DELETE", "MERGE", "INTO"} for token in words)
    )
