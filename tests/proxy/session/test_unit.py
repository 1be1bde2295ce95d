"""Which messages of a client run together."""

from __future__ import annotations

import pytest
from devinprod_proxy.pgwire import frontend as f
from devinprod_proxy.session.client import Client
from devinprod_proxy.session.unit import complete, cut, size
from driven import logged_in

PARSE, BIND, EXECUTE = f.parse("", "SELECT 1"), f.bind("", ""), f.execute("")


def client(*frames: bytes) -> Client:
    made = Client(1, "client1")
    for item in logged_in().feed(b"".join(frames)):
        made.inbox.append(item)  # type: ignore[arg-type]
        made.inbox_bytes += size(item)  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize(
    ("frames", "units"),
    [
        ([f.query("SELECT 1"), f.query("SELECT 2")], [("query", "Q"), ("query", "Q")]),
        ([PARSE, BIND, EXECUTE, f.sync()], [("sync", "PBE")]),
        ([PARSE, f.flush(), BIND, f.sync()], [("flush", "P"), ("sync", "B")]),
        ([PARSE, f.query("SELECT 1")], [("flush", "P"), ("query", "Q")]),
        ([f.copy_data(b"x"), f.copy_done(), f.sync()], [("sync", "")]),
        ([EXECUTE, f.copy_data(b"x"), f.copy_done(), f.sync()], [("flush", "E"), ("sync", "")]),
    ],
)
def test_cutting(frames: list[bytes], units: list[tuple[str, str]]) -> None:
    made = client(*frames)
    found: list[tuple[str, str]] = []
    while complete(made):
        unit = cut(made)
        assert unit is not None
        found.append((unit.end, "".join(chr(x.kind) for x in unit.frames)))
    assert found == units
    assert made.inbox_bytes == 0


def test_half_a_unit_waits_for_the_rest() -> None:
    assert not complete(client(PARSE, BIND, EXECUTE))
    assert not complete(client(f.copy_data(b"stray"), f.copy_done()))
    assert not complete(client())


def test_what_never_ends_runs_as_if_flushed() -> None:
    made = client(*[f.parse("", "SELECT '" + "x" * 60_000 + "'")] * 80)
    assert complete(made)
    unit = cut(made)
    assert unit is not None
    assert (unit.end, len(unit.frames)) == ("flush", 80)
