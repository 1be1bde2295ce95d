"""Whatever clients send, in whatever pieces, a world gives commands: it never fails, and keeps its promises.

The promises that can be seen from outside, in every list of commands:

* a statement's record stands before the SendUpstream that it speaks of;
* only the proxy's own texts and what the rewriter made goes upstream;
* whatever a client does, the world is never lost;
* every Query and every Sync is answered by one ReadyForQuery, once upstream has answered.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

from devinprod_proxy.errors import ClientFault, Refusal
from devinprod_proxy.pgwire import frontend as f
from devinprod_proxy.pgwire.codec import Frame
from devinprod_proxy.pgwire.kinds import Backend, Frontend
from devinprod_proxy.session import commands as c
from devinprod_proxy.session import events as e
from devinprod_proxy.session.machine import State
from devinprod_proxy.sql.statement import Statement
from driven import Driven, logged_in
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Drive = Callable[..., Driven]
OWN = re.compile(
    r'(SAVEPOINT|RELEASE SAVEPOINT|ROLLBACK TO SAVEPOINT) "(devinprod_g\d+|dip_s\d+)"'
    r"|BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
    r'|SET CONSTRAINTS (ALL IMMEDIATE|"public"."\w+" DEFERRED)'
    r"|SELECT (pg_catalog\.set_config\('\w+(\.\w+)?', '[^']*', (false|true)\)(, )?)+"
    r"|SELECT pg_catalog\.set_config\('devinprod\.txn_start', \(EXTRACT\([^']*, false\)"
    r'|RESET "\w+"'
    r"|SELECT pg_catalog\.concat_ws\(.*\)",
    re.DOTALL,
)
TEXTS = [
    "BEGIN", "BEGIN READ ONLY", "COMMIT", "ROLLBACK", "COMMIT AND CHAIN", "SAVEPOINT a", "ROLLBACK TO a", "RELEASE a",
    "INSERT INTO items VALUES (1)", "UPDATE items SET n = 1", "DELETE FROM items WHERE name = 'bad'", "SELECT 1",
    "SELECT 1; SELECT 'bad'", "INSERT INTO items VALUES (1); COMMIT; SELECT 1", "selec", "", "SET TimeZone = 'CET'",
    "RESET ALL", "PREPARE p AS SELECT 1", "EXECUTE p", "DEALLOCATE ALL", "DECLARE c CURSOR FOR SELECT 1", "FETCH c",
    "CLOSE ALL", "DISCARD ALL", "LISTEN a", "NOTIFY a, 'x'", "SELECT now()",
    "SET CONSTRAINTS ALL IMMEDIATE", "VACUUM", "SELECT pg_terminate_backend(1)",
]  # fmt: skip
text = st.sampled_from(TEXTS[:14]) | st.sampled_from(TEXTS[:14]) | st.sampled_from(TEXTS)
name = st.sampled_from(["", "s"])
part = st.one_of(
    st.builds(f.parse, name, text),
    st.builds(f.bind, name, name),
    st.builds(f.describe, st.sampled_from(["S", "P"]), name),
    st.builds(f.execute, name, st.sampled_from([0, 0, 1])),
    st.builds(f.close, st.sampled_from(["S", "P"]), name),
    st.builds(lambda t: f.parse("", t) + f.bind("", "") + f.describe("P", "") + f.execute("", 0), text),
    st.just(f.flush()),
)
question = st.one_of(text.map(f.query), st.lists(part, max_size=5).map(lambda x: b"".join([*x, f.sync()])))
copying = st.sampled_from([f.copy_data(b"1\n"), f.copy_done(), f.copy_fail("no")])
copy = st.sampled_from([f.query("COPY items FROM STDIN"), f.parse("s", "COPY items FROM STDIN")])
message = st.one_of(text.map(f.query), text.map(f.query), part, part, st.just(f.sync()), copying, copy)
garbage = st.one_of(
    message,
    st.builds(lambda kind, body: bytes([kind]) + (len(body) + 4).to_bytes(4, "big") + body,
              st.sampled_from(b"QPBEDCSHdcfFpX?"), st.binary(max_size=24)),
)  # fmt: skip
event = st.one_of(
    *[st.tuples(st.just("say"), st.integers(1, 3), st.lists(question, min_size=1, max_size=3).map(b"".join))]
    * 3,
    st.tuples(st.just("cancel"), st.integers(1, 3)),
    st.tuples(st.just("wait"), st.sampled_from([0.3, 20.0])),
    st.tuples(st.just("fail"), st.sampled_from(["bad", "RELEASE", "CONSTRAINTS", "items"])),
    st.tuples(st.just("mend")),
    st.tuples(st.just("hold")),
    st.tuples(st.just("let go")),
)
rare = st.one_of(
    event,
    st.tuples(st.just("say"), st.integers(1, 3), st.lists(message, min_size=1, max_size=5).map(b"".join)),
    *[st.tuples(st.just("say"), st.integers(1, 3), garbage.map(lambda x: x + f.sync()))] * 3,
    st.tuples(st.just("leave"), st.integers(1, 3)),
    st.tuples(st.just("lost")),
    st.tuples(st.just("audit"), st.booleans()),
    st.tuples(st.just("reset")),
)
Steps = list[tuple[Any, ...]]
one = ("say", 1, f.query("BEGIN") + f.query("INSERT INTO items VALUES (1)"))
other = ("say", 2, f.query("BEGIN"))
begun = st.sampled_from([[], [one], [one, ("wait", 0.3), other, ("wait", 0.3)]])
"""Nobody, one client, or one inside another has a transaction open."""
EXAMPLES = int(os.environ.get("DEVINPROD_EXAMPLES") or 0)


def bounded(examples: int) -> Any:
    """Few and always the same by default, many new ones where asked for."""
    return settings(
        max_examples=max(EXAMPLES, examples),
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


class Watched(Driven):
    """Looks at every list of commands, and counts what clients asked for."""

    def __init__(self, *args: Any, **limits: float) -> None:
        super().__init__(*args, **limits)
        self.made: set[str] = set()
        self.due: dict[int, int] = {}
        self.may_lose = False
        real = self.machine.rewriter.rewrite

        def rewrite(*args: Any) -> Statement | Refusal:
            found = real(*args)
            if isinstance(found, Statement) and found.run is not None:
                self.made.add(found.run.text)
            return found

        self.machine.rewriter.rewrite = rewrite  # type: ignore[method-assign]

    def happen(self, *events: e.Event) -> None:
        before = len(self.commands)
        super().happen(*events)
        for batch in self.commands[before:]:
            self.look(batch)

    def look(self, batch: list[c.Command]) -> None:
        promised = 0
        for command in batch:
            if isinstance(command, c.Record):
                promised += command.promised
                assert self.may_lose or command.fields["kind"] != "session.lost", command.fields
            elif isinstance(command, c.SendUpstream):
                promised = 0
                for item in logged_in().feed(command.data):
                    if isinstance(item, Frame) and item.kind == Frontend.PARSE:
                        sent = f.parse_parse(item.body).query.decode()
                        assert OWN.fullmatch(sent) or sent in self.made or self.renamed(sent), sent
        assert not promised, "a promised record, and nothing sent behind it"

    @staticmethod
    def renamed(sent: str) -> bool:
        return bool(re.fullmatch(r"(PREPARE|EXECUTE|DECLARE|FETCH) \W*(FROM )?(IN )?\W*dip\w*.*", sent))

    def play(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("say", number, data):
                try:
                    items = logged_in().feed(data)
                except ClientFault:  # the codec's business: the server lets the client go
                    step = ("leave", number)
                else:
                    if number in self.machine.clients:
                        asks = (Frontend.QUERY, Frontend.SYNC, Frontend.FUNCTION_CALL)
                        self.due[number] = self.due.get(number, 0) + sum(x.kind in asks for x in items)  # type: ignore[union-attr]
                    self.happen(e.ClientSent(number, items))  # type: ignore[arg-type]
            case ("cancel", number):
                self.happen(e.CancelAsked(number))
            case ("wait", seconds):
                self.now += seconds
                self.happen(e.TimerFired("floor"))
            case ("fail", word):
                self.upstream.cancel.add(word)
            case ("mend",):
                self.upstream.cancel.clear()
            case ("hold",):
                self.held = True
            case ("let go",):
                self.held = False
                self.let_go()
                self.happen()
            case ("lost",):
                self.may_lose = True
                self.happen(e.UpstreamLost("gone"))
                self.may_lose = False
            case ("audit", fails):
                self.audit_fails = fails
            case ("reset",):
                self.may_lose = True
                self.happen(e.ResetAsked("asked"))
                self.may_lose = False
        if step[0] == "leave":
            self.happen(e.ClientLeft(step[1]))
            self.told[step[1]] = []
            self.join(step[1])
            self.due[step[1]] = 1  # of the welcome

    def settle(self) -> None:
        """Everybody ends COPY, pipeline and transaction; nobody has to wait any more."""
        self.audit_fails = False
        self.play(("mend",))
        self.play(("let go",))
        for _ in range(2):
            for number in (3, 2, 1):
                if number in self.closed:
                    continue
                self.play(("say", number, f.copy_done() + f.sync()))
                self.play(("say", number, f.query("ROLLBACK")))
                for _ in range(3):
                    self.play(("wait", 20.0))


def start(drive: Drive) -> Watched:
    plain = drive()
    machine = plain.machine
    assert machine.offered is not None
    watched = Watched(machine.offered[1], machine.policy)
    for number in (1, 2, 3):
        watched.join(number)
        watched.due[number] = 1
    return watched


def test_every_question_is_answered_once(drive: Drive) -> None:
    @bounded(600)
    @given(begun, st.lists(event, max_size=14))
    def answered(opening: Steps, steps: Steps) -> None:
        world = start(drive)
        for step in (*opening, *steps):
            world.play(step)
        world.settle()
        assert world.machine.state is State.OPEN
        for number in (1, 2, 3):
            readies = [x for x in world.told[number] if x.kind == Backend.READY_FOR_QUERY]
            assert len(readies) == world.due[number], number
            assert world.heard(number)[-1] == "I"

    answered()


def test_nothing_that_clients_send_breaks_a_world(drive: Drive) -> None:
    @bounded(600)
    @given(begun, st.lists(rare, max_size=16))
    def holds(opening: Steps, steps: Steps) -> None:
        world = start(drive)
        for step in (*opening, *steps):
            world.play(step)
        world.settle()
        world.join(9)
        assert world.ask(9, "SELECT 1")[-2:] == ["SELECT 1", "I"]

    holds()


def test_bytes_in_any_pieces(drive: Drive) -> None:
    @bounded(100)
    @given(st.binary(max_size=200), st.integers(1, 40))
    def holds(data: bytes, size: int) -> None:
        world = start(drive)
        stream = logged_in()
        for at in range(0, len(data), size):
            try:
                items = stream.feed(data[at : at + size])
            except ClientFault:
                world.happen(e.ClientLeft(1))
                break
            world.happen(e.ClientSent(1, items))  # type: ignore[arg-type]
        assert world.ask(2, "SELECT 1")[-2:] == ["SELECT 1", "I"]

    holds()
