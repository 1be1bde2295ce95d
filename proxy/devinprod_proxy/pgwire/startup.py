"""How does a client log in to the proxy?

A conversation without sockets: it takes what was read, one item at a time, and gives back the bytes
to be written. The other conversation, of the proxy with the target database, stands in
``client_startup``.

A client is always asked for SCRAM-SHA-256: its password is never sent, over TLS or not, and a name
that does not exist is asked in the same way as one that does.

Source: PostgreSQL manual, 54.2.1 (Start-up), 54.3 (SASL Authentication).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from devinprod_proxy.errors import ClientFault
from devinprod_proxy.pgwire import backend, frontend, sqlstate
from devinprod_proxy.pgwire.client_startup import ClientStartup, ssl_answer
from devinprod_proxy.pgwire.frames import Frame
from devinprod_proxy.pgwire.frontend import Startup
from devinprod_proxy.pgwire.kinds import PROTOCOL_3_2, Frontend
from devinprod_proxy.pgwire.layout import violation
from devinprod_proxy.pgwire.scram import ServerScram, mock_verifier
from devinprod_proxy.pgwire.settings import session_identity, startup_settings

__all__ = [
    "ClientStartup",
    "Login",
    "ServerStartup",
    "session_identity",
    "ssl_answer",
    "startup_settings",
]


@dataclass(frozen=True, slots=True)
class Login:
    """Who wants to log in, and for what.

    ``database`` is what was asked for, and the user parameter where nothing was, as in PostgreSQL;
    ``database_given`` tells the two apart (libpq sends the user name as the database's by itself).
    """

    user: str
    session: str
    database: str
    database_given: bool
    settings: Mapping[str, str]
    version: int

    @property
    def long_cancel_keys(self) -> bool:
        """Since protocol 3.2 a cancel key may be longer than 4 bytes."""
        return self.version >= PROTOCOL_3_2


class _Step(Enum):
    STARTUP = auto()
    FIRST = auto()  # SASLInitialResponse is due
    FINAL = auto()  # SASLResponse is due
    DONE = auto()


class ServerStartup:
    """The proxy's side of a client's login, from the StartupMessage to AuthenticationOk.

    What follows (ParameterStatus, BackendKeyData, ReadyForQuery) is the session's to send.

    >>> from devinprod_proxy.pgwire.scram import make_verifier
    >>> startup = ServerStartup({"ann": make_verifier("s3cret")}.get, mock_secret=b"0" * 16)
    >>> startup.handle(Startup(PROTOCOL_3_2, {"user": "ann/bug", "database": "shop"}))[9:22]
    b'SCRAM-SHA-256'
    >>> startup.login.session, startup.done
    ('bug', False)
    """

    def __init__(
        self,
        verifier_of: Callable[[str], str | None],
        *,
        mock_secret: bytes,
        certificate: bytes | None = None,
        tls_required: bool = False,
    ) -> None:
        """*verifier_of* gives a user's stored verifier, None for nobody. *mock_secret*: see mock_verifier.

        *certificate* (DER) is the one that TLS has shown on this connection, None without TLS.
        """
        self._verifier_of = verifier_of
        self._mock_secret = mock_secret
        self._certificate = certificate
        self._tls_required = tls_required
        self._step = _Step.STARTUP
        self._scram: ServerScram | None = None
        self._known = False
        #: Set by the StartupMessage; it means nothing until :attr:`done`.
        self.login: Login | None = None

    @property
    def done(self) -> bool:
        """The client has proved its password: AuthenticationOk is among the bytes given back last."""
        return self._step is _Step.DONE

    def handle(self, item: Startup | Frame) -> bytes:
        """Take a client's message and give back the answer. Raises ClientFault, to be sent as FATAL."""
        if isinstance(item, Startup):
            return self._startup(item)
        if self._step is _Step.DONE or item.kind != Frontend.PASSWORD:
            raise violation(ClientFault, f"expected SASL response, got message type {item.kind}")
        scram = self._scram
        if scram is not None and self._step is _Step.FIRST:
            self._step = _Step.FINAL
            mechanism, data = frontend.parse_sasl_initial_response(item.body)
            return backend.authentication_sasl_continue(scram.first(mechanism, data))
        if scram is not None and self._step is _Step.FINAL:
            return self._proof(scram, item.body)
        raise violation(ClientFault, "expected a startup message")

    def _startup(self, asked: Startup) -> bytes:
        if self._step is not _Step.STARTUP:
            raise violation(ClientFault, "a second startup message")
        params = asked.params
        if self._tls_required and self._certificate is None:
            raise ClientFault(
                "this server accepts encrypted connections only",
                sqlstate=sqlstate.INVALID_AUTHORIZATION,
                hint="Connect with sslmode=require or stricter.",
            )
        if params.get("replication", "false").lower() not in _FALSE:
            raise ClientFault(
                "replication connections are not served",
                sqlstate=sqlstate.FEATURE_NOT_SUPPORTED,
                hint="devinprod serves statements only. Connect to the database itself for replication.",
            )
        user_param = params.get("user", "")
        if not user_param:
            raise ClientFault(
                "no PostgreSQL user name specified in startup packet",
                sqlstate=sqlstate.INVALID_AUTHORIZATION,
            )
        settings = startup_settings(params)
        user, session = session_identity(user_param, settings)
        database = params.get("database") or user_param
        version = min(asked.version, PROTOCOL_3_2)
        self.login = Login(user, session, database, database != user_param, settings, version)
        verifier = self._verifier_of(user)
        self._known = verifier is not None
        self._scram = ServerScram(verifier or mock_verifier(self._mock_secret, user), self._certificate)
        self._step = _Step.FIRST
        unknown = [name for name in params if name.startswith("_pq_.")]
        answer = backend.authentication_sasl(self._scram.mechanisms)
        if unknown or version != asked.version:
            answer = backend.negotiate_protocol_version(version, unknown) + answer
        return answer

    def _proof(self, scram: ServerScram, body: bytes) -> bytes:
        assert self.login is not None
        try:
            final = scram.final(body)
            if not self._known:  # no password fits a mock verifier; this is the second lock
                raise ClientFault("password authentication failed", sqlstate=sqlstate.INVALID_PASSWORD)
        except ClientFault as fault:
            if fault.refusal.sqlstate != sqlstate.INVALID_PASSWORD:
                raise
            # The same words whether the user exists or not.
            raise ClientFault(
                f'password authentication failed for user "{self.login.user}"',
                sqlstate=sqlstate.INVALID_PASSWORD,
                hint="Check the user name and the password of your devinprod account.",
            ) from fault
        self._step = _Step.DONE
        return backend.authentication_sasl_final(final) + backend.authentication_ok()


_FALSE: Final = frozenset({"false", "off", "no", "0", "f", "of", "n", "fa", "fal", "fals"})
