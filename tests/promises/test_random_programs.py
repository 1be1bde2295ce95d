"""Whatever programs do, they see what they would see on PostgreSQL, and nothing of it stays.

Hypothesis makes up programs of several clients, in the simple and the extended protocol. With one
client at a time each is played through a session and on a database of its own, and compared step by
step: results, SQLSTATEs, messages, transaction status, reported settings. With interleaved clients
only this holds, and is checked: the session goes on, and the database is as it was.

``DEVINPROD_EXAMPLES`` is how many programs each test plays; more than the default are new ones.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from digests import digests
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from proxies import Proxy
from psycopg import pq

EXAMPLES = int(os.environ.get("DEVINPROD_EXAMPLES") or 0)
CLEAR = 'version = 1\ndefault = "clear"\n'
SCHEMA = """
CREATE TABLE items (id int PRIMARY KEY, name text UNIQUE, n int CHECK (n >= 0));
CREATE TABLE parts (id int PRIMARY KEY, item int REFERENCES items DEFERRABLE INITIALLY DEFERRED);
INSERT INTO items (id, name, n) SELECT i, 'item ' || i, i FROM generate_series(1, 5) i;
"""

TRANSACTION = [
    "BEGIN",
    "BEGIN",
    "BEGIN READ ONLY",
    "BEGIN READ WRITE",
    "COMMIT",
    "COMMIT",
    "ROLLBACK",
    "COMMIT AND CHAIN",
    "ROLLBACK AND CHAIN",
    *(f"{command} {name}" for command in ("SAVEPOINT", "ROLLBACK TO", "RELEASE") for name in ("a", "b")),
]
WORK = [
    "INSERT INTO items VALUES (6, 'six', 6)",
    "INSERT INTO items VALUES (7, 'seven', 7) RETURNING id",
    "INSERT INTO items VALUES (8, 'six', 8)",
    "INSERT INTO items VALUES (9, 'nine', -1)",
    "INSERT INTO items VALUES (6, 'x', 1) ON CONFLICT (id) DO UPDATE SET n = items.n + 1",
    "INSERT INTO parts VALUES (1, 1)",
    "INSERT INTO parts VALUES (2, 99)",
    "UPDATE parts SET item = 1 WHERE id = 2",
    "UPDATE items SET n = n + 1 WHERE id > 3 RETURNING n",
    "UPDATE items SET n = n - 2 WHERE id < 3",
    "DELETE FROM items WHERE id = 5",
    "DELETE FROM parts",
    "SELECT id, name, n FROM items ORDER BY id",
    "SELECT id, item FROM parts ORDER BY id",
    "SELECT count(*) FROM items",
    "SELECT 1 / 0",
    "SELECT nothing FROM items",
    "selec",
    "",
]
SESSION = [
    "SET TimeZone = 'Europe/Berlin'",
    "SET TimeZone = 'Mars/Olympus'",
    "SET LOCAL TimeZone = 'Asia/Tokyo'",
    "SHOW TimeZone",
    "RESET TimeZone",
    "SET default_transaction_read_only = on",
    "RESET ALL",
    "SET CONSTRAINTS ALL IMMEDIATE",
    "SET CONSTRAINTS ALL DEFERRED",
    "SELECT '2026-01-01 00:00+00'::timestamptz",
    "PREPARE p AS SELECT count(*) FROM items",
    "EXECUTE p",
    "DEALLOCATE p",
    "DECLARE c CURSOR FOR SELECT id FROM items ORDER BY id",
    "DECLARE c CURSOR WITH HOLD FOR SELECT id FROM items ORDER BY id",
    "FETCH 2 FROM c",
    "MOVE 1 IN c",
    "CLOSE c",
    "DISCARD ALL",
]

text = st.sampled_from(TRANSACTION) | st.sampled_from(WORK) | st.sampled_from(SESSION)
rows = st.sampled_from(["20\tcopied\t1\n", "1\tdouble\t1\n", "21\tnegative\t-1\n", "garbage\n", ""])
step = st.one_of(
    st.tuples(st.just("simple"), text),
    st.tuples(st.just("simple"), text),
    st.tuples(st.just("simple"), st.lists(text, min_size=2, max_size=4).map("; ".join)),
    st.tuples(st.just("extended"), text),
    st.tuples(st.just("pipeline"), st.lists(text, min_size=1, max_size=4).map(tuple)),
    st.tuples(st.just("prepare"), st.sampled_from(["s", "t"]), text),
    st.tuples(st.just("run"), st.sampled_from(["s", "t"])),
    st.tuples(st.just("copy"), rows, st.booleans()),
    st.tuples(st.just("leave")),
)
Step = tuple[Any, ...]
program = st.lists(st.tuples(st.integers(0, 2), step), min_size=1, max_size=14)
inner = st.tuples(
    st.sampled_from(["simple", "simple", "extended"]),
    st.sampled_from([*TRANSACTION[4:], *["SELECT 1 / 0"] * 4, *WORK[:6], "SELECT count(*) FROM items"]),
)
nested = st.lists(
    st.tuples(st.sampled_from([0, 1, 1, 1, 2]), st.booleans().flatmap(lambda any_: step if any_ else inner)),
    min_size=6,
    max_size=14,
).map(lambda steps: [(0, ("simple", "BEGIN")), (0, ("simple", WORK[0])), (1, ("extended", "BEGIN")), *steps])
"""One transaction open inside another, and a third client."""


def bounded(examples: int) -> Callable[[Any], Any]:
    """Few and always the same programs by default, many new ones where asked for."""
    return settings(
        max_examples=max(EXAMPLES, examples),
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )


@dataclass
class Player:
    """One client: plays steps, and says what can be seen of each."""

    dsn: str
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connect()

    def connect(self) -> None:
        self.connection = psycopg.connect(self.dsn, autocommit=True, connect_timeout=20)
        self.connection.add_notice_handler(
            lambda n: self.notices.append(f"{n.severity} {n.sqlstate} {n.message_primary}")
        )
        self.pg = self.connection.pgconn

    @property
    def idle(self) -> bool:
        return self.pg.transaction_status == pq.TransactionStatus.IDLE

    def play(self, step: Step) -> object:
        if step[0] == "leave":
            self.connection.close()
            self.connect()
            return "left"
        results = alike(list(getattr(self, f"_{step[0]}")(*step[1:])))
        notices = [n for n in self.notices if "devinprod: " not in n]
        self.notices.clear()
        zone = self.pg.parameter_status(b"TimeZone")
        return results, notices, pq.TransactionStatus(self.pg.transaction_status).name, zone

    def _simple(self, text: str) -> Iterator[object]:
        self.pg.send_query(text.encode())
        yield from self._results()

    def _extended(self, text: str) -> Iterator[object]:
        self.pg.send_query_params(text.encode(), [])
        yield from self._results()

    def _prepare(self, name: str, text: str) -> Iterator[object]:
        self.pg.send_prepare(name.encode(), text.encode())
        yield from self._results()

    def _run(self, name: str) -> Iterator[object]:
        self.pg.send_query_prepared(name.encode(), [])
        yield from self._results()

    def _pipeline(self, texts: tuple[str, ...]) -> Iterator[object]:
        self.pg.enter_pipeline_mode()
        for text in texts:
            self.pg.send_query_params(text.encode(), [])
        self.pg.pipeline_sync()
        while True:
            result = self.pg.get_result()
            if result is None:
                continue
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                break
            yield self._seen(result)
        self.pg.exit_pipeline_mode()

    def _copy(self, data: str, give_up: bool) -> Iterator[object]:
        self.pg.send_query(b"COPY items FROM STDIN")
        yield from self._results(data.encode(), b"enough" if give_up else None)

    def _results(self, data: bytes = b"", give_up: bytes | None = None) -> Iterator[object]:
        while (result := self.pg.get_result()) is not None:
            if result.status == pq.ExecStatus.COPY_IN:
                self.pg.put_copy_data(data)
                self.pg.put_copy_end(give_up)
            else:
                yield self._seen(result)

    def _seen(self, result: pq.abc.PGresult) -> object:
        return (
            pq.ExecStatus(result.status).name,
            result.command_status,
            [(result.fname(i), result.ftype(i)) for i in range(result.nfields)],
            [tuple(result.get_value(r, c) for c in range(result.nfields)) for r in range(result.ntuples)],
            result.error_field(pq.DiagnosticField.SQLSTATE),
            result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY),
        )


def alike(result: list[Any]) -> list[Any]:
    """Where a deferred check fails at the end of a Query, PostgreSQL leaves the last statement's tag out;
    the session does so only where that statement itself went to the server."""
    if len(result) > 1 and result[-1][4] == b"23503":
        return [*result[:-2], result[-1]] if result[-2][4] is None else result
    return result


def play_in_turn(dsn: str, steps: list[tuple[int, Step]]) -> list[object]:
    """Three clients; who has a transaction open goes on until it is over."""
    seen: list[object] = []
    with ExitStack() as open_ones:
        players = [Player(dsn) for _ in range(3)]
        for player in players:
            open_ones.callback(lambda player=player: player.connection.close())
        for turn, one in steps:
            number = next((i for i, p in enumerate(players) if not p.idle), turn)
            seen.append((number, one, players[number].play(one)))
    return seen


@pytest.fixture(scope="module")
def world(make_cluster: Callable[..., Cluster]) -> Cluster:
    def fill(connection: psycopg.Connection[Any]) -> None:
        connection.execute(SCHEMA)
        connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO devinprod")

    return make_cluster(fill, logins=["devinprod"])


@pytest.fixture(scope="module")
def proxy(world: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    started = Proxy(
        tmp_path_factory.mktemp("random"),
        world.dsn("replica", "devinprod"),
        CLEAR,
        limits={"floor_patience": "5 ms", "floor_timeout": "2 s"},
    )
    yield started
    started.stop()


@pytest.fixture(scope="module")
def direct(world: Cluster) -> Iterator[Callable[[], str]]:
    """Gives a database to run on directly, always as it was at first."""
    with psycopg.connect(world.dsn("primary"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE direct TEMPLATE template0")
    dsn = psycopg.conninfo.make_conninfo(world.dsn("primary"), dbname="direct")

    def fresh() -> str:
        with psycopg.connect(dsn) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            connection.execute(SCHEMA)
        return dsn

    yield fresh
    with psycopg.connect(world.dsn("primary"), autocommit=True) as admin:
        admin.execute("DROP DATABASE direct WITH (FORCE)")


def _session(proxy: Proxy) -> str:
    return f"r{secrets.token_hex(6)}"


@pytest.mark.timeout(3600 if EXAMPLES else 120)
def test_one_client_at_a_time_is_as_on_postgres(proxy: Proxy, direct: Callable[[], str]) -> None:
    @bounded(120)
    @given(program)
    def same(steps: list[tuple[int, Step]]) -> None:
        session = _session(proxy)
        try:
            got = play_in_turn(proxy.dsn(session), steps)
        finally:
            proxy.api("DELETE", f"/v1/sessions/{session}")
        expected = play_in_turn(direct(), steps)
        for number, (mine, theirs) in enumerate(zip(got, expected, strict=True)):
            if mine != theirs:
                note("\n".join(str(line) for line in expected[:number]))
                note(f"PostgreSQL: {theirs}\nsession:    {mine}")
            assert mine == theirs

    same()


@pytest.mark.timeout(3600 if EXAMPLES else 120)
def test_interleaved_clients_leave_everything_as_it_was(world: Cluster, proxy: Proxy) -> None:
    """Transactions nested and interleaved, clients that go in the middle: the world holds, nothing stays."""
    before = digests(world.dsn("replica"))

    @bounded(100)
    @given(nested)
    def holds(steps: list[tuple[int, Step]]) -> None:
        session = _session(proxy)
        dsn = proxy.dsn(session)
        with ExitStack() as open_ones:
            players = [Player(dsn) for _ in range(3)]
            for player in players:
                open_ones.callback(lambda player=player: player.connection.close())
            for number, one in steps:
                seen = players[number].play(one)
                note(f"{number} {one} {seen}")
                assert b"57000" not in codes(seen), "the world was lost"
                assert b"XX000" not in codes(seen)
            for player in reversed(players):
                player.play(("simple", "ROLLBACK"))
            for player in players:
                player.play(("simple", "ROLLBACK"))
                last = player.play(("simple", "SELECT count(*) >= 0 FROM items"))
                note(str(last))
                assert codes(last) == {None}
        ended = proxy.api("DELETE", f"/v1/sessions/{session}")
        assert ended["ended"]

    holds()
    assert digests(world.dsn("replica")) == before
    assert "Traceback" not in proxy.log.read_text()


def codes(seen: object) -> set[bytes | None]:
    """The SQLSTATEs among what a step has shown."""
    return {result[4] for result in seen[0]} if isinstance(seen, tuple) else set()
