"""What does a world do with each event?  Driven without sockets, one event at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from devinprod_proxy.pgwire import frontend as f
from devinprod_proxy.policy.load import load_policy
from devinprod_proxy.session import commands as c
from devinprod_proxy.session import events as e
from devinprod_proxy.session.machine import State
from driven import Driven, logged_in

Drive = Callable[..., Driven]


@pytest.fixture
def world(drive: Drive) -> Driven:
    """Open, with clients 1 and 2."""
    driven = drive()
    driven.join(1)
    driven.join(2)
    assert driven.machine.state is State.OPEN
    return driven


def extended(text: str, portal: str = "", rows: int = 0) -> bytes:
    return f.parse("", text) + f.bind(portal, "") + f.describe("P", portal) + f.execute(portal, rows)


def test_a_world_opens_with_its_first_client(drive: Drive) -> None:
    driven = drive()
    driven.join(1)
    assert driven.upstream.executed[:2] == [
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        'SAVEPOINT "devinprod_g0"',
    ]
    assert driven.heard(1)[-1] == "I"


def test_a_record_stands_before_what_it_speaks_of(world: Driven) -> None:
    world.ask(1, "INSERT INTO items VALUES (1)")
    batch = next(b for b in world.commands if any(isinstance(x, c.Record) and x.promised for x in b))
    kinds = [type(x) for x in batch if isinstance(x, c.Record | c.SendUpstream)]
    assert kinds == [c.Record, c.SendUpstream]
    record = next(x for x in batch if isinstance(x, c.Record))
    assert record.fields["asked"] == "INSERT INTO items VALUES (1)"
    assert record.fields["run"] in world.upstream.parsed


def test_what_was_written_is_kept_by_a_new_guard(world: Driven) -> None:
    assert world.ask(1, "INSERT INTO items VALUES (1)") == ["INSERT 0 1", "I"]
    assert [x.split()[0] for x in world.upstream.executed[-5:]] == [
        "INSERT",
        "SET",
        "SET",
        "RELEASE",
        "SAVEPOINT",
    ]
    world.ask(1, "SELECT 1")
    assert world.upstream.executed[-1].startswith("SELECT"), "reading costs no guard"


def test_nothing_is_acknowledged_before_the_guard_stands(world: Driven) -> None:
    world.upstream.fail["SET CONSTRAINTS ALL IMMEDIATE"] = "23503"
    assert world.ask(1, "INSERT INTO parts VALUES (1, 9)") == ["23503", "I"]
    assert world.upstream.executed[-1] == 'ROLLBACK TO SAVEPOINT "devinprod_g0"'
    assert not world.machine.journal.dirty


def test_settings_that_a_failed_guard_took_along_are_applied_again(world: Driven) -> None:
    world.ask(1, "SET TimeZone = 'CET'")
    world.upstream.fail["SET CONSTRAINTS ALL IMMEDIATE"] = "23503"
    world.ask(2, "INSERT INTO parts VALUES (1, 9)")
    del world.upstream.fail["SET CONSTRAINTS ALL IMMEDIATE"]
    before = len(world.upstream.executed)
    world.ask(1, "SELECT 1")
    assert any("CET" in x for x in world.upstream.executed[before:])


def test_an_error_costs_one_statement(world: Driven) -> None:
    world.upstream.fail["bad"] = "22012"
    assert world.ask(1, "SELECT 1 AS bad") == ["22012", "I"] or world.ask(1, "SELECT 1 AS bad")[-2:] == [
        "22012",
        "I",
    ]
    assert world.ask(1, "SELECT 1") == ["row", "1 rows", "SELECT 1", "I"]
    assert not world.upstream.aborted


def test_an_error_in_a_transaction_fails_it_and_nothing_else(world: Driven) -> None:
    world.upstream.fail["bad"] = "22012"
    assert world.ask(1, "BEGIN") == ["BEGIN", "T"]
    assert world.ask(1, "SAVEPOINT a") == ["SAVEPOINT", "T"]
    assert world.ask(1, "DELETE FROM items WHERE name = 'bad'") == ["22012", "E"]
    assert world.ask(1, "SELECT 1") == ["25P02", "E"]
    assert not world.upstream.aborted, "it is rolled back at once, so that others can look in"
    assert world.ask(1, "ROLLBACK TO a") == ["ROLLBACK", "T"]
    assert world.ask(1, "COMMIT") == ["COMMIT", "I"]


def test_a_cancelled_guard_is_recovered_from(world: Driven) -> None:
    world.upstream.fail["RELEASE"] = "57014"
    assert world.ask(1, "INSERT INTO items VALUES (1)") == ["57014", "I"]
    world.upstream.fail.clear()
    assert world.ask(1, "INSERT INTO items VALUES (1)") == ["INSERT 0 1", "I"]


@pytest.mark.parametrize("ending", ["COMMIT", "ROLLBACK"])
def test_an_error_in_the_commands_of_an_implicit_block_is_recovered_from(world: Driven, ending: str) -> None:
    """INSERT; COMMIT; in one Query: when the guard fails at COMMIT, the world must not stay aborted."""
    world.upstream.fail["RELEASE"] = "23503"
    seen = world.ask(1, f"INSERT INTO items VALUES (1); {ending}; SELECT 1")
    assert seen[-1] == "I"
    assert not world.upstream.aborted
    world.upstream.fail.clear()
    assert world.ask(1, "SELECT 1") == ["row", "1 rows", "SELECT 1", "I"]


def test_a_pipeline_skips_to_sync_after_an_error(world: Driven) -> None:
    world.upstream.fail["bad"] = "22012"
    seen = world.say(
        1,
        extended("INSERT INTO items VALUES (1)"),
        extended("DELETE FROM items WHERE name = 'bad'"),
        f.parse("after", "SELECT 2"),
        f.sync(),
        extended("SELECT 3"),
        f.sync(),
    )
    assert seen == [
        "1",
        "2",
        "none",
        "INSERT 0 1",
        "1",
        "2",
        "none",
        "22012",
        "I",
        "1",
        "2",
        "row",
        "1 rows",
        "SELECT 1",
        "I",
    ]
    assert "after" not in world.machine.clients[1].prepared


def test_flush_keeps_the_implicit_transaction_open(world: Driven) -> None:
    assert world.say(1, extended("INSERT INTO items VALUES (1)"), f.flush()) == [
        "1",
        "2",
        "none",
        "INSERT 0 1",
    ]
    world.told[2].clear()
    world.happen(e.ClientSent(2, logged_in().feed(f.query("SELECT 1"))))
    assert world.heard(2) == [], "it waits for the other's Sync"
    assert world.say(1, f.sync()) == ["I"]
    assert world.heard(2) == ["row", "1 rows", "SELECT 1", "I"]


def test_copy_in_with_data_that_comes_unasked(world: Driven) -> None:
    data = f.copy_data(b"1\n") + f.copy_done()
    assert world.say(1, f.query("COPY items FROM STDIN"), data) == ["G", "COPY 1", "I"]
    assert world.say(1, extended("COPY items FROM STDIN"), data, f.sync()) == [
        "1",
        "2",
        "none",
        "G",
        "COPY 1",
        "I",
    ]
    assert world.say(1, f.query("COPY items FROM STDIN"), f.copy_fail("no")) == ["G", "57014", "I"]
    assert world.ask(1, "SELECT 1") == ["row", "1 rows", "SELECT 1", "I"]


def test_an_error_before_copy_skips_its_data(world: Driven) -> None:
    world.upstream.fail["COPY"] = "42501"
    data = f.copy_data(b"1\n") + f.copy_done()
    assert world.say(1, f.query("COPY items FROM STDIN"), data) == ["42501", "I"]
    assert world.say(1, extended("COPY items FROM STDIN"), f.sync(), data, f.sync())[-2:] == ["I", "I"]


def test_a_client_that_goes_in_the_middle_leaves_nothing(world: Driven) -> None:
    for before in (["BEGIN", "INSERT INTO items VALUES (1)"], ["INSERT INTO items VALUES (1)"]):
        world.join(3)
        for text in before:
            world.ask(3, text)
        world.say(3, extended("INSERT INTO items VALUES (2)"), f.flush())
        world.happen(e.ClientLeft(3))
        assert world.upstream.executed[-1] == 'ROLLBACK TO SAVEPOINT "devinprod_g0"'
        assert world.ask(2, "SELECT 1") == ["row", "1 rows", "SELECT 1", "I"]


def test_a_client_that_goes_during_copy(world: Driven) -> None:
    world.say(1, f.query("COPY items FROM STDIN"), f.copy_data(b"1\n"))
    world.happen(e.ClientLeft(1))
    assert world.ask(2, "SELECT 1") == ["row", "1 rows", "SELECT 1", "I"]


def test_chained_transactions_inside_another_have_their_guard(world: Driven) -> None:
    world.ask(1, "BEGIN")
    world.now += 10
    assert world.ask(2, "BEGIN READ ONLY") == ["BEGIN", "T"]
    assert world.ask(2, "COMMIT AND CHAIN") == ["COMMIT", "T"]
    assert 'SAVEPOINT "devinprod_g1"' in world.upstream.executed[-2]
    assert "transaction_read_only" in world.upstream.executed[-1]
    world.upstream.fail["bad"] = "22012"
    assert world.ask(2, "DELETE FROM items WHERE name = 'bad'") == ["22012", "E"]
    assert world.ask(2, "ROLLBACK") == ["ROLLBACK", "I"]
    assert world.ask(1, "COMMIT") == ["COMMIT", "I"]
    assert world.machine.state is State.OPEN


def test_cancel_reaches_upstream_only_for_who_runs(world: Driven) -> None:
    world.held = True
    world.say(1, f.query("SELECT 1"))
    world.happen(e.CancelAsked(2))
    assert not any(isinstance(x, c.CancelUpstream) for x in world.commands[-1])
    world.happen(e.CancelAsked(1))
    assert any(isinstance(x, c.CancelUpstream) for batch in world.commands for x in batch)


def test_no_cancel_while_the_world_is_rolled_back(world: Driven) -> None:
    """The statement is over; a cancel would hit the rollback, and with it the world."""
    world.upstream.fail["bad"] = "22012"
    world.held = True
    world.say(1, f.query("DELETE FROM items WHERE name = 'bad'"))
    world.let_go()
    world.happen()
    assert world.machine.active is not None
    assert world.machine.active.recovered
    world.happen(e.CancelAsked(1))
    assert not any(isinstance(x, c.CancelUpstream) for batch in world.commands for x in batch)
    world.held = False
    world.let_go()
    world.happen()
    assert world.heard(1) == ["22012", "I"]


def test_a_rollback_cut_short_by_statement_timeout_is_tried_again(world: Driven) -> None:
    world.upstream.fail["bad"] = "22012"
    real = world.upstream._back_to
    left = [2]

    def slow(name: str) -> bytes:
        left[0] -= 1
        return world.upstream._error("57014") if left[0] >= 0 else real(name)

    world.upstream._back_to = slow  # type: ignore[method-assign]
    assert world.ask(1, "DELETE FROM items WHERE name = 'bad'") == ["22012", "I"]
    assert world.machine.state is State.OPEN


@pytest.mark.parametrize(
    "before", [[], ["BEGIN"], ["INSERT INTO items VALUES (1)"], ["BEGIN", "SAVEPOINT a"]]
)
def test_a_lost_world_is_told_once(world: Driven, before: list[str]) -> None:
    for text in before:
        world.ask(1, text)
    world.happen(e.UpstreamLost("gone"))
    told = [world.ask(1, "SELECT 1") for _ in range(2)]
    status = "E" if "BEGIN" in before else "I"
    if before:
        assert told[0] == ["57000", status]
    if status == "E":
        assert told[1] == ["25P02", "E"]
        assert world.ask(1, "ROLLBACK") == ["ROLLBACK", "I"]
    assert world.ask(1, "SELECT 1") == ["row", "1 rows", "SELECT 1", "I"]
    world.join(3)
    assert world.ask(3, "SELECT 1") == ["row", "1 rows", "SELECT 1", "I"]


def test_a_failed_audit_sends_nothing(world: Driven) -> None:
    world.audit_fails = True
    before = len(world.upstream.executed)
    assert world.ask(1, "INSERT INTO items VALUES (1)") == ["58030", "I"]
    assert not any("INSERT" in x for x in world.upstream.executed[before:])
    assert world.say(1, extended("INSERT INTO items VALUES (1)"), f.sync())[-2:] == ["58030", "I"]
    assert world.ask(1, "selec") == ["42601", "I"], "a refusal is told although its record is lost"
    assert world.ask(1, "BEGIN") == ["BEGIN", "T"]
    assert world.ask(1, "DELETE FROM items") == ["58030", "E"]
    assert world.ask(1, "ROLLBACK")[-1] == "I"
    world.audit_fails = False
    assert world.ask(1, "INSERT INTO items VALUES (1)") == ["INSERT 0 1", "I"]


def test_a_failed_audit_costs_a_nested_client_nothing_of_the_others(world: Driven) -> None:
    world.ask(1, "BEGIN")
    world.ask(1, "INSERT INTO items VALUES (1)")
    world.audit_fails = True
    for text in ("INSERT INTO items VALUES (2)", "BEGIN"):
        world.now += 10
        assert world.ask(2, text) == ["58030", "I"]
    world.audit_fails = False
    assert world.ask(1, "COMMIT") == ["COMMIT", "I"]
    assert world.machine.state is State.OPEN


def test_a_statement_prepared_under_another_policy_is_rewritten(world: Driven) -> None:
    world.say(1, f.parse("s", "SELECT name FROM items"), f.sync())
    world.say(1, f.bind("", "s"), f.execute("", 0), f.sync())
    masked = 'version = 1\ndefault = "clear"\n[tables."public.items".columns]\nname = "text"\n'
    world.machine.policy_changed(load_policy(masked, "policy.toml"))
    world.say(1, f.bind("", "s"), f.execute("", 0), f.sync())
    plain, shown = [x for x in world.upstream.executed if "name" in x][-2:]
    assert plain != shown
    assert "devinprod.key" in shown or "NULL" in shown


def test_a_waiting_client_is_told_who_holds_the_world(world: Driven) -> None:
    world.held = True
    world.say(1, f.query("SELECT 1"))
    world.told[2].clear()
    world.happen(e.ClientSent(2, logged_in().feed(f.query("SELECT 2"))))
    world.now += 60
    world.happen(e.TimerFired("floor"))
    assert world.heard(2) == ["55P03", "I"]
