"""What is one message, or a run of rows, once it has been cut from the stream?

A run of rows is walked in place with ``struct.unpack_from``: what is wanted of it is picked out,
and the rest is never turned into objects.

Source: PostgreSQL manual, 54.7 (DataRow, CopyData).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from devinprod_proxy.errors import DevinprodError, UpstreamFault
from devinprod_proxy.pgwire.kinds import Backend
from devinprod_proxy.pgwire.layout import violation

_FRAME = Struct("!BI").pack


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: its letter, and its payload without letter and length.

    >>> Frame(Backend.READY_FOR_QUERY, b"I").wire
    b'Z\\x00\\x00\\x00\\x05I'
    """

    kind: int
    body: bytes

    @property
    def wire(self) -> bytes:
        """The message as it stood on the wire."""
        return _FRAME(self.kind, len(self.body) + 4) + self.body


@dataclass(frozen=True, slots=True)
class Rows:
    """A run of *count* whole DataRow or CopyData messages, contiguous, headers included."""

    kind: int
    data: bytes
    count: int

    @property
    def wire(self) -> bytes:
        """The messages as they stood on the wire."""
        return self.data


# Letter, length, number of fields, length of the first field: one unpack for the first column.
_ROW_START = Struct("!BIHi").unpack_from
_SIZE = Struct("!i").unpack_from


def row_values(rows: bytes, column: int) -> list[bytes | None]:
    """The raw values of one column (from 0) of a run of DataRows; None is NULL.

    Fields in front of the column are stepped over, those behind it are not looked at. Raises
    UpstreamFault (08P01) where a row has no such column or a field does not fit its row.

    >>> from devinprod_proxy.pgwire.backend import data_row
    >>> row_values(data_row([b"1", b"ann"]) + data_row([b"2", None]), 1)
    [b'ann', None]
    """
    values: list[bytes | None] = []
    row_start, size_at, data_row = _ROW_START, _SIZE, Backend.DATA_ROW
    end, at = len(rows), 0
    while at < end:
        if at + 11 > end:
            raise _misfit("insufficient data left in message")
        kind, length, fields, size = row_start(rows, at)
        after = at + 1 + length
        if kind != data_row or length < 10 or after > end or not 0 <= column < fields:
            raise _misfit(f"no column {column + 1}")
        start = at + 11
        if column:
            for _ in range(column):
                at = start + size if size > 0 else start
                if size < -1 or at + 4 > after:
                    raise _misfit("insufficient data left in message")
                (size,) = size_at(rows, at)
                start = at + 4
        stop = start + size
        if size < -1 or stop > after:
            raise _misfit("a field does not fit its row")
        values.append(None if size == -1 else rows[start:stop])
        at = after
    return values


def _misfit(what: str) -> DevinprodError:
    return violation(UpstreamFault, f"invalid DataRow message: {what}")
