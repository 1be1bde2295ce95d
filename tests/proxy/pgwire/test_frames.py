"""One column of a run of rows, walked in place."""

from __future__ import annotations

import contextlib
import time
from struct import pack

import pytest
from devinprod_proxy.errors import UpstreamFault
from devinprod_proxy.pgwire import messages as m
from devinprod_proxy.pgwire.codec import BackendStream, Frame, row_values
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.lists(st.none() | st.binary(max_size=300), min_size=1, max_size=5)


@given(width=st.integers(1, 5), data=st.data())
def test_every_column_comes_out_as_it_went_in(width: int, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.lists(st.none() | st.binary(max_size=300), min_size=width, max_size=width)))
    wire = b"".join(map(m.data_row, rows))
    for column in range(width):
        assert row_values(wire, column) == [row[column] for row in rows]


def test_rows_of_different_width() -> None:
    wire = m.data_row([b"a", b"b"]) + m.data_row([b"c", b"d", b"e"])
    assert row_values(wire, 1) == [b"b", b"d"]


@pytest.mark.parametrize("column", [-1, 2])
def test_a_column_that_is_not_there(column: int) -> None:
    with pytest.raises(UpstreamFault, match="no column"):
        row_values(m.data_row([b"a", b"b"]), column)


@pytest.mark.parametrize(
    "rows",
    [
        b"D",
        b"D\0\0\0\7\0\1",  # its length goes beyond the end
        b"D\0\0\0\6\0\1",  # a field is promised
        pack("!BIHi", 0x44, 10, 1, 5),  # a field longer than its row
        pack("!BIHi", 0x44, 10, 1, 5) + b"abcde",  # ... into the next one
        pack("!BIHi", 0x44, 10, 1, -2),
        pack("!BIHi", 0x44, 10, 1, -0x8000_0000),
        pack("!BIHi", 0x44, 10, 1, 0x7FFF_FFFF),
        m.copy_data(b"\0\1\0\0\0\0"),  # not a row
        m.data_row([b"a"]) + b"D\0\0\0\4",
    ],
)
def test_rows_that_do_not_fit_are_the_servers_fault(rows: bytes) -> None:
    with pytest.raises(UpstreamFault) as caught:
        row_values(rows, 0)
    assert caught.value.refusal.sqlstate == "08P01"


@given(st.binary(max_size=60), st.integers(0, 2))
def test_any_bytes_give_values_or_the_servers_fault(rows: bytes, column: int) -> None:
    with contextlib.suppress(UpstreamFault):
        assert isinstance(row_values(b"D" + rows, column), list)


def test_a_frame_knows_its_wire_form() -> None:
    assert Frame(m.Backend.COMMAND_COMPLETE, b"SELECT 1\0").wire == m.command_complete("SELECT 1")


def test_walking_rows_makes_no_object_per_row() -> None:
    """A sanity check with much room, not a measurement: an object per row is ten times slower."""
    wire = m.data_row([b"12345678", b"a" * 40, b"b" * 20, None]) * 50_000
    start = time.perf_counter()
    (rows,) = BackendStream().feed(wire)
    per_row = (time.perf_counter() - start) / 50_000
    print(f"{per_row * 1e9:.0f} ns per row")
    assert rows.wire is wire
