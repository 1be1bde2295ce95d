"""The proxy logs in to a real PostgreSQL, and gives no password away where others may listen."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from devinprod_proxy.demo.binaries import Binaries
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.errors import UpstreamFault
from devinprod_proxy.pgwire import messages as m
from devinprod_proxy.pgwire.codec import BackendStream, Frame
from devinprod_proxy.pgwire.scram import make_verifier
from devinprod_proxy.pgwire.startup import ClientStartup, ServerStartup, ssl_answer
from devinprod_proxy.server.tls import client_tls
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

PASSWORD = "correct horse"
ROLES = f"""
CREATE ROLE by_scram LOGIN PASSWORD '{PASSWORD}';
CREATE ROLE by_clear LOGIN PASSWORD '{PASSWORD}';
CREATE ROLE by_trust LOGIN;
SET password_encryption = 'md5';
CREATE ROLE by_md5 LOGIN PASSWORD '{PASSWORD}';
"""
HBA = """
host all by_clear 127.0.0.1/32 password
host all by_md5 127.0.0.1/32 md5
host all by_trust 127.0.0.1/32 trust
"""


@pytest.fixture(scope="module")
def database(make_cluster: Callable[..., Cluster]) -> dict[str, Any]:
    """Where a PostgreSQL listens that has a role for each way to log in."""
    cluster = make_cluster(ROLES, with_replica=False)
    with psycopg.connect(cluster.primary_dsn, autocommit=True) as conn:
        row = conn.execute("SELECT current_setting('hba_file')").fetchone()
        assert row is not None
        hba = Path(row[0])
        hba.write_text(HBA + hba.read_text())
        conn.execute("SELECT pg_reload_conf()")
    target = conninfo_to_dict(cluster.primary_dsn)
    return {"host": target["host"], "port": int(str(target["port"])), "dbname": target["dbname"]}


def log_in(
    database: dict[str, Any], user: str, *, sock: socket.socket | None = None, **options: Any
) -> ClientStartup:
    """What server/upstream does, with a blocking socket."""
    params = {"user": user, "database": database["dbname"], **options.pop("params", {})}
    startup = ClientStartup(params, **{"password": PASSWORD, "private": False, **options})
    stream = BackendStream()
    with sock or socket.create_connection((database["host"], database["port"]), timeout=20) as sock:
        sock.sendall(startup.first())
        while not startup.done:
            for item in stream.feed(sock.recv(65536)):
                assert isinstance(item, Frame)
                sock.sendall(startup.handle(item))
        sock.sendall(m.terminate())
    return startup


def test_scram_without_tls(database: dict[str, Any]) -> None:
    startup = log_in(database, "by_scram")
    assert startup.parameters["server_encoding"] == "UTF8"
    pid, key = startup.backend_key
    assert pid > 0
    assert len(key) == 4


def test_scram_with_channel_binding(certificates: Any) -> None:
    """Against the proxy's own other side, which libpq has agreed with: the embedded server has no TLS."""
    der = ssl.PEM_cert_to_DER_cert(certificates.server.read_text())
    server = ServerStartup({"ann": make_verifier(PASSWORD)}.get, mock_secret=bytes(16), certificate=der)
    client = begun(private=True, certificate=der, channel_binding="require")
    packet = m.parse_startup_packet(client.first()[4:])
    assert isinstance(packet, m.Startup)
    answers, answer = BackendStream(), server.handle(packet)
    while not server.done:
        (said,) = answers.feed(answer)
        assert isinstance(said, Frame)
        reply = client.handle(said)
        answer = server.handle(Frame(reply[0], reply[5:]))
    for said in answers.feed(answer + m.ready(b"I")):
        assert isinstance(said, Frame)
        client.handle(said)
    assert client.done


@pytest.mark.parametrize("user", ["by_scram", "by_clear", "by_md5", "by_trust"])
def test_channel_binding_required_means_scram_over_tls(database: dict[str, Any], user: str) -> None:
    with pytest.raises(UpstreamFault, match="channel binding is required"):
        log_in(database, user, private=True, channel_binding="require")


@pytest.mark.parametrize("user", ["by_clear", "by_md5"])
def test_a_password_in_clear_only_where_nobody_listens(database: dict[str, Any], user: str) -> None:
    with pytest.raises(UpstreamFault, match="in clear") as caught:
        log_in(database, user)
    assert PASSWORD not in str(caught.value.refusal)
    assert log_in(database, user, private=True).done


def test_trust(database: dict[str, Any]) -> None:
    assert log_in(database, "by_trust", password=None).done


def test_protocol_3_2_gets_a_longer_cancel_key(database: dict[str, Any]) -> None:
    startup = log_in(database, "by_scram", version=m.PROTOCOL_3_2)
    # PostgreSQL 18 speaks it; an older one negotiates it down.
    assert (startup.version == m.PROTOCOL_3_2) == (len(startup.backend_key[1]) > 4)


def test_options_reach_the_server(database: dict[str, Any]) -> None:
    params = {"options": "-c devinprod.key=\\\\x00 -c TimeZone=Asia/Tokyo"}
    assert log_in(database, "by_scram", params=params).parameters["TimeZone"] == "Asia/Tokyo"


def test_a_wrong_password_is_not_the_clients_wrong_password(database: dict[str, Any]) -> None:
    with pytest.raises(UpstreamFault, match="refused the connection: password authentication") as caught:
        log_in(database, "by_scram", password="wrong")
    assert caught.value.refusal.sqlstate == "08004"


def test_no_password_given(database: dict[str, Any]) -> None:
    with pytest.raises(UpstreamFault, match="dsn gives none"):
        log_in(database, "by_scram", password=None)


def test_a_database_that_is_not_there(database: dict[str, Any]) -> None:
    with pytest.raises(UpstreamFault, match='database "nowhere" does not exist') as caught:
        log_in({**database, "dbname": "nowhere"}, "by_scram")
    assert caught.value.refusal.sqlstate == "3D000"


# -- TLS, where this machine has a PostgreSQL that was built with it; the embedded one was not -----


@pytest.fixture(scope="module")
def database_with_tls(make_cluster: Callable[..., Cluster], certificates: Any) -> dict[str, Any]:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not folders:
        pytest.skip("no PostgreSQL from the system's packages")
    binaries = Binaries(folders[-1].parent, folders[-1].parent.parent.name)
    cluster = make_cluster(ROLES, with_replica=False, binaries=binaries)
    with psycopg.connect(cluster.primary_dsn, autocommit=True) as conn:
        row = conn.execute("SELECT current_setting('data_directory')").fetchone()
        assert row is not None
        data = Path(row[0])
        owner = data.stat()
        pair = certificates.server, certificates.key(certificates.server)
        for name, source in zip(("server.crt", "server.key"), pair, strict=True):
            shutil.copy(source, data / name)
            os.chown(data / name, owner.st_uid, owner.st_gid)
            (data / name).chmod(0o600)
        conn.execute("ALTER SYSTEM SET ssl = on")
        conn.execute("SELECT pg_reload_conf()")
    target = conninfo_to_dict(cluster.primary_dsn)
    return {"host": target["host"], "port": int(str(target["port"])), "dbname": target["dbname"]}


@pytest.mark.parametrize("sslmode", ["prefer", "require", "verify-ca", "verify-full"])
def test_over_tls(database_with_tls: dict[str, Any], certificates: Any, sslmode: str) -> None:
    settings = {"host": database_with_tls["host"], "sslmode": sslmode}
    if sslmode.startswith("verify"):
        settings["sslrootcert"] = str(certificates.root)
    tls = client_tls(settings)
    assert tls.context is not None
    where = (database_with_tls["host"], database_with_tls["port"])
    with socket.create_connection(where, timeout=20) as plain:
        plain.sendall(m.ssl_request())
        assert ssl_answer(plain.recv(1))
        with tls.context.wrap_socket(plain, server_hostname=tls.hostname) as sock:
            certificate = sock.getpeercert(binary_form=True)
            options = {"private": True, "certificate": certificate, "channel_binding": "require"}
            assert log_in(database_with_tls, "by_scram", sock=sock, **options).done


# -- a server that lies -----------------------------------------------------------------------


def begun(**options: Any) -> ClientStartup:
    return ClientStartup({"user": "ann"}, **{"password": PASSWORD, "private": False, **options})


def authentication(message: bytes) -> Frame:
    return Frame(m.Backend.AUTHENTICATION, message[5:])


@pytest.mark.parametrize("answer", [b"E", b"SS", b"", b"Nx"])
def test_an_answer_to_the_ssl_request_that_is_none(answer: bytes) -> None:
    with pytest.raises(UpstreamFault):
        ssl_answer(answer)


def test_a_server_that_skips_its_own_proof() -> None:
    startup = begun()
    startup.handle(authentication(m.authentication_sasl(["SCRAM-SHA-256"])))
    with pytest.raises(UpstreamFault, match="skipped"):
        startup.handle(authentication(m.authentication_ok()))


def test_a_server_that_asks_in_clear_after_scram_began() -> None:
    startup = begun(private=True)
    startup.handle(authentication(m.authentication_sasl(["SCRAM-SHA-256"])))
    with pytest.raises(UpstreamFault):
        startup.handle(Frame(m.Backend.AUTHENTICATION, b"\0\0\0\3"))


@pytest.mark.parametrize("code", [2, 7, 9, 99])
def test_methods_that_are_not_known(code: int) -> None:
    with pytest.raises(UpstreamFault, match="does not know") as caught:
        begun().handle(Frame(m.Backend.AUTHENTICATION, code.to_bytes(4, "big")))
    assert caught.value.refusal.sqlstate == "0A000"


@pytest.mark.parametrize(
    "message",
    [m.ready(b"I"), m.parameter_status("a", "b"), m.backend_key_data(1, b"abcd"), m.parse_complete()],
)
def test_a_server_that_is_ready_before_the_login(message: bytes) -> None:
    with pytest.raises(UpstreamFault, match="during login"):
        begun().handle(Frame(message[0], message[5:]))


@pytest.mark.parametrize("version", [(3 << 16) | 1, 2 << 16, (3 << 16) | 9])
def test_a_version_that_was_not_asked_for(version: int) -> None:
    startup, message = begun(), m.negotiate_protocol_version(version)
    with pytest.raises(UpstreamFault, match="not asked for"):
        startup.handle(Frame(message[0], message[5:]))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(b"RESNKZvT"),
            st.binary(max_size=12) | st.tuples(st.integers(0, 13), st.binary(max_size=30)).map(
                lambda pair: pair[0].to_bytes(4, "big") + pair[1]
            ),
        ),
        max_size=8,
    )
)  # fmt: skip
def test_any_messages_of_a_server_are_answered_or_are_its_fault(messages: list[tuple[int, bytes]]) -> None:
    startup = begun()
    try:
        for kind, body in messages:
            assert PASSWORD.encode() not in startup.handle(Frame(kind, body))
    except UpstreamFault as fault:
        assert PASSWORD not in str(fault.refusal)  # noqa: PT017
