"""How does a client log in to the proxy, and the proxy to the target database?

Two conversations without sockets: each takes what was read, one item at a time, and gives back the
bytes to be written. :class:`ServerStartup` is the proxy towards a client, :class:`ClientStartup`
the proxy towards the target database.

A client is always asked for SCRAM-SHA-256: its password is never sent, over TLS or not, and a name
that does not exist is asked in the same way as one that does. Towards the target database a
password is only given away in clear (or as MD5, which is as good as clear) where nobody can listen.

Source: PostgreSQL manual, 54.2.1 (Start-up), 54.3 (SASL Authentication).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import md5
from typing import Final

from devinprod_proxy.errors import ClientFault, UpstreamFault
from devinprod_proxy.pgwire import backend, frontend, sqlstate
from devinprod_proxy.pgwire.frames import Frame
from devinprod_proxy.pgwire.frontend import Startup
from devinprod_proxy.pgwire.kinds import PROTOCOL_3_0, PROTOCOL_3_2, Backend, Frontend
from devinprod_proxy.pgwire.layout import Reader, violation
from devinprod_proxy.pgwire.scram import ClientScram, ServerScram, mock_verifier
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
    >>> startup.handle(Startup(PROTOCOL_3_0, {"user": "ann/bug", "database": "shop"}))[9:22]
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


def ssl_answer(answer: bytes) -> bool:
    """Does the target database go on with TLS? *answer* is the one byte that follows SSLRequest.

    Raises UpstreamFault for anything but S and N; more than one byte is an attempt to smuggle
    unencrypted data in.

    >>> ssl_answer(b"S")
    True
    """
    if answer == b"S":
        return True
    if answer == b"N":
        return False
    raise violation(
        UpstreamFault,
        "the target database answered the request for TLS with something else than yes or no",
        hint="Check that a PostgreSQL server listens at the host and port of the target's dsn.",
    )


class ClientStartup:
    """The proxy's side of its own login to the target database, up to the first ReadyForQuery.

    >>> startup = ClientStartup({"user": "devinprod", "database": "shop"}, password=None, private=True)
    >>> startup.first()[8:12]
    b'user'
    >>> startup.handle(Frame(Backend.AUTHENTICATION, bytes(4)))
    b''
    >>> startup.handle(Frame(Backend.READY_FOR_QUERY, b"I")), startup.done
    (b'', True)
    """

    def __init__(
        self,
        params: Mapping[str, str],
        *,
        password: str | None,
        private: bool,
        certificate: bytes | None = None,
        version: int = PROTOCOL_3_0,
    ) -> None:
        """*params*: user, database, options, ... as the startup packet has them.

        *private*: nobody can listen (TLS, or a socket of this machine). *certificate* (DER) is the
        server's, None without TLS. *version* 3.2 gets longer cancel keys where the server has them.
        """
        self._params = dict(params)
        self._password = password
        self._private = private
        self._certificate = certificate
        self._scram: ClientScram | None = None
        self._proved = True  # False while the server has yet to prove itself
        self._authenticated = False
        self.version = version
        self.done = False
        #: What ParameterStatus has said so far.
        self.parameters: dict[str, str] = {}
        #: BackendKeyData; (0, b"") where the server gives none.
        self.backend_key: tuple[int, bytes] = (0, b"")
        #: Bodies of the notices received, the oldest first.
        self.notices: list[bytes] = []

    def first(self) -> bytes:
        """The StartupMessage."""
        return frontend.startup(self.version, self._params)

    def handle(self, frame: Frame) -> bytes:
        """Take a server's message and give back the answer, often b"". Raises UpstreamFault."""
        match frame.kind:
            case Backend.ERROR_RESPONSE:
                raise _refused(backend.parse_error_fields(frame.body))
            case Backend.NOTICE_RESPONSE:
                self.notices.append(frame.body)
                return b""
            case Backend.AUTHENTICATION if not self._authenticated:
                return self._authentication(frame.body)
            case Backend.NEGOTIATE_PROTOCOL_VERSION if not self._authenticated:
                self._negotiate(frame.body)
                return b""
            case Backend.PARAMETER_STATUS if self._authenticated:
                name, value = backend.parse_parameter_status(frame.body)
                self.parameters[name] = value
                return b""
            case Backend.BACKEND_KEY_DATA if self._authenticated:
                self.backend_key = backend.parse_backend_key(frame.body)
                return b""
            case Backend.READY_FOR_QUERY if self._authenticated and not self.done:
                backend.parse_ready(frame.body)
                self.done = True
                return b""
        raise violation(UpstreamFault, f"unexpected message of type {chr(frame.kind)!r} during login")

    def _negotiate(self, body: bytes) -> None:
        version, unknown = backend.parse_negotiate_protocol_version(body)
        if unknown or not PROTOCOL_3_0 <= version <= self.version:
            raise violation(UpstreamFault, "the target database negotiates what was not asked for")
        self.version = version

    def _authentication(self, body: bytes) -> bytes:
        reader = Reader(body, UpstreamFault, "Authentication")
        code = reader.int32()
        match code:
            case 0:
                reader.end()
                if not self._proved:
                    raise violation(UpstreamFault, "the target database skipped the end of SCRAM")
                self._authenticated = True
                return b""
            case 3:
                reader.end()
                return frontend.password(self._disclosed())
            case 5:
                salt = reader.raw(4)
                reader.end()
                inner = md5(
                    (self._disclosed() + self._params.get("user", "")).encode(), usedforsecurity=False
                )
                outer = md5(inner.hexdigest().encode() + salt, usedforsecurity=False)
                return frontend.password("md5" + outer.hexdigest())
            case 10 if self._scram is None:
                offered = []
                while name := reader.text():
                    offered.append(name)
                reader.end()
                user = self._params.get("user", "")
                self._scram = ClientScram(user, self._secret(), self._certificate)
                self._proved = False
                return frontend.sasl_initial_response(*self._scram.first(offered))
            case 11 if self._scram is not None:
                return frontend.sasl_response(self._scram.final(reader.rest()))
            case 12 if self._scram is not None:
                self._scram.finish(reader.rest())
                self._proved = True
                return b""
        raise UpstreamFault(
            f"the target database asks for an authentication method that devinprod does not know ({code})",
            sqlstate=sqlstate.FEATURE_NOT_SUPPORTED,
            hint="Let pg_hba.conf ask the role of the target's dsn for scram-sha-256.",
        )

    def _secret(self) -> str:
        if self._password is None:
            raise UpstreamFault(
                "the target database asks for a password, and the target's dsn gives none",
                sqlstate=_REJECTED,
                hint="Give password= or passfile= in the target's dsn.",
            )
        return self._password

    def _disclosed(self) -> str:
        """The password, where it may be given away."""
        if self._scram is not None or not self._private:
            raise UpstreamFault(
                "the target database asks for the password in clear over a connection without TLS",
                sqlstate=_REJECTED,
                hint="Use sslmode=verify-full in the target's dsn, or scram-sha-256 in pg_hba.conf.",
            )
        return self._secret()


_REJECTED: Final = "08004"  # sqlserver_rejected_establishment_of_sqlconnection


def _refused(fields: Mapping[str, str]) -> UpstreamFault:
    """The target database's own words; a wrong password there is not the client's wrong password."""
    code = fields.get("C", "")
    state = code if len(code) == 5 and not code.startswith("28") else _REJECTED
    return UpstreamFault(
        f"the target database refused the connection: {fields.get('M', 'no reason given')}",
        sqlstate=state,
        hint=fields.get("H") or "Check the target's dsn in devinprod.toml.",
        detail=fields.get("D"),
    )
