"""Real drivers log in, and who may not is told so in the same words whoever they are."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import psycopg
import pytest
from devinprod_proxy.errors import ClientFault
from devinprod_proxy.pgwire import messages as m
from devinprod_proxy.pgwire.codec import Frame, FrontendStream
from devinprod_proxy.pgwire.scram import ClientScram, make_verifier
from devinprod_proxy.pgwire.startup import Login, ServerStartup
from devinprod_proxy.server.tls import ServerTls, server_tls

PASSWORD = "correct horse"
USERS = {"ann": make_verifier(PASSWORD)}
SECRET = b"0123456789abcdef"


class Doorkeeper:
    """Lets clients in, says ready, and remembers who came."""

    def __init__(self, tls: ServerTls | None = None, *, tls_required: bool = False) -> None:
        self.tls, self.tls_required = tls, tls_required
        self.logins: list[Login] = []
        self.items: list[object] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream, certificate = FrontendStream(), None
        startup = self.startup(None)
        try:
            while chunk := await reader.read(65536):
                for item in stream.feed(chunk):
                    self.items.append(item)
                    if isinstance(item, m.SslRequest | m.GssRequest):
                        yes = self.tls if isinstance(item, m.SslRequest) else None
                        writer.write(b"N" if yes is None else b"S")
                        if yes is not None:
                            certificate = yes.certificate
                            await writer.start_tls(yes.context)
                            startup = self.startup(certificate)
                        stream.answered()
                    elif isinstance(item, m.Startup | Frame) and not startup.done:
                        writer.write(startup.handle(item))
                        if startup.done:
                            self.enter(startup, stream, writer)
                    elif isinstance(item, Frame) and item.kind == m.Frontend.TERMINATE:
                        return
        except ClientFault as fault:
            writer.write(m.error(m.refusal_fields(fault.refusal, "FATAL")))
        finally:
            writer.close()

    def startup(self, certificate: bytes | None) -> ServerStartup:
        return ServerStartup(
            USERS.get, mock_secret=SECRET, certificate=certificate, tls_required=self.tls_required
        )

    def enter(self, startup: ServerStartup, stream: FrontendStream, writer: asyncio.StreamWriter) -> None:
        assert startup.login is not None
        self.logins.append(startup.login)
        stream.authenticated()
        key = b"k" * (32 if startup.login.long_cancel_keys else 4)
        writer.write(
            m.parameter_status("server_version", "18.0")
            + m.parameter_status("client_encoding", "UTF8")
            + m.parameter_status("integer_datetimes", "on")
            + m.backend_key_data(4711, key)
            + m.ready(b"I")
        )


@asynccontextmanager
async def opened(door: Doorkeeper) -> AsyncIterator[int]:
    server = await asyncio.start_server(door.serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def by_psycopg(port: int, **options: Any) -> None:
    fields = {"user": "ann", "password": PASSWORD, "dbname": "shop", "sslmode": "disable", **options}
    async with await psycopg.AsyncConnection.connect(host="127.0.0.1", port=port, **fields) as conn:
        assert conn.info.backend_pid == 4711


async def by_asyncpg(port: int, **options: Any) -> None:
    conn = await asyncpg.connect(
        host="127.0.0.1", port=port, user=options.get("user", "ann"), password=PASSWORD, database="shop",
        ssl=options.get("ssl", False), server_settings=options.get("settings", {}),
    )  # fmt: skip
    await conn.close()


@pytest.mark.parametrize("connect", [by_psycopg, by_asyncpg])
async def test_drivers_log_in(connect: Callable[..., Awaitable[None]]) -> None:
    door = Doorkeeper()
    async with opened(door) as port:
        await connect(port, user="ann/checkout-bug")
    (login,) = door.logins
    assert (login.user, login.session, login.database) == ("ann", "checkout-bug", "shop")
    assert login.database_given


async def test_protocol_3_2_has_long_cancel_keys() -> None:
    door = Doorkeeper()
    async with opened(door) as port:
        await by_psycopg(port, max_protocol_version="3.2")
    assert door.logins[0].version == m.PROTOCOL_3_2
    assert door.logins[0].long_cancel_keys


@pytest.mark.parametrize("sslmode", ["require", "verify-full"])
async def test_over_tls_with_channel_binding(sslmode: str, certificates: Any) -> None:
    door = Doorkeeper(server_tls(certificates.server, certificates.key(certificates.server)))
    async with opened(door) as port:
        await by_psycopg(port, sslmode=sslmode, sslrootcert=str(certificates.root), channel_binding="require")
    assert len(door.logins) == 1


async def test_asyncpg_over_tls(certificates: Any) -> None:
    door = Doorkeeper(server_tls(certificates.server, certificates.key(certificates.server)))
    async with opened(door) as port:
        await by_asyncpg(port, ssl=ssl.create_default_context(cafile=certificates.root))
    assert len(door.logins) == 1


async def test_no_tls_where_it_is_preferred() -> None:
    door = Doorkeeper()
    async with opened(door) as port:
        await by_psycopg(port, sslmode="prefer")
    assert m.SslRequest() in door.items


async def test_where_tls_is_required() -> None:
    door = Doorkeeper(tls_required=True)
    async with opened(door) as port:
        with pytest.raises(psycopg.OperationalError, match="encrypted connections only"):
            await by_psycopg(port)
    assert door.logins == []


async def test_options_name_the_session() -> None:
    door = Doorkeeper()
    async with opened(door) as port:
        await by_psycopg(port, options="-c devinprod.session=b1 -c geqo=off", application_name="x")
        await by_asyncpg(port, settings={"devinprod.session": "b2"})
    assert [login.session for login in door.logins] == ["b1", "b2"]
    assert door.logins[0].settings["geqo"] == "off"
    assert door.logins[0].settings["application_name"] == "x"


async def test_libpq_asks_for_a_database_of_the_users_name() -> None:
    door = Doorkeeper()
    async with opened(door) as port:
        await by_psycopg(port, user="ann/bug", dbname=None)
    assert not door.logins[0].database_given


@pytest.mark.parametrize("options", [{"password": "wrong"}, {"user": "nobody"}, {"user": "nobody/bug"}])
async def test_who_may_not_is_told_so_in_the_same_words(options: dict[str, str]) -> None:
    door = Doorkeeper()
    async with opened(door) as port:
        user = options.get("user", "ann").partition("/")[0]
        with pytest.raises(
            psycopg.OperationalError, match=f'password authentication failed for user "{user}"'
        ) as caught:
            await by_psycopg(port, **options)
    assert "Check the user name and the password" in str(caught.value)
    assert door.logins == []


# -- without sockets --------------------------------------------------------------------------


def begun(**params: str) -> tuple[ServerStartup, bytes]:
    startup = ServerStartup(USERS.get, mock_secret=SECRET)
    return startup, startup.handle(m.Startup(m.PROTOCOL_3_0, {"user": "ann", **params}))


def prove(user: str, password: str) -> tuple[list[int], ClientFault | None]:
    """The lengths of all answers, and the fault at the end."""
    startup = ServerStartup(USERS.get, mock_secret=SECRET)
    sizes = [len(startup.handle(m.Startup(m.PROTOCOL_3_0, {"user": user})))]
    client = ClientScram(user, password)
    first = startup.handle(
        Frame(m.Frontend.PASSWORD, m.sasl_initial_response(*client.first(["SCRAM-SHA-256"]))[5:])
    )
    sizes.append(len(first))
    try:
        startup.handle(Frame(m.Frontend.PASSWORD, client.final(first[9:])))
    except ClientFault as fault:
        return sizes, fault
    return sizes, None


def test_nobody_cannot_be_told_from_somebody() -> None:
    somebody, wrong = prove("ann", "wrong")
    nobody, unknown = prove("eve", "wrong")
    assert somebody == nobody
    assert wrong is not None
    assert unknown is not None
    assert wrong.refusal.message.replace("ann", "eve") == unknown.refusal.message
    assert wrong.refusal.hint == unknown.refusal.hint
    assert prove("ann", PASSWORD)[1] is None


def test_nobody_stays_nobody_even_if_a_proof_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second lock: no password fits a mock verifier, and if one did, it would open nothing."""
    monkeypatch.setattr("devinprod_proxy.pgwire.startup.mock_verifier", lambda *_: USERS["ann"])
    fault = prove("eve", PASSWORD)[1]
    assert fault is not None
    assert fault.refusal.sqlstate == "28P01"


@pytest.mark.parametrize("version", [(3 << 16) | 3, (3 << 16) | 9999])
def test_a_newer_protocol_is_negotiated_down(version: int) -> None:
    startup = ServerStartup(USERS.get, mock_secret=SECRET)
    answer = startup.handle(m.Startup(version, {"user": "ann", "_pq_.test": "1"}))
    expected = m.negotiate_protocol_version(m.PROTOCOL_3_2, ["_pq_.test"])
    assert answer == expected + m.authentication_sasl(["SCRAM-SHA-256"])
    assert startup.login is not None
    assert startup.login.version == m.PROTOCOL_3_2
    plain = ServerStartup(USERS.get, mock_secret=SECRET).handle(m.Startup(version, {"user": "ann"}))
    assert plain.startswith(m.negotiate_protocol_version(m.PROTOCOL_3_2))


@pytest.mark.parametrize("version", [m.PROTOCOL_3_0, m.PROTOCOL_3_2])
def test_what_is_spoken_is_not_negotiated(version: int) -> None:
    startup = ServerStartup(USERS.get, mock_secret=SECRET)
    answer = startup.handle(m.Startup(version, {"user": "ann"}))
    assert answer == m.authentication_sasl(["SCRAM-SHA-256"])


def test_unknown_protocol_options_are_told() -> None:
    startup, answer = begun(**{"_pq_.command_tag_format": "x"})
    assert answer.startswith(m.negotiate_protocol_version(m.PROTOCOL_3_0, ["_pq_.command_tag_format"]))
    assert startup.login is not None
    assert startup.login.settings == {}


@pytest.mark.parametrize("replication", ["true", "database", "on", "1", "yes"])
def test_replication_is_refused(replication: str) -> None:
    with pytest.raises(ClientFault, match="replication") as caught:
        begun(replication=replication)
    assert caught.value.refusal.sqlstate == "0A000"


def test_no_replication_is_no_replication() -> None:
    assert begun(replication="false")[0].login is not None


def test_a_user_must_be_named() -> None:
    with pytest.raises(ClientFault, match="no PostgreSQL user name"):
        begun(user="")


@pytest.mark.parametrize(
    "frame",
    [
        Frame(m.Frontend.TERMINATE, b""),
        Frame(m.Frontend.QUERY, b"SELECT 1\0"),
        Frame(m.Frontend.PASSWORD, b"correct horse\0"),  # a password in clear
        Frame(m.Frontend.PASSWORD, m.sasl_initial_response("OAUTHBEARER", b"")[5:]),
    ],
)
def test_something_else_than_a_proof(frame: Frame) -> None:
    startup, _ = begun()
    with pytest.raises(ClientFault) as caught:
        startup.handle(frame)
    assert caught.value.refusal.sqlstate == "08P01"
    assert not startup.done


def test_messages_out_of_order() -> None:
    startup = ServerStartup(USERS.get, mock_secret=SECRET)
    with pytest.raises(ClientFault):
        startup.handle(Frame(m.Frontend.PASSWORD, b""))
    startup, _ = begun()
    with pytest.raises(ClientFault, match="second startup"):
        startup.handle(m.Startup(m.PROTOCOL_3_0, {"user": "ann"}))
