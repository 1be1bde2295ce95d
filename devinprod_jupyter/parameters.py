"""Which variables does a SQL text name, and how do they travel?

``:name`` is found with a SQL tokenizer, so ``::cast``, ``[1:2]``, strings, ``$$`` bodies and comments are
left alone. Values are bound, never pasted: the text that goes out says ``$1``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NamedTuple

from devinprod_jupyter.errors import ParameterMissing, SqlError, WrongUse

__all__ = ["Bound", "Token", "bind", "plain_value", "split", "tokens"]

NAME = re.compile(r"[^\W\d]\w*")


class Token(NamedTuple):
    """A token of the tokenizer: its kind, and where it stands in the text (end exclusive)."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Bound:
    """A statement ready to send: `text` with $1, $2 ... for `values`; `asked` is what the user wrote."""

    asked: str
    text: str
    values: tuple[Any, ...] = ()
    names: tuple[str, ...] = ()
    # (position in text, length in text, position in asked): the replaced pieces, in order
    pieces: tuple[tuple[int, int, int], ...] = field(default=(), repr=False)

    def position(self, sent: int | None) -> int | None:
        """A 1-based position in `text` as one in `asked`.

        >>> bind("SELECT :a, x", {"a": 1}).position(12)
        12
        """
        if sent is None:
            return None
        offset = sent - 1
        text_at = asked_at = 0
        for text_start, length, asked_start in self.pieces:
            if offset < text_start:
                break
            if offset < text_start + length:
                return asked_start + 1
            text_at, asked_at = text_start + length, asked_start + self._asked_length(asked_start)
        return min(asked_at + offset - text_at, len(self.asked)) + 1

    def _asked_length(self, start: int) -> int:
        match = _PIECE.match(self.asked, start)
        return match.end() - start if match else 0


_PIECE = re.compile(r"(?is)(?:not\s+)?in\s*\(\s*:[^\W\d]\w*\s*\)|(?:not\s+)?in\s*:[^\W\d]\w*|:[^\W\d]\w*")


def tokens(sql: str) -> list[Token]:
    """The tokens of a PostgreSQL text, comments left out.

    Raises SqlError where a string or a comment does not end.
    """
    from sqlglot.dialects.postgres import Postgres
    from sqlglot.errors import TokenError

    found: list[Token] = []
    start = 0
    while start < len(sql):
        try:
            rest = Postgres().tokenize(sql[start:])
        except TokenError:
            raise SqlError(
                "A string, an identifier or a comment does not end.",
                sqlstate="42601",
                sql=sql,
                position=len(sql),
            ) from None
        again = None
        for token in rest:
            found.append(Token(token.token_type.name, start + token.start, start + token.end + 1))
            if token.token_type.name == "COMMAND":
                # The tokenizer takes the rest of CALL, DO, SHOW ... for one string: look into it ourselves.
                again = start + token.end + 1
                break
        if again is None:
            break
        start = again
    return found


def split(sql: str) -> list[str]:
    """The statements of a text, without the semicolons between them.

    >>> split("SELECT ';'; SELECT 2 -- ;")
    ["SELECT ';'", ' SELECT 2 -- ;']
    """
    found = tokens(sql)
    words = [sql[token.start : token.end].upper() for token in found]
    if "ATOMIC" in words:
        return [sql]  # BEGIN ATOMIC ... END: the semicolons inside belong to a function's body
    statements = []
    start = 0
    first: int | None = None
    for token in found:
        if token.kind == "SEMICOLON":
            if first is not None:
                statements.append(sql[start : token.start])
            start, first = token.end, None
        elif first is None:
            first = token.start
    if first is not None:
        statements.append(sql[start:])
    return statements


def bind(sql: str, names: Mapping[str, Any]) -> Bound:
    """`sql` with each ``:name`` bound to the variable of that name.

    A list, tuple, set, Series or array goes out as one array: ``IN :ids`` and ``IN (:ids)`` become ``=
    ANY($1)``, which is right for an empty list too. Raises ParameterMissing for names that `names` lacks.

    >>> bind("SELECT * FROM t WHERE id IN :ids", {"ids": [1, 2]}).text
    'SELECT * FROM t WHERE id = ANY($1)'
    """
    found = tokens(sql)
    spots = _spots(sql, found)
    if not spots:
        return Bound(sql, sql)
    missing = list(dict.fromkeys(name for _, name in spots if name not in names))
    if missing:
        raise _missing(missing, names)
    if any(token.kind == "PARAMETER" for token in found):
        raise WrongUse("A statement has either :name or $1, not both.", hint="Write :name for all of them.")
    order: dict[str, int] = {}
    values: list[Any] = []
    pieces: list[tuple[int, int, int]] = []
    out: list[str] = []
    size = at = 0
    for index, name in spots:
        if name not in order:
            order[name] = len(order) + 1
            values.append(plain_value(names[name]))
        placeholder = f"${order[name]}"
        start, end, text = found[index].start, found[index].start + 1 + len(name), placeholder
        if isinstance(values[order[name] - 1], list):
            around = _membership(sql, found, index, name)
            if around:
                start, end, operator = around
                text = f"{operator}({placeholder})"
        keep = sql[at:start]
        out += [keep, text]
        pieces.append((size + len(keep), len(text), start))
        size += len(keep) + len(text)
        at = end
    out.append(sql[at:])
    return Bound(sql, "".join(out), tuple(values), tuple(order), tuple(pieces))


def _spots(sql: str, found: Sequence[Token]) -> list[tuple[int, str]]:
    spots = []
    for index, token in enumerate(found):
        if token.kind != "COLON":
            continue
        match = NAME.match(sql, token.end)
        # In an array's bounds, `a[lo:hi]`, the colon leans on what stands before it; a parameter's never
        # does.
        leans = token.start > 0 and (sql[token.start - 1].isalnum() or sql[token.start - 1] in "_)]\"'$")
        if match and not leans:
            spots.append((index, match.group()))
    return spots


def _membership(sql: str, found: Sequence[Token], index: int, name: str) -> tuple[int, int, str] | None:
    """Where ``[NOT] IN :name`` or ``IN (:name)`` stands around the parameter, and the operator for it."""
    end = found[index].start + 1 + len(name)
    before = index - 1
    if before >= 0 and found[before].kind == "L_PAREN":
        after = next((token for token in found[index + 1 :] if token.start >= end), None)
        if after is None or after.kind != "R_PAREN":
            return None
        end, before = after.end, before - 1
    if before < 0 or found[before].kind != "IN":
        return None
    if before > 0 and found[before - 1].kind == "NOT":
        return found[before - 1].start, end, "<> ALL"
    return found[before].start, end, "= ANY"


def _missing(missing: Sequence[str], names: Mapping[str, Any]) -> ParameterMissing:
    said = ", ".join(f":{name}" for name in missing)
    public = [name for name in names if not name.startswith("_")]
    close = [match for name in missing for match in get_close_matches(name, public, 1)]
    hint = f"Did you mean :{close[0]}?" if close else "Set the variable in a cell before this one."
    have = "is no variable" if len(missing) == 1 else "are no variables"
    return ParameterMissing(f"{said} {have} of this notebook.", hint=hint)


def plain_value(value: Any) -> Any:
    """A value as a database driver knows it: numpy and pandas unpacked, collections as lists."""
    if value is None or isinstance(value, str | bytes | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset | range):
        return [plain_value(item) for item in value]
    if hasattr(value, "tolist") and not isinstance(value, memoryview):  # numpy, Series, Index
        listed = value.tolist()
        return [plain_value(item) for item in listed] if isinstance(listed, list) else listed
    if type(value).__module__.startswith("pandas.") and type(value).__name__ in {"NAType", "NaTType"}:
        return None
    return value
