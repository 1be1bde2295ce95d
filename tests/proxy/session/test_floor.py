"""Whose turn is it?"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from devinprod_proxy.pgwire import frontend as f
from devinprod_proxy.session import events as e
from devinprod_proxy.session.machine import State
from driven import Driven, logged_in

SELECTED = ["row", "1 rows", "SELECT 1"]


@pytest.fixture
def world(drive: Callable[..., Driven]) -> Driven:
    """Client 1 has a transaction open and is idle in it; 2 and 3 are there."""
    driven = drive()
    for number in (1, 2, 3):
        driven.join(number)
    driven.ask(1, "BEGIN")
    driven.ask(1, "INSERT INTO items VALUES (1)")
    return driven


def patience(world: Driven) -> None:
    world.now += 0.3
    world.happen(e.TimerFired("floor"))


def test_a_reader_is_let_in_at_once_and_leaves_no_trace(world: Driven) -> None:
    assert world.ask(2, "SELECT 1") == [*SELECTED, "I"]
    assert [x.split()[0] for x in world.upstream.executed[-5:]] == [
        "SAVEPOINT",
        "SELECT",
        "SELECT",
        "ROLLBACK",
        "RELEASE",
    ]
    assert "transaction_read_only" in world.upstream.executed[-4]


def test_a_writer_is_nested_once_the_holder_has_been_idle(world: Driven) -> None:
    assert world.ask(2, "INSERT INTO items VALUES (2)") == []
    patience(world)
    assert world.heard(2) == ["INSERT 0 1", "I"]
    assert world.upstream.executed[-1] == 'RELEASE SAVEPOINT "devinprod_g1"'


def test_the_outer_rollback_takes_the_inner_work_and_says_so(world: Driven) -> None:
    world.ask(2, "INSERT INTO items VALUES (2)")
    patience(world)
    assert [x.client for x in world.machine.journal.entries] == [1, 2]
    world.ask(1, "ROLLBACK")
    assert not world.machine.journal.dirty
    assert any(
        b"that other connections of this session had committed" in x.body
        for x in world.told[1]
        if hasattr(x, "body")
    )


@pytest.mark.parametrize("undo", ["SELECT 'bad'", "ROLLBACK TO a"])
def test_so_does_the_rollback_to_a_savepoint(world: Driven, undo: str) -> None:
    world.upstream.fail["bad"] = "22012"
    world.ask(1, "SAVEPOINT a")
    world.ask(2, "INSERT INTO items VALUES (2)")
    patience(world)
    world.ask(1, undo)
    assert [x.client for x in world.machine.journal.entries] == [1]
    assert any(
        b"that other connections of this session had committed" in x.body
        for x in world.told[1]
        if hasattr(x, "body")
    )


def test_an_error_below_takes_what_is_above(world: Driven) -> None:
    world.ask(2, "BEGIN")
    patience(world)
    assert world.heard(2) == ["BEGIN", "T"]
    world.say(1, f.parse("", "ROLLBACK"), f.describe("S", "nobody"), f.sync())
    patience(world)
    assert world.heard(1)[-2:] == ["26000", "E"]
    assert world.ask(2, "SELECT 1") == ["25P02", "E"]
    assert world.ask(2, "ROLLBACK") == ["ROLLBACK", "I"]
    assert world.ask(1, "ROLLBACK") == ["ROLLBACK", "I"]
    assert world.machine.state is State.OPEN


def test_a_lost_inner_transaction_does_not_touch_the_next_one(world: Driven) -> None:
    """Its client may only ROLLBACK; what stands behind that in the same Query has a guard of its own."""
    world.ask(2, "BEGIN")
    patience(world)
    world.ask(1, "ROLLBACK")
    patience(world)
    assert world.heard(1)[-1] == "I"
    world.ask(3, "BEGIN")
    world.upstream.fail["bad"] = "22012"
    assert world.ask(2, "ROLLBACK; DELETE FROM items WHERE name = 'bad'") == ["ROLLBACK", "22012", "I"]
    assert world.ask(3, "COMMIT") == ["COMMIT", "I"]


def test_interleaved_transactions_are_told_at_once(world: Driven) -> None:
    world.ask(2, "BEGIN")
    patience(world)
    assert world.ask(1, "SELECT 1") == []
    patience(world)
    assert world.heard(1) == ["55P03", "E"]
    assert world.ask(2, "COMMIT") == ["COMMIT", "I"]


def test_a_message_that_cannot_be_read_costs_its_client_alone(world: Driven) -> None:
    broken = b"P" + (6).to_bytes(4, "big") + b"x\0"
    world.told[2].clear()
    world.happen(e.ClientSent(2, logged_in().feed(broken + f.sync())))  # type: ignore[arg-type]
    patience(world)
    assert 2 in world.closed
    assert world.ask(1, "COMMIT") == ["COMMIT", "I"]


def test_who_waits_in_vain_is_told_who_holds_the_floor(world: Driven) -> None:
    world.held = True
    world.say(1, f.query("SELECT 1"))
    world.ask(2, "INSERT INTO items VALUES (2)")
    world.now += 30
    world.happen(e.TimerFired("floor"))
    assert world.heard(2) == ["55P03", "I"]
