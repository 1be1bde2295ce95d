"""Nobody listens on the way: TLS towards clients, and towards the target with libpq's meaning of sslmode."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
from certificates import Certificates, certificates
from devinprod_proxy.demo.binaries import Binaries
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.demo.shop import PROXY_ROLE
from devinprod_proxy.pgwire import messages
from proxies import PASSWORD, Proxy
from wire_client import WireClient, errors

__all__ = ["certificates"]
CLEAR = 'version = 1\ndefault = "clear"\n'


@pytest.fixture(scope="module")
def proxy(
    cluster: Cluster, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    started = Proxy(
        tmp_path_factory.mktemp("tls"),
        cluster.dsn("replica", PROXY_ROLE),
        CLEAR,
        proxy_extra=f'tls = {{ cert = "{certificates.server}", key = "{certificates.key(certificates.server)}" }}',
    )
    yield started
    assert "Traceback" not in started.log.read_text()
    started.stop()


# Towards clients.


@pytest.mark.parametrize("binding", ["prefer", "require", "disable"])
def test_a_client_that_trusts_nobody_else(proxy: Proxy, certificates: Certificates, binding: str) -> None:
    dsn = proxy.dsn(
        "client", sslmode="verify-full", sslrootcert=str(certificates.root), channel_binding=binding
    )
    with psycopg.connect(dsn, autocommit=True) as db:
        assert db.pgconn.ssl_in_use
        assert db.execute("SELECT count(*) FROM customers").fetchone() == (300,)
        big = db.execute("SELECT repeat('x', 1000) FROM generate_series(1, 5000)").fetchall()
        assert len(big) == 5000
        with db.cursor().copy("COPY products (sku, title, price) FROM STDIN") as copy:
            for n in range(2000):
                copy.write_row((f"tls{binding}{n}", "x" * 100, 1))


def test_a_client_that_knows_another_root_refuses(proxy: Proxy, certificates: Certificates) -> None:
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        psycopg.connect(proxy.dsn("client", sslmode="verify-full", sslrootcert=str(certificates.stranger)))
    with proxy.connect("client") as db:
        assert db.execute("SELECT 1").fetchone() == (1,)


async def test_asyncpg_over_tls(proxy: Proxy, certificates: Certificates) -> None:
    context = ssl.create_default_context(cafile=str(certificates.root))
    db = await asyncpg.connect(
        host="localhost", port=proxy.port, user="ann/client", password=PASSWORD, database="shop", ssl=context
    )
    assert await db.fetchval("SELECT 1") == 1
    await db.close()


def test_cancelling_over_tls(proxy: Proxy, certificates: Certificates) -> None:
    dsn = proxy.dsn("cancel", sslmode="verify-full", sslrootcert=str(certificates.root))
    with psycopg.connect(dsn, autocommit=True) as db:
        db.pgconn.send_query(b"SELECT pg_sleep(30)")
        db.pgconn.flush()
        db.cancel_safe()
        result = db.pgconn.get_result()
        assert result is not None
        assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"57014"
        while db.pgconn.get_result() is not None:
            pass


def test_bytes_pushed_in_before_the_handshake_are_not_believed(proxy: Proxy) -> None:
    with WireClient(proxy.port) as client:
        client.send(messages.ssl_request() + messages.startup(3 << 16, {"user": "ann"}))
        assert errors(client.rest()) == ["08P01"]


@pytest.mark.parametrize("garbage", [b"\x00" * 50, b"\xff" * 50, b"\x16\x03\x01\x00\x05hello", b""])
def test_a_handshake_that_fails_costs_that_client_only(proxy: Proxy, garbage: bytes) -> None:
    with proxy.connect("bystander") as db, socket.create_connection(("127.0.0.1", proxy.port)) as sock:
        sock.sendall(messages.ssl_request())
        sock.settimeout(10)
        assert sock.recv(1) == b"S"
        sock.sendall(garbage)
        sock.shutdown(socket.SHUT_WR)
        while True:
            try:
                if not sock.recv(4096):
                    break
            except ConnectionResetError:
                break
        assert db.execute("SELECT 1").fetchone() == (1,)


def test_a_certificate_without_its_key_stops_the_start(
    cluster: Cluster, certificates: Certificates, tmp_path: Path
) -> None:
    tls = f'tls = {{ cert = "{certificates.server}", key = "{certificates.key(certificates.stranger)}" }}'
    with pytest.raises(RuntimeError, match="cannot be used together") as caught:
        Proxy(tmp_path, cluster.dsn("replica", PROXY_ROLE), CLEAR, proxy_extra=tls)
    assert "Traceback" not in str(caught.value)


def test_in_clear_only_on_this_machine(cluster: Cluster, tmp_path: Path, certificates: Certificates) -> None:
    """An address that others reach needs TLS, and takes nobody without."""
    proxy = Proxy(
        tmp_path,
        cluster.dsn("replica", PROXY_ROLE),
        CLEAR,
        proxy_extra=f'tls = {{ cert = "{certificates.server}", key = "{certificates.key(certificates.server)}" }}',
        listen="0.0.0.0:0",
    )
    try:
        with pytest.raises(psycopg.OperationalError, match="encrypted connections only"):
            psycopg.connect(proxy.dsn("client", sslmode="disable"))
        with psycopg.connect(proxy.dsn("client", sslmode="require")) as db:
            assert db.execute("SELECT 1").fetchone() == (1,)
    finally:
        proxy.stop()


# Towards the target.


@pytest.fixture(scope="module")
def target(make_cluster: Callable[..., Cluster], certificates: Certificates) -> Cluster:
    """A PostgreSQL of the system's packages, which, unlike the wheel's, can do TLS; it takes nothing else."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        pytest.skip("no PostgreSQL from the system's packages")
    cluster = make_cluster(
        "CREATE TABLE t (n int); GRANT ALL ON t TO devinprod",
        logins=["devinprod"],
        with_replica=False,
        binaries=Binaries(found[-1].parent, found[-1].parent.parent.name),
    )
    with psycopg.connect(cluster.primary_dsn, autocommit=True) as direct:
        row = direct.execute("SELECT current_setting('data_directory')").fetchone()
        assert row is not None
        data = Path(row[0])
        owner = data.stat()
        for name, source in (
            ("server.crt", certificates.server),
            ("server.key", certificates.key(certificates.server)),
        ):
            shutil.copy(source, data / name)
            os.chown(data / name, owner.st_uid, owner.st_gid)
            (data / name).chmod(0o600)
        hba = data / "pg_hba.conf"
        hba.write_text(hba.read_text().replace("host  all         all ", "hostssl all       all "))
        direct.execute("ALTER SYSTEM SET ssl = on")
        direct.execute("SELECT pg_reload_conf()")
    return cluster


@pytest.mark.parametrize(
    ("sslmode", "root", "binding"),
    [
        ("require", None, "prefer"),
        ("require", None, "require"),
        ("verify-ca", "root", "require"),
        ("verify-full", "root", "require"),
        ("verify-full", "root", "disable"),
        ("prefer", None, "prefer"),
    ],
)
def test_a_session_on_a_target_with_tls(
    target: Cluster,
    make_proxy: Callable[..., Proxy],
    certificates: Certificates,
    sslmode: str,
    root: str | None,
    binding: str,
) -> None:
    extra: dict[str, Any] = {"sslmode": sslmode, "channel_binding": binding}
    if root is not None:
        extra["sslrootcert"] = str(certificates.root)
    dsn = psycopg.conninfo.make_conninfo(target.dsn("primary", "devinprod"), **extra)
    proxy = make_proxy(dsn=dsn, policy=CLEAR, kind="clone")
    with proxy.connect("target") as db:
        row = db.execute("SELECT pg_backend_pid()").fetchone()
        db.execute("INSERT INTO t VALUES (1)")
        with psycopg.connect(target.primary_dsn) as direct:
            found = direct.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = %s", row).fetchone()
        assert found == (True,)
        db.pgconn.send_query(b"SELECT pg_sleep(30)")
        db.pgconn.flush()
        db.cancel_safe()  # the CancelRequest goes the same way
        result = db.pgconn.get_result()
        assert result is not None
        assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"57014"
        while db.pgconn.get_result() is not None:
            pass


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"sslmode": "verify-full", "sslrootcert": "stranger"}, "certificate"),
        ({"sslmode": "verify-full"}, "root certificate file"),
        (
            {
                "sslmode": "verify-full",
                "sslrootcert": "root",
                "host": "db.example",
                "hostaddr": "127.0.0.1",
            },
            "certificate",
        ),
        ({"sslmode": "disable"}, "pg_hba.conf"),
    ],
)
def test_a_target_that_is_not_believed(
    target: Cluster, certificates: Certificates, tmp_path: Path, extra: dict[str, str], said: str
) -> None:
    files = {
        name: str(getattr(certificates, value)) for name, value in extra.items() if name == "sslrootcert"
    }
    settings = {**psycopg.conninfo.conninfo_to_dict(target.dsn("primary", "devinprod")), **extra, **files}
    dsn = " ".join(f"{name}={value}" for name, value in settings.items())
    with pytest.raises(RuntimeError) as caught:
        Proxy(tmp_path, dsn, CLEAR, kind="clone")
    assert said in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert str(settings["password"]) not in str(caught.value)


def test_a_target_without_tls_that_must_have_it(cluster: Cluster, tmp_path: Path) -> None:
    dsn = psycopg.conninfo.make_conninfo(cluster.dsn("replica", PROXY_ROLE), sslmode="require")
    with pytest.raises(RuntimeError, match="does not support TLS"):
        Proxy(tmp_path, dsn, CLEAR)
