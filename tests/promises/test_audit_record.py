"""Every statement is on the record before it runs, and no secret is in it, or anywhere else."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.demo.shop import PROXY_ROLE
from devinprod_proxy.pgwire import messages
from proxies import PASSWORD, Proxy, until
from wire_client import WireClient, errors

Record = dict[str, Any]


@pytest.fixture(scope="module")
def proxy(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    from devinprod_proxy import demo

    policy = Path(demo.__file__).with_name("policy.toml")
    started = Proxy(tmp_path_factory.mktemp("record"), cluster.dsn("replica", PROXY_ROLE), policy)
    yield started
    started.stop()


def verify(proxy: Proxy) -> str:
    """What ``devinprod audit verify`` says; AssertionError where it finds something wrong."""
    done = Proxy.command("audit", "verify", "--audit", str(proxy.folder / "audit"), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def of(proxy: Proxy, session: str, kind: str = "") -> list[Record]:
    """The records of one session, of one kind."""
    return [r for r in proxy.records() if r.get("session") == session and kind in ("", r["kind"])]


def test_the_record_is_there_before_the_statement_runs(
    make_proxy: Callable[..., Proxy], cluster: Cluster
) -> None:
    """A lock holds the statement up at its very beginning: its record is complete by then."""
    proxy = make_proxy()
    held = threading.Event()
    with (
        psycopg.connect(cluster.replica_dsn) as direct,
        WireClient(proxy.port).log_in("ann/before") as client,
    ):
        direct.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        held.set()
        client.send(messages.query(b"UPDATE products SET price = 1 WHERE id = 1"))
        with psycopg.connect(cluster.replica_dsn, autocommit=True) as looking:
            waiting = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'products'::regclass"
            until(lambda: looking.execute(waiting).fetchone() is not None)
        found = of(proxy, "before", "statement")
        assert [r["asked"] for r in found] == ["UPDATE products SET price = 1 WHERE id = 1"]
        assert not of(proxy, "before", "statement.end")
        direct.rollback()
        assert errors(client.upto("Z")) == []
    (end,) = until(lambda: of(proxy, "before", "statement.end"))
    assert end["of"] == found[0]["id"]
    assert end["sqlstate"] is None


def test_a_killed_proxy_loses_no_record(make_proxy: Callable[..., Proxy]) -> None:
    proxy = make_proxy()
    with WireClient(proxy.port).log_in("ann/killed") as client:
        client.send(messages.query(b"SELECT pg_sleep(30), 'the last words'"))
        until(lambda: of(proxy, "killed", "statement"))
        proxy.stop(signal.SIGKILL)
        client.rest()
    assert "the last words" in of(proxy, "killed", "statement")[-1]["asked"]
    verify(proxy)
    proxy.start()  # goes on behind what the dead one wrote
    with proxy.connect("again") as db:
        db.execute("SELECT 1")
    assert of(proxy, "killed", "statement")
    assert of(proxy, "again", "statement")
    verify(proxy)


def test_what_a_record_says(proxy: Proxy) -> None:
    dsn = proxy.dsn("says", application_name="the service", options="-c devinprod.reason=INC-1234")
    with psycopg.connect(dsn, autocommit=True) as db:
        assert len(db.execute("SELECT id, email FROM customers WHERE id < 4 ORDER BY id").fetchall()) == 3
        with pytest.raises(psycopg.errors.UniqueViolation):
            db.execute("INSERT INTO products (id, sku, title, price) VALUES (1, 'x', 'x', 1)")
    read, write = of(proxy, "says", "statement")
    assert read["asked"] == "SELECT id, email FROM customers WHERE id < 4 ORDER BY id"
    assert read["run"] != read["asked"]
    assert "public.customers.email" in read["masked"]
    assert read["user"] == "ann"
    assert read["target"] == "shop"
    assert read["reason"] == "INC-1234"
    assert "the service" in read["client"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", read["at"])
    until(lambda: len(of(proxy, "says", "statement.end")) == 2)
    ends = {r["of"]: r for r in of(proxy, "says", "statement.end")}
    assert ends[read["id"]]["rows"] == 3
    assert ends[read["id"]]["people"] == 3
    assert ends[read["id"]]["ms"] > 0
    assert ends[write["id"]]["sqlstate"] == "23505"
    kinds = [r["kind"] for r in of(proxy, "says")]
    assert kinds[0] == "session.open"
    assert "client.join" in kinds
    until(lambda: of(proxy, "says", "client.leave"))


def test_what_was_refused_is_on_the_record(proxy: Proxy) -> None:
    with proxy.connect("refused") as db:
        for statement in ("VACUUM", "SELECT pg_read_file('/etc/passwd')", "selec 1", "COMMIT PREPARED 'x'"):
            with pytest.raises(psycopg.Error) as caught:
                db.execute(statement)
            (record,) = [r for r in of(proxy, "refused") if r.get("asked") == statement]
            assert record["kind"] == "statement.refused"
            assert record["sqlstate"] == caught.value.sqlstate
            assert record["message"] == caught.value.diag.message_primary
        db.pgconn.send_query_params(b"CREATE DATABASE x", [])
        until(
            lambda: [
                r for r in of(proxy, "refused", "statement.refused") if r["asked"] == "CREATE DATABASE x"
            ]
        )
        while db.pgconn.get_result() is not None:
            pass


def test_every_execution_has_its_own_record(proxy: Proxy) -> None:
    with proxy.connect("each") as db:
        for n in range(1, 8):  # prepared by psycopg after the fifth time
            db.execute("SELECT title FROM products WHERE id = %s", [n])
        db.execute("SELECT 1; SELECT 2")
        with db.transaction():
            db.execute("SELECT 3")
        with db.cursor().copy("COPY products (id) TO STDOUT") as copy:
            for _ in copy:
                pass
    asked = [r["asked"].strip() for r in of(proxy, "each", "statement")]
    assert asked.count("SELECT title FROM products WHERE id = $1") == 7
    assert [a for a in asked if "WHERE" not in a] == [
        "SELECT 1",
        "SELECT 2",
        "BEGIN",
        "SELECT 3",
        "COMMIT",
        "COPY products (id) TO STDOUT",
    ]
    ids = [r["id"] for r in of(proxy, "each", "statement")]
    assert len(set(ids)) == len(ids)
    until(lambda: len(of(proxy, "each", "statement.end")) == len(ids))
    assert [r["of"] for r in of(proxy, "each", "statement.end")] == ids


def test_a_changed_record_is_found(make_proxy: Callable[..., Proxy]) -> None:
    proxy = make_proxy()
    with proxy.connect("chain") as db:
        db.execute("SELECT 'one'")
        db.execute("SELECT 'two'")
    proxy.stop()
    assert verify(proxy)
    (segment,) = (proxy.folder / "audit").glob("*.jsonl")
    honest = segment.read_bytes()
    for forged in (
        honest.replace(b"'one'", b"'eno'"),
        b"".join(line for line in honest.splitlines(keepends=True) if b"'one'" not in line),
        b"".join(honest.splitlines(keepends=True)[:-2]),
    ):
        assert forged != honest
        segment.write_bytes(forged)
        done = Proxy.command("audit", "verify", "--audit", str(segment.parent), check=False)
        assert done.returncode != 0
    segment.write_bytes(honest)
    assert verify(proxy)


def test_no_secret_is_anywhere(make_proxy: Callable[..., Proxy], cluster: Cluster) -> None:
    """Not in the record, the log, the process list, the server's views, nor in any answer."""
    proxy = make_proxy()
    assert proxy.process is not None
    key = (proxy.folder / "mask.key").read_text().strip()
    upstream_password = str(psycopg.conninfo.conninfo_to_dict(cluster.dsn("replica", PROXY_ROLE))["password"])
    value = "vALUE-of-a-parameter-4711"
    answers = []
    with (
        proxy.connect("secrets") as db,
        psycopg.connect(cluster.replica_dsn, autocommit=True) as direct,
        WireClient(proxy.port).log_in("ann/secrets") as wire,
    ):
        db.execute("SELECT email FROM customers WHERE name = %s", [value])
        db.execute("INSERT INTO products (sku, title, price) VALUES (%s, %s, 1)", [value, value])
        with pytest.raises(psycopg.Error):
            db.execute("INSERT INTO products (sku, title, price) VALUES (%s, '', %s)", [value, None])
        with pytest.raises(psycopg.Error):
            db.execute("SELECT %s::int", [value])
        for question in (
            "SHOW devinprod.key",
            "SELECT current_setting('devinprod.key')",
            "SELECT current_setting('devinprod' || '.key')",
            "SELECT * FROM pg_settings",
            "SELECT * FROM pg_stat_activity",
            "SELECT * FROM pg_prepared_statements",
            "SELECT * FROM pg_file_settings",
            "SHOW ALL",
            "EXPLAIN VERBOSE SELECT email FROM customers",
            "EXPLAIN (ANALYZE, SETTINGS, VERBOSE) SELECT email FROM customers WHERE email = 'x'",
            "SET client_min_messages = log",
            "SET debug_print_plan = on",
            "SELECT email FROM customers LIMIT 1",
            "SELECT set_config('devinprod.key', 'x', false)",
            "RESET ALL",
            "SELECT usename, query FROM pg_stat_activity",
        ):
            answers += [m.body for m in wire.query(question)]
        seen = direct.execute("SELECT pg_stat_activity::text FROM pg_stat_activity").fetchall()
        processes = b"".join(
            p.read_bytes()
            for p in Path("/proc").glob("[0-9]*/cmdline")
            if os.access(p, os.R_OK) and p.exists()
        )
        environment = Path(f"/proc/{proxy.process.pid}/environ").read_bytes()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(proxy.dsn(), password="wRONG-password-4711")
    records = b"".join(f.read_bytes() for f in (proxy.folder / "audit").iterdir())
    log = proxy.log.read_bytes()
    assert b"SELECT email FROM customers WHERE name = $1" in records
    assert b"customers" in b"".join(answers)
    places = {
        "record": records,
        "log": log,
        "process list": processes,
        "environment": environment,
        "pg_stat_activity": repr(seen).encode(),
        "answers": b"".join(answers),
    }
    for where, text in places.items():
        for name, secret in {
            "the mask key": key,
            "the password of the target": upstream_password,
            "a password": PASSWORD,
            "a wrong password": "wRONG-password-4711",
        }.items():
            assert secret.encode() not in text, f"{name} in the {where}"
    for where in ("record", "log", "process list"):
        assert value.encode() not in places[where], f"a parameter's value in the {where}"


def test_files_are_their_owners_only(proxy: Proxy) -> None:
    for file in [proxy.folder / "audit", *(proxy.folder / "audit").iterdir(), proxy.folder / "users.toml"]:
        assert file.stat().st_mode & 0o077 == 0, file
