"""What would have been committed?  Counts per table and the writing statements, undone with savepoints.

Counts come from the command tags of the statements that clients sent. Rows that triggers and
cascades touched are not among them; then ``exact`` is False.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Entry:
    """One writing statement that succeeded."""

    id: str
    at: str
    client: int
    verb: str
    table: str
    rows: int
    asked: str
    undone: bool = False


class Journal:
    """The writing statements of one world, oldest first; ``position`` marks a savepoint.

    >>> j = Journal()
    >>> mark = j.position
    >>> j.add(Entry("1", "", 1, "INSERT", "public.t", 2, "INSERT ..."))
    >>> [e.rows for e in j.undo_to(mark)], j.dirty
    ([2], False)
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.undone: list[Entry] = []

    @property
    def position(self) -> int:
        """Where a rollback to now would cut."""
        return len(self.entries)

    @property
    def dirty(self) -> bool:
        """True when something would have been committed."""
        return bool(self.entries)

    def add(self, entry: Entry) -> None:
        """Note a statement that wrote."""
        self.entries.append(entry)

    def undo_to(self, position: int) -> list[Entry]:
        """Drop what came after *position*; gives what was dropped."""
        gone = self.entries[position:]
        del self.entries[position:]
        for entry in gone:
            entry.undone = True
        self.undone.extend(gone)
        del self.undone[:-200]
        return gone

    def clear(self) -> None:
        """The world is new."""
        self.undo_to(0)

    def tables(self) -> list[dict[str, object]]:
        """Per table: rows inserted, updated, deleted; in the order in which they were first touched."""
        found: dict[str, dict[str, object]] = {}
        for entry in self.entries:
            if not entry.table:
                continue
            schema, _, table = entry.table.partition(".")
            row = found.setdefault(
                entry.table,
                {
                    "schema": schema,
                    "table": table,
                    "inserted": 0,
                    "updated": 0,
                    "deleted": 0,
                    "truncated": False,
                },
            )
            column = _COLUMN.get(entry.verb)
            if column is not None:
                before = row[column]
                row[column] = (before if isinstance(before, int) else 0) + entry.rows
            elif entry.verb == "TRUNCATE":
                row["truncated"] = True
        return list(found.values())

    @property
    def rows(self) -> int:
        """Rows that the statements of clients inserted, updated or deleted."""
        return sum(e.rows for e in self.entries if e.verb in _COLUMN)

    @property
    def changes(self) -> int:
        """How much was changed, as one number: rows, and one for each truncated table and each DDL statement."""
        return self.rows + sum(e.verb not in _COLUMN for e in self.entries)

    @property
    def exact(self) -> bool:
        """False where a statement's tag does not say which rows of which table it touched."""
        return all(e.verb in _COLUMN or e.verb == "DDL" for e in self.entries)


_COLUMN = {"INSERT": "inserted", "COPY": "inserted", "UPDATE": "updated", "DELETE": "deleted"}
