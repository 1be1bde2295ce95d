"""Which statements are prepared upstream?  One cache for all clients of a world.

A statement is prepared once per rewritten text, parameter types, search_path and catalog version,
under a name of the proxy's own; clients' names point at it. So a text that comes again, by
whatever protocol and client, costs neither Parse nor planning.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from devinprod_proxy.pgwire.messages import Column
from devinprod_proxy.sql.statement import Statement

Key = tuple[str, tuple[int, ...], str, int]
OWN, BY_PREPARE = -1, -2
"""In place of a catalog version: the proxy's own statements, and those that a client's PREPARE made."""


@dataclass(slots=True, eq=False)
class Entry:
    """One statement prepared upstream.

    ``parameters``: OIDs from ParameterDescription; ``columns``: of RowDescription, None where the
    statement gives no rows. Both are known once ``described``.
    """

    name: str
    key: Key
    sent: bool = False
    described: bool = False
    parameters: tuple[int, ...] = ()
    columns: tuple[Column, ...] | None = None
    row_description: bytes = b""
    in_use: int = 0
    statement: Statement | None = None
    """What it was rewritten from, to map error positions back."""


class Entries:
    """A least-recently-used map from key to Entry.

    >>> entries = Entries(limit=1)
    >>> first = entries.get(("SELECT 1", (), "", 0))
    >>> entries.get(("SELECT 1", (), "", 0)) is first
    True
    """

    def __init__(self, limit: int = 500) -> None:
        self.limit = limit
        self._known: OrderedDict[Key, Entry] = OrderedDict()
        self._serial = 0

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: Key) -> Entry:
        """The entry of a key, made if it is new; ``sent`` says whether upstream knows it."""
        entry = self._known.get(key)
        if entry is None:
            self._serial += 1
            entry = self._known[key] = Entry(f"dip{self._serial}", key)
        else:
            self._known.move_to_end(key)
        return entry

    def forget(self, entry: Entry) -> None:
        """Upstream does not have it (Parse failed, plan outdated): the next use parses again."""
        self._known.pop(entry.key, None)
        entry.sent = False

    def overflow(self) -> list[Entry]:
        """Entries beyond the limit, oldest first, to be closed upstream; those in use stay."""
        gone: list[Entry] = []
        if len(self._known) > self.limit:
            for key, entry in list(self._known.items()):
                if len(self._known) <= self.limit:
                    break
                if not entry.in_use:
                    del self._known[key]
                    gone.append(entry)
        return gone

    def clear(self) -> None:
        """The upstream connection is new: it knows nothing."""
        for entry in self._known.values():
            entry.sent = False
            entry.described = False
        self._known.clear()
