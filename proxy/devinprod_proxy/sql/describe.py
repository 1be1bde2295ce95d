"""Which result columns carry masked values, and whose rows does a statement show?"""

from __future__ import annotations

from dataclasses import dataclass

from devinprod_proxy.sql.masked_columns import MaskedColumns
from devinprod_proxy.sql.outputs import Output, Outputs
from devinprod_proxy.sql.parse import Message
from devinprod_proxy.sql.people import people_of
from devinprod_proxy.sql.reading import Reading
from devinprod_proxy.sql.statement import OutputMark, People
from devinprod_proxy.sql.world import World


@dataclass(frozen=True, slots=True)
class Described:
    """What is told beside a statement's rows."""

    marks: tuple[OutputMark, ...] = ()
    people: People | None = None


def describe(reading: Reading, world: World, sight: MaskedColumns) -> Described:
    """The marks and the people of a statement, from the tree as the client wrote it."""
    outputs = Outputs(reading, sight)
    marks: tuple[OutputMark, ...] = ()
    if reading.top is not None and any(use.masked for use in reading.relations):
        marks = marks_of(outputs.query(reading.top))
    elif reading.copies:
        marks = _copied(reading, outputs)
    return Described(marks, people_of(reading, outputs, world, sight))


def marks_of(columns: tuple[Output, ...] | None) -> tuple[OutputMark, ...]:
    """One mark for each column that carries masked values."""
    found = []
    for position, column in enumerate(columns or ()):
        if column.sources:
            ordered = sorted(column.sources, key=lambda source: source.name)
            first = ordered[0]
            names = ", ".join(source.name for source in ordered)
            found.append(OutputMark(position, column.name, first.mask, first.domain, names))
    return tuple(found)


def _copied(reading: Reading, outputs: Outputs) -> tuple[OutputMark, ...]:
    copied = reading.copies[0]
    if isinstance(copied.relation, tuple):
        return ()
    columns = outputs.relation(copied.relation)
    named: list[Message] = list(copied.statement.attlist)
    if named:
        by_name = {c.name: c for c in columns}
        columns = tuple(by_name[n.string.sval] for n in named if n.string.sval in by_name)
    return marks_of(columns)
