"""Whatever a client sends, or an operator breaks: a clear error, a proxy that lives, others who never notice."""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster, free_port
from devinprod_proxy.demo.shop import PROXY_ROLE
from devinprod_proxy.pgwire import messages
from proxies import PASSWORD, Proxy, until
from wire_client import Message, WireClient, errors

CLEAR = 'version = 1\ndefault = "clear"\n'
CLOSED = 'version = 1\ndefault = "closed"\n[tables."public.customers".columns]\nid = "clear"\n'


@pytest.fixture(scope="module")
def proxy(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    started = Proxy(tmp_path_factory.mktemp("bad"), cluster.dsn("replica", PROXY_ROLE), CLEAR)
    yield started
    assert "Traceback" not in started.log.read_text(), started.log.read_text()
    started.stop()


@pytest.fixture(autouse=True)
def bystander(proxy: Proxy) -> Iterator[psycopg.Connection[Any]]:
    """Another user's session, in the middle of a transaction: it must never notice."""
    with proxy.connect("bystander", user="bob") as db:
        db.execute("BEGIN")
        db.execute("UPDATE products SET price = 4711 WHERE id = 1")
        yield db
        assert db.execute("SELECT price::int FROM products WHERE id = 1").fetchone() == (4711,)
        db.execute("ROLLBACK")


def startup(version: int = 3 << 16, **params: str) -> bytes:
    return messages.startup(version, {"user": "ann/bad", "database": "shop", **params})


def spoken(proxy: Proxy, data: bytes, *, half_close: bool = False) -> list[Message]:
    """What the proxy answers to bytes on a new connection until it closes it."""
    with WireClient(proxy.port) as client:
        client.send(data)
        if half_close:
            client.socket.shutdown(socket.SHUT_WR)
        return client.rest()


# Before the login.


@pytest.mark.parametrize(
    ("data", "sqlstate"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n", "08P01", id="HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "08P01", id="TLS without SSLRequest"),
        pytest.param(b"\x00" * 64, "08P01", id="zeros"),
        pytest.param(b"\xff" * 64, "08P01", id="ones"),
        pytest.param(struct.pack("!I", 1 << 30) + b"x" * 16, "08P01", id="1 GiB of startup"),
        pytest.param(struct.pack("!I", 4), "08P01", id="a length and nothing else"),
        pytest.param(struct.pack("!II", 9, 3 << 16) + b"u", "08P01", id="parameters that do not end"),
        pytest.param(startup(2 << 16), "0A000", id="protocol 2.0"),
        pytest.param(startup(1 << 16), "0A000", id="protocol 1.0"),
        pytest.param(startup(4 << 16), "0A000", id="protocol 4.0"),
        pytest.param(startup(replication="true"), "0A000", id="replication"),
        pytest.param(startup(replication="database"), "0A000", id="logical replication"),
        pytest.param(startup(user=""), "28000", id="no user"),
        pytest.param(startup(user="ann/../../etc"), "28000", id="a session with slashes"),
        pytest.param(startup() + messages.query(b"SELECT 1"), "08P01", id="a query instead of a password"),
        pytest.param(startup() + b"p" + struct.pack("!I", 1 << 30), "08P01", id="1 GiB of password"),
        pytest.param(startup() + startup(), "08P01", id="two startups"),
        pytest.param(messages.ssl_request() + startup(), "08P01", id="bytes pushed in behind SSLRequest"),
    ],
)
def test_no_login_comes_of(proxy: Proxy, data: bytes, sqlstate: str) -> None:
    with WireClient(proxy.port) as client:
        client.send(data)
        found = client.rest()
    assert errors(found) == [sqlstate]
    fields = found[-1].fields
    assert fields["S"] == fields["V"] == "FATAL"
    assert fields["M"]


def test_half_a_startup_costs_nothing(proxy: Proxy) -> None:
    for cut in (1, 4, 7, 20):
        assert errors(spoken(proxy, startup()[:cut], half_close=True)) in ([], ["08P01"])
    with WireClient(proxy.port) as client:  # one byte at a time is still a startup
        for byte in startup():
            client.send(bytes([byte]))
        message = client.read()
        assert message is not None
        assert message.kind == "R"


def test_an_unknown_startup_parameter_is_named(proxy: Proxy) -> None:
    with pytest.raises(AssertionError, match='"no_such_thing"'):
        WireClient(proxy.port).log_in("ann/bad", no_such_thing="1")
    with pytest.raises(AssertionError, match=r"42501|0A000|22023|42704"):
        WireClient(proxy.port).log_in("ann/bad", session_replication_role="replica")
    with pytest.raises(AssertionError, match=r"42501|0A000|42704"):
        WireClient(proxy.port).log_in("ann/bad", options="-c devinprod.key=x")


def test_protocol_3_2_and_unknown_protocol_options_are_negotiated(proxy: Proxy) -> None:
    with WireClient(proxy.port) as client:
        client.send(startup(3 << 16 | 9999, **{"_pq_.future": "1"}))
        first = client.read()
        assert first is not None
        assert first.kind == "v"
        assert first.body == struct.pack("!II", 3 << 16 | 2, 1) + b"_pq_.future\0"


def test_a_wrong_password_and_an_unknown_user_look_the_same(proxy: Proxy) -> None:
    said = []
    for user in ("ann", "nobody", "ann/x", "nobody/x"):
        with pytest.raises(psycopg.OperationalError) as caught:
            psycopg.connect(proxy.dsn(), user=user, password="wrong")
        said.append(str(caught.value).replace(user.partition("/")[0], "USER").replace("/x", ""))
    assert 'password authentication failed for user "USER"' in said[0]
    assert len(set(said)) == 1
    asked = []
    for user in ("ann", "nobody"):
        with WireClient(proxy.port) as client:
            client.send(messages.startup(3 << 16, {"user": user}))
            asked.append(client.read())
    assert asked[0] == asked[1]
    failed = [r for r in proxy.records() if r["kind"] == "login.failed"]
    assert {"ann", "nobody"} <= {r["user"] for r in failed}
    assert "wrong" not in str(failed)


def test_an_unknown_database_is_named(proxy: Proxy) -> None:
    with pytest.raises(psycopg.OperationalError, match=r'database "payroll" does not exist[\s\S]*shop'):
        psycopg.connect(proxy.dsn(), dbname="payroll")


# After it.


def header(kind: bytes, length: int) -> bytes:
    return kind + struct.pack("!I", length)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x00\x01\x02\x03\x04\x05\x06\x07\x08", id="garbage"),
        pytest.param(header(b"Q", 3), id="a length that is too short"),
        pytest.param(header(b"Q", 0xFFFFFFFF) + b"SELECT", id="a negative length"),
        pytest.param(header(b"Q", 0x7FFFFFFF) + b"SELECT", id="a length of 2 GiB"),
        pytest.param(header(b"S", 1 << 30), id="1 GiB of Sync"),
        pytest.param(header(b"Q", 4 + 8) + b"SELECT 1", id="a query that does not end"),
        pytest.param(header(b"Q", 4 + 9) + b"SELECT\x001\x00", id="a query that ends twice"),
        pytest.param(header(b"B", 8) + b"\0\0\0\0" + messages.sync(), id="half a Bind"),
        pytest.param(
            header(b"B", 4 + 6) + b"\0\0\xff\xff\0\0" + messages.sync(), id="a Bind of 65535 formats"
        ),
        pytest.param(header(b"P", 6) + b"\0\0" + messages.sync(), id="half a Parse"),
        pytest.param(header(b"E", 4 + 1) + b"\0" + messages.sync(), id="half an Execute"),
        pytest.param(header(b"D", 4 + 2) + b"X\0" + messages.sync(), id="Describe of something else"),
        pytest.param(header(b"C", 4 + 1) + b"S" + messages.sync(), id="Close without a name"),
        pytest.param(header(b"p", 8) + b"abc\0", id="a password once more"),
        pytest.param(header(b"R", 8) + b"\0\0\0\0", id="a message of the server's"),
    ],
)
def test_a_client_that_is_out_of_step_is_let_go(proxy: Proxy, data: bytes) -> None:
    with WireClient(proxy.port).log_in("ann/bad") as client:
        client.send(data)
        found = client.rest()
        assert errors(found) == ["08P01"], found
        assert found[-1].fields["V"] == "FATAL"
    with proxy.connect("bad") as db:
        assert db.execute("SELECT 1").fetchone() == (1,)


def test_a_length_of_1_gib_reserves_nothing(proxy: Proxy) -> None:
    before = resident(proxy)
    clients = [WireClient(proxy.port).log_in("ann/bad") for _ in range(8)]
    for client in clients:
        client.send(header(b"Q", (1 << 30) - 1) + b"SELECT 1" * 100)
    with proxy.connect("bad") as db:
        assert db.execute("SELECT 1").fetchone() == (1,)
    for client in clients:
        client.socket.close()
    assert resident(proxy) - before < 100 << 20


def resident(proxy: Proxy) -> int:
    assert proxy.process is not None
    return int(Path(f"/proc/{proxy.process.pid}/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize(
    "sent", [b"Q", header(b"Q", 30), header(b"Q", 30) + b"UPDATE products SET", b"X\0\0"]
)
def test_half_a_message_and_gone(proxy: Proxy, sent: bytes) -> None:
    with WireClient(proxy.port).log_in("ann/bad") as client:
        client.send(sent)
    with proxy.connect("bad") as db:
        assert db.execute("SELECT 1").fetchone() == (1,)


def test_function_call_is_refused_and_the_connection_goes_on(proxy: Proxy) -> None:
    with WireClient(proxy.port).log_in("ann/bad") as client:
        client.send(header(b"F", 4 + 10) + struct.pack("!IHHH", 3036, 0, 0, 0))  # pg_notify, without SQL
        assert errors(client.upto("Z")) == ["0A000"]
        assert errors(client.query("SELECT 1")) == []


def test_bytes_after_terminate_are_nobodys(proxy: Proxy) -> None:
    with WireClient(proxy.port).log_in("ann/after") as client:
        client.send(messages.terminate() + messages.query(b"UPDATE products SET price = 1") + b"\xff" * 100)
        assert errors(client.rest()) in ([], ["08P01"])
    with WireClient(proxy.port).log_in("ann/after") as client:
        client.send(messages.terminate() + messages.query(b"UPDATE products SET price = 1"))
        assert client.rest() == []
    with proxy.connect("after") as db:
        assert db.execute("SELECT count(*) FROM products WHERE price = 1").fetchone() == (0,)


def test_text_that_is_not_of_its_encoding(proxy: Proxy) -> None:
    with WireClient(proxy.port).log_in("ann/bad") as client:
        client.send(messages.query(b"SELECT '\xff\xfe'"))
        assert errors(client.upto("Z")) == ["22021"]
        assert errors(client.query("SELECT 1")) == []


def test_a_statement_that_is_too_deep(proxy: Proxy) -> None:
    with WireClient(proxy.port).log_in("ann/bad") as client:
        for text in ("SELECT " + "(" * 20000 + "1" + ")" * 20000, "SELECT 1" + " + 1" * 50000):
            found = client.query(text)
            assert errors(found) in (["54001"], []), found[0].fields
            assert found[-1].kind == "Z"


def test_a_client_that_never_reads_stops_nobody_else(proxy: Proxy) -> None:
    before = resident(proxy)
    with WireClient(proxy.port, receive_buffer=4096).log_in("ann/deaf") as deaf:
        deaf.send(messages.query(b"SELECT repeat('x', 1000) FROM generate_series(1, 1000000)"))
        with proxy.connect("quick") as db:
            for _ in range(20):
                assert db.execute("SELECT 1").fetchone() == (1,)
        assert resident(proxy) - before < 64 << 20
        deaf.socket.close()
    with proxy.connect("deaf") as db:  # its session is free again, at once: the statement is cancelled
        began = time.monotonic()
        assert db.execute("SELECT 1").fetchone() == (1,)
        assert time.monotonic() - began < 3


def test_a_client_that_sends_more_than_can_be_run_is_slowed_down(proxy: Proxy) -> None:
    """Its statements wait in its socket, not in the proxy's memory."""
    before = resident(proxy)
    with (
        WireClient(proxy.port).log_in("ann/flood") as client,
        WireClient(proxy.port).log_in("ann/flood") as holder,
    ):
        holder.send(messages.query(b"SELECT pg_sleep(3)"))
        until(lambda: proxy.api("GET", "/v1/sessions/flood/statements")["statements"])
        client.socket.setblocking(False)
        piece = memoryview(messages.query(b"SELECT 1 -- " + b"x" * 200_000))
        sent = 0
        while select.select([], [client.socket], [], 0.7)[1] and sent < 300 << 20:
            sent += client.socket.send(piece[sent % len(piece) :])
        assert sent < 100 << 20
        assert resident(proxy) - before < 100 << 20
        holder.upto("Z")
        client.socket.settimeout(20)
        client.send(bytes(piece[sent % len(piece) :]))
        for _ in range(sent // len(piece) + 1):  # and then all of it runs
            assert errors(client.upto("Z")) == []


def test_a_client_that_stops_in_the_middle_of_copy(proxy: Proxy) -> None:
    copy = b"COPY products (sku, title, price) FROM STDIN"
    with WireClient(proxy.port).log_in("ann/copy") as client:
        client.send(messages.query(copy))
        assert client.upto("G")[-1].kind == "G"
        client.send(messages.copy_data(b"half\ta row"))
    with proxy.connect("copy") as db:
        assert db.execute("SELECT count(*) FROM products WHERE sku = 'half'").fetchone() == (0,)
    with WireClient(proxy.port).log_in("ann/copy") as client:
        client.send(messages.query(copy))
        client.upto("G")
        client.send(messages.query(b"SELECT 1"))  # not in the middle of COPY
        found = client.upto("Z")
        assert errors(found)[0] in ("08P01", "57014")
    with WireClient(proxy.port).log_in("ann/copy") as client:
        client.send(messages.query(copy))
        client.upto("G")
        client.send(messages.copy_fail("changed my mind"))
        assert errors(client.upto("Z")) == ["57014"]
        assert errors(client.query("SELECT 1")) == []


def test_a_client_killed_in_the_middle_of_everything(proxy: Proxy) -> None:
    script = (
        "import psycopg, sys, os, signal\n"
        "db = psycopg.connect(sys.argv[1])\n"
        "db.execute('UPDATE products SET price = 4712 WHERE id = 2')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, proxy.dsn("killed")], timeout=30)
    assert done.returncode == -signal.SIGKILL
    with proxy.connect("killed") as db:
        assert db.execute("SELECT count(*) FROM products WHERE price = 4712").fetchone() == (0,)


# What an operator breaks.


def start_failing(proxy_folder: Path, dsn: str, policy: str) -> str:
    """The log of a proxy that must not start."""
    with pytest.raises(RuntimeError) as caught:
        Proxy(proxy_folder, dsn, policy)
    assert "Traceback" not in str(caught.value)
    return str(caught.value)


def test_a_broken_policy_at_the_start(cluster: Cluster, tmp_path: Path) -> None:
    said = start_failing(tmp_path, cluster.dsn("replica", PROXY_ROLE), 'version = 1\ndefault = "open"\n')
    assert "policy.toml:2" in said
    assert "default" in said


def test_a_broken_policy_while_running_leaves_the_old_one(make_proxy: Callable[..., Proxy]) -> None:
    proxy = make_proxy()
    masked = "SELECT email FROM customers WHERE id = 1"
    with proxy.connect("policy") as db:
        before = db.execute(masked).fetchone()
        proxy.policy.write_text("version = 1\ndefault = clear\n")  # no quotes: not TOML
        until(lambda: "policy not changed" in proxy.log.read_text())
        assert "policy.toml:2" in proxy.log.read_text()
        assert db.execute(masked).fetchone() == before
        proxy.policy.unlink()
        assert db.execute(masked).fetchone() == before
        proxy.policy.write_text(CLOSED)
        until(lambda: db.execute(masked).fetchone() != before)


def test_a_policy_that_gets_stricter_holds_for_what_is_already_prepared(
    make_proxy: Callable[..., Proxy], cluster: Cluster
) -> None:
    proxy = make_proxy(policy=CLEAR)
    with psycopg.connect(cluster.replica_dsn) as direct:
        real = direct.execute("SELECT email FROM customers WHERE id = 1").fetchone()
    with proxy.connect("stricter") as db, proxy.connect("stricter") as other:
        db.pgconn.prepare(b"mine", b"SELECT email FROM customers WHERE id = 1")
        assert db.pgconn.exec_prepared(b"mine", []).get_value(0, 0) == real[0].encode()
        proxy.policy.write_text(CLOSED)
        until(lambda: other.execute("SELECT email FROM customers WHERE id = 1").fetchone() != real)
        now = db.pgconn.exec_prepared(b"mine", [])
        assert now.error_message or now.get_value(0, 0) != real[0].encode()


def test_a_target_that_is_not_there_at_the_start(tmp_path: Path) -> None:
    said = start_failing(
        tmp_path, f"host=127.0.0.1 port={free_port()} user=x password=hush dbname=shop", CLEAR
    )
    assert "cannot be reached" in said
    assert "hush" not in said


def test_a_target_that_goes_away_and_comes_back(
    make_proxy: Callable[..., Proxy], make_cluster: Callable[..., Cluster]
) -> None:
    own = make_cluster(
        "CREATE TABLE t (n int); GRANT ALL ON t TO devinprod", logins=["devinprod"], with_replica=False
    )
    relay = Relay(own)
    _RELAYS.append(relay)
    proxy = make_proxy(dsn=relay.dsn(own.dsn("primary", "devinprod")), policy=CLEAR, kind="clone")
    with proxy.connect("away") as db, proxy.connect("clean") as clean:
        db.execute("INSERT INTO t VALUES (1)")
        clean.execute("SELECT 1")
        relay.close()
        with pytest.raises(psycopg.Error, match="1 statement lost"):
            db.execute("SELECT 1")
        for one in (db, clean):
            with pytest.raises(psycopg.Error, match="cannot be reached") as caught:
                one.execute("SELECT 1")
            assert (caught.value.sqlstate or "")[:2] == "08"
        with pytest.raises(psycopg.OperationalError, match="cannot be reached"):
            proxy.connect("new")
        relay.open()
        for one in (db, clean):
            assert one.execute("SELECT count(*) FROM t").fetchone() == (0,)


class Relay:
    """A port that leads to a database, and can be closed and opened again."""

    def __init__(self, to: Cluster) -> None:
        self.port, self.target = (
            free_port(),
            int(str(psycopg.conninfo.conninfo_to_dict(to.primary_dsn)["port"])),
        )
        self.process: subprocess.Popen[bytes] | None = None
        self.open()

    def dsn(self, of: str) -> str:
        return psycopg.conninfo.make_conninfo(of, port=self.port)

    def open(self) -> None:
        source = (
            "import asyncio, sys\n"
            "async def pump(r, w):\n"
            "    while data := await r.read(65536): w.write(data)\n"
            "    w.close()\n"
            "async def both(r, w):\n"
            "    r2, w2 = await asyncio.open_connection('127.0.0.1', int(sys.argv[2]))\n"
            "    await asyncio.gather(pump(r, w2), pump(r2, w))\n"
            "async def main():\n"
            "    s = await asyncio.start_server(both, '127.0.0.1', int(sys.argv[1]))\n"
            "    print('ready', flush=True); await s.serve_forever()\n"
            "asyncio.run(main())\n"
        )
        words = [sys.executable, "-c", source, str(self.port), str(self.target)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"
        self.process.stdout.close()

    def close(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@pytest.fixture(autouse=True)
def no_relay_is_left() -> Iterator[None]:
    yield
    for relay in list(_RELAYS):
        relay.close()
    _RELAYS.clear()


_RELAYS: list[Relay] = []


def test_a_full_disk_for_the_audit(make_proxy: Callable[..., Proxy]) -> None:
    """Nothing runs that is not on the record; when there is room again, everything goes on."""
    proxy = make_proxy(policy=CLEAR)
    assert proxy.process is not None
    with proxy.connect("full") as db, proxy.connect("full", autocommit=False) as second:
        db.execute("UPDATE products SET price = 1 WHERE id = 3")
        db.pgconn.prepare(b"again", b"UPDATE products SET price = 99 WHERE id = 3")
        size = sum(f.stat().st_size for f in (proxy.folder / "audit").glob("*.jsonl"))
        _, hard = resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (size + 100, hard))
        for _ in range(3):
            with pytest.raises(psycopg.errors.IoError, match="audit") as caught:
                db.execute("UPDATE products SET price = 2 WHERE id = 3")
            assert caught.value.diag.message_hint
        assert b"audit" in (db.pgconn.exec_prepared(b"again", []).error_message or b"")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("VACUUM")  # refused anyway, and nothing of it runs
        with pytest.raises(psycopg.errors.IoError):
            second.execute("UPDATE products SET price = 3 WHERE id = 3")
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        second.rollback()
        assert db.execute("SELECT price::int FROM products WHERE id = 3").fetchone() == (1,)
        with db.transaction():
            db.execute("UPDATE products SET price = 4 WHERE id = 3")
        assert second.execute("SELECT price::int FROM products WHERE id = 3").fetchone() == (4,)
    verified = Proxy.command("audit", "verify", "--audit", str(proxy.folder / "audit"), check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "Traceback" not in proxy.log.read_text()


def test_random_bytes_never_harm_anybody(proxy: Proxy) -> None:
    """A thousand mutations of an honest conversation."""
    import random

    chance = random.Random(4711)
    honest = (
        messages.parse("s", b"SELECT $1::int", (23,))
        + messages.bind("p", "s", (), (b"1",), ())
        + messages.describe("P", "p")
        + messages.execute("p")
        + messages.close("S", "s")
        + messages.sync()
        + messages.query(b"SELECT 1; BEGIN; SELECT 2; ROLLBACK")
    )

    def one(seed: bytes) -> None:
        with WireClient(proxy.port).log_in("ann/fuzz") as client:
            client.send(seed)
            client.socket.shutdown(socket.SHUT_WR)
            for message in client.rest():
                assert message.kind in "123CDEINSTZtnsKRGHvAd"
                if message.kind == "E":
                    assert message.sqlstate != "XX000", message.fields

    seeds = []
    for _ in range(250):
        data = bytearray(honest)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.3:
            del data[chance.randrange(len(data)) :]
        seeds.append(bytes(data))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, seeds))
    with proxy.connect("fuzz") as db:
        assert db.execute("SELECT 1").fetchone() == (1,)
    assert os.path.exists(f"/proc/{proxy.process.pid}")  # type: ignore[union-attr]
    assert PASSWORD not in proxy.log.read_text()
