"""How does the proxy log in to the target database?

A conversation without sockets: it takes the server's messages, one at a time, and gives back the
bytes to be written. A password is given away in clear (or as MD5, which is little better) only
where nobody can listen; SCRAM-SHA-256 never gives it away, and makes the server prove itself too.

Source: PostgreSQL manual, 54.2.1 (Start-up), 54.3 (SASL Authentication), 32.1.2 (channel_binding).
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import md5
from typing import Final, Literal

from devinprod_proxy.errors import UpstreamFault
from devinprod_proxy.pgwire import backend, frontend, sqlstate
from devinprod_proxy.pgwire.frames import Frame
from devinprod_proxy.pgwire.kinds import PROTOCOL_3_0, Backend
from devinprod_proxy.pgwire.layout import Reader, violation
from devinprod_proxy.pgwire.scram import ClientScram

_REJECTED: Final = "08004"  # sqlserver_rejected_establishment_of_sqlconnection


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
        channel_binding: Literal["disable", "prefer", "require"] = "prefer",
        version: int = PROTOCOL_3_0,
    ) -> None:
        """*params*: user, database, options, ... as the startup packet has them.

        *private*: nobody can listen (TLS, or a socket of this machine). *certificate* (DER) is the
        server's, None without TLS; *channel_binding* is libpq's. *version* 3.2 gets longer cancel keys
        where the server has them.
        """
        self._params = dict(params)
        self._password = password
        self._private = private
        self._certificate = None if channel_binding == "disable" else certificate
        self._binding_required = channel_binding == "require"
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
                if self._binding_required and not (self._scram and self._scram.bound):
                    raise self._unbound()
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
                mechanism, message = self._scram.first(offered)
                if self._binding_required and not self._scram.bound:
                    raise self._unbound()
                return frontend.sasl_initial_response(mechanism, message)
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
        if self._binding_required:
            raise self._unbound()
        if self._scram is not None or not self._private:
            raise UpstreamFault(
                "the target database asks for the password in clear over a connection without TLS",
                sqlstate=_REJECTED,
                hint="Use sslmode=verify-full in the target's dsn, or scram-sha-256 in pg_hba.conf.",
            )
        return self._secret()

    def _unbound(self) -> UpstreamFault:
        return UpstreamFault(
            "channel binding is required, and the target database does not offer it",
            sqlstate=_REJECTED,
            hint="channel_binding=require needs TLS and scram-sha-256 on both sides.",
        )


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
