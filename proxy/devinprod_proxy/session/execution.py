"""What is counted, recorded and reported of one run of a statement?"""

from __future__ import annotations

from dataclasses import dataclass, field

from devinprod_proxy.pgwire.codec import Rows, row_values
from devinprod_proxy.pgwire.frontend import BindValues
from devinprod_proxy.pgwire.messages import Column
from devinprod_proxy.session.client import Client, Portal
from devinprod_proxy.session.entries import Entry
from devinprod_proxy.sql.statement import Statement, SubjectUse

_INTEGERS = frozenset({20, 21, 23, 26})
_UUID = 2950


@dataclass(slots=True, eq=False)
class Execution:
    """One Execute of one statement, from the record before it to the record after it."""

    id: str
    client: Client
    statement: Statement
    entry: Entry | None
    portal: Portal | None
    started: float
    row: dict[str, object]
    """What ``GET /statements`` shows of it; filled in as it goes."""
    formats: tuple[int, ...] = ()
    parameters: BindValues | None = None
    rows: int = 0
    bytes: int = 0
    people: int = 0
    hold: bool = False
    """Its CommandComplete waits until the guard has been set anew."""
    reported: bool = False
    tag: str | None = None
    counted: bool = False
    """Its people are already counted (by a probe, or by the keys it is pinned to)."""
    carriers: list[tuple[SubjectUse, int]] | None = None
    """Result columns that carry a subject's key."""
    seen: set[str] = field(default_factory=set)


def subject_carriers(execution: Execution) -> list[tuple[SubjectUse, int]]:
    """Which result columns carry the key of a person: by the origin that upstream itself states."""
    people, entry = execution.statement.people, execution.entry
    if people is None or entry is None or entry.columns is None:
        return []
    found = []
    for use in people.uses:
        for position, column in enumerate(entry.columns):
            if (column.table_oid, column.attnum) == (use.oid, use.attnum):
                found.append((use, position))
                break
    return found


def keys_of(rows: Rows, carriers: list[tuple[SubjectUse, int]], execution: Execution) -> set[str]:
    """The distinct people in a run of rows, the same person under the same text whatever the format."""
    columns = execution.entry.columns if execution.entry is not None else None
    found: set[str] = set()
    for use, position in carriers:
        column = columns[position] if columns is not None else None
        binary = _format(execution.formats, position) == 1
        for value in set(row_values(rows.data, position)):
            if value is not None:
                found.add(f"{use.table}:{key_text(value, column, binary)}")
    return found


def key_text(value: bytes, column: Column | None, binary: bool) -> str:
    """A key's value as text.

    >>> key_text(b"\\x00\\x00\\x00\\x05", Column("id", 1, 1, 23, 4, -1, 1), True)
    '5'
    """
    if binary and column is not None:
        if column.type_oid in _INTEGERS:
            return str(int.from_bytes(value, "big", signed=True))
        if column.type_oid == _UUID:
            text = value.hex()
            return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return value.decode("utf-8", "replace")


def fixed_keys(execution: Execution) -> set[str] | None:
    """The people to which the statement pins itself, or None where it does not pin every subject."""
    people, bound, entry = execution.statement.people, execution.parameters, execution.entry
    if people is None:
        return None
    found: set[str] = set()
    for use in people.uses:
        if not use.fixed:
            return None
        for fixed in use.fixed:
            if fixed.literal is not None:
                found.add(f"{use.table}:{fixed.literal}")
            elif fixed.parameter is not None and bound is not None and fixed.parameter <= len(bound.values):
                index = fixed.parameter - 1
                value = bound.values[index]
                if value is None:
                    continue
                oid = entry.parameters[index] if entry is not None and index < len(entry.parameters) else 0
                column = Column("", 0, 0, oid, 0, -1, 0)
                found.add(f"{use.table}:{key_text(value, column, bound.format_of(index) == 1)}")
            else:
                return None
    return found


def _format(formats: tuple[int, ...], position: int) -> int:
    if not formats:
        return 0
    return formats[0] if len(formats) == 1 else formats[position]


def result_formats(columns: tuple[Column, ...], formats: tuple[int, ...]) -> list[Column]:
    """The columns of a statement as a portal gives them: with the formats that Bind asked for."""
    return [c._replace(format=_format(formats, i)) for i, c in enumerate(columns)]
