"""Which words of the server may a client read?

PostgreSQL's DETAIL, CONTEXT and some messages print values (``Failing row contains (...)``,
``Key (email)=(...)``, ``invalid input syntax for type integer: "ann@..."``). Where a masked
relation took part they are withheld; SQLSTATE and the names of schema, table, column, type and
constraint stay (manual, 54.8).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

KEPT = ("S", "V", "C", "s", "t", "c", "d", "n")
"""Severity, SQLSTATE and object names: never values."""

VALUE_FREE_CLASSES = (
    "42",
    "25",
    "26",
    "34",
    "3B",
    "3D",
    "3F",
    "40",
    "53",
    "54",
    "55",
    "57",
    "58",
    "0A",
    "08",
)
"""Classes whose message speaks of names, states and limits. 42P17-like texts quote the client's own SQL."""

_NAME = r'"(?:[^"]|"")*"'
CONSTRAINTS = re.compile(
    rf"duplicate key value violates unique constraint {_NAME}"
    rf"|(?:insert or update|update or delete) on table {_NAME} violates foreign key constraint {_NAME}"
    rf"(?: on table {_NAME})?"
    rf"|null value in column {_NAME} of relation {_NAME} violates not-null constraint"
    rf"|new row for relation {_NAME} violates check constraint {_NAME}"
    rf"|conflicting key value violates exclusion constraint {_NAME}"
)
"""PostgreSQL's own words for a violated constraint: names only, the values stand in DETAIL.

A trigger can raise the same SQLSTATE with words of its own, so the words are compared, names and all.
"""
WITHHELD = "the server's message is withheld: it could show a masked value"


def for_client(fields: Mapping[str, str], *, masked: bool) -> dict[str, str]:
    """The fields of an ErrorResponse or NoticeResponse as a client may see them.

    Source file, line and routine (F, L, R) never pass: they tell nothing to a client. With
    *masked*, texts that can hold values are replaced.

    >>> fields = {"S": "ERROR", "C": "22P02", "M": 'invalid input syntax for type integer: "ann@example.org"'}
    >>> for_client(fields, masked=True)["M"]
    "the server's message is withheld: it could show a masked value"
    """
    if not masked:
        return {k: v for k, v in fields.items() if k not in ("F", "L", "R")}
    code = fields.get("C", "XX000")
    shown = {k: fields[k] for k in KEPT if k in fields}
    message = fields.get("M", "")
    named = [fields[k] for k in ("n", "t", "c") if k in fields]
    raised = "W" in fields  # inside a function, whose words can say anything under any SQLSTATE
    if (
        not raised
        and code.startswith("23")
        and named
        and CONSTRAINTS.fullmatch(message)
        and _only(message, named)
    ):
        shown["M"] = message
        shown["H"] = "Details are withheld: a masked table took part."
    elif not raised and code.startswith(VALUE_FREE_CLASSES):
        shown["M"] = fields.get("M", "")
        if "H" in fields and code.startswith("42"):
            shown["H"] = fields["H"]
        if "P" in fields:
            shown["P"] = fields["P"]
    else:
        shown["M"] = WITHHELD
        shown["H"] = f"SQLSTATE {code} says what kind of error it is (manual, appendix A)."
        if "P" in fields:
            shown["P"] = fields["P"]
    return shown


def _only(message: str, named: Sequence[str]) -> bool:
    """True when every quoted name in *message* but one (the other table of a foreign key) is an object's."""
    quoted = [name.replace('""', '"') for name in re.findall(r'"((?:[^"]|"")*)"', message)]
    return sum(name not in named for name in quoted) <= (1 if "on table" in message else 0)
