"""Which words of the server may a client read?

PostgreSQL's DETAIL, CONTEXT and some messages print values (``Failing row contains (...)``,
``Key (email)=(...)``, ``invalid input syntax for type integer: "ann@..."``). Where a masked
relation took part they are withheld; SQLSTATE and the names of schema, table, column, type and
constraint stay (manual, 54.8).
"""

from __future__ import annotations

from collections.abc import Mapping

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

CONSTRAINTS = {
    "23505": 'duplicate key value violates unique constraint "{n}"',
    "23503": 'violates foreign key constraint "{n}"',
    "23502": 'null value in column "{c}" of relation "{t}" violates not-null constraint',
    "23514": 'new row for relation "{t}" violates check constraint "{n}"',
    "23P01": 'conflicting key value violates exclusion constraint "{n}"',
}
WITHHELD = "the server's message is withheld: it could show a masked value"


def for_client(fields: Mapping[str, str], *, masked: bool) -> dict[str, str]:
    """The fields of an ErrorResponse or NoticeResponse as a client may see them.

    Source file, line and routine (F, L, R) never pass: they tell nothing to a client. With
    *masked*, texts that can hold values are replaced.

    >>> for_client({"S": "ERROR", "C": "23505", "n": "u", "M": "x", "D": "Key (e)=(a@b)"}, masked=True)["M"]
    'duplicate key value violates unique constraint "u"'
    """
    if not masked:
        return {k: v for k, v in fields.items() if k not in ("F", "L", "R")}
    code = fields.get("C", "XX000")
    shown = {k: fields[k] for k in KEPT if k in fields}
    known = CONSTRAINTS.get(code)
    if known is not None:
        shown["M"] = known.format(n=fields.get("n", "?"), c=fields.get("c", "?"), t=fields.get("t", "?"))
        shown["H"] = "Details are withheld: a masked table took part."
    elif code.startswith(VALUE_FREE_CLASSES):
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
