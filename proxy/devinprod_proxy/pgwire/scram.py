"""How is a password proved without being sent (SCRAM-SHA-256)?

Thin over ``scramp``, which makes its own nonces and salts. What is added here is PostgreSQL's: the
form in which a verifier is stored, channel binding to the certificate (tls-server-end-point), an
exchange that looks the same for a user who does not exist, and libpq's habit of leaving the user
name empty, since the startup packet has said it.

Sources: RFC 5802, RFC 7677, RFC 5929 section 4; PostgreSQL manual, 54.3 (SASL Authentication) and
53.1 (pg_authid, form of a verifier).
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from hmac import digest
from typing import Any, Final, NamedTuple

from scramp import ScramClient, ScramException, ScramMechanism
from scramp.core import CBindData

from devinprod_proxy.errors import ClientFault, UpstreamFault
from devinprod_proxy.pgwire import sqlstate
from devinprod_proxy.pgwire.layout import violation

SCRAM: Final = "SCRAM-SHA-256"
SCRAM_PLUS: Final = "SCRAM-SHA-256-PLUS"
_BINDING: Final = "tls-server-end-point"
_VERIFIER = re.compile(
    r"SCRAM-SHA-256\$([1-9]\d{3,7}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]{44}):([A-Za-z0-9+/=]{44})"
)


class Verifier(NamedTuple):
    """What is stored of a password: enough to check a proof, not enough to make one."""

    salt: bytes
    stored_key: bytes
    server_key: bytes
    iterations: int


def make_verifier(password: str) -> str:
    """What to store for *password*, in PostgreSQL's form; a fresh salt each time.

    Raises ValueError for a password that is empty or that RFC 4013 (SASLprep) forbids.

    >>> make_verifier("correct horse")[:19]
    'SCRAM-SHA-256$4096:'
    """
    if not password:
        raise ValueError("a password cannot be empty")
    try:
        salt, stored, server, iterations = ScramMechanism(SCRAM).make_auth_info(password)
    except ScramException as error:
        raise ValueError("the password contains characters that SASLprep (RFC 4013) forbids") from error
    return f"{SCRAM}${iterations}:{_base64(salt)}${_base64(stored)}:{_base64(server)}"


def parse_verifier(text: str) -> Verifier:
    """Read a stored verifier; ValueError (without its text) for anything else.

    >>> parse_verifier(make_verifier("correct horse")).iterations
    4096
    """
    match = _VERIFIER.fullmatch(text)
    if match is None:
        raise ValueError("not a SCRAM-SHA-256 verifier")
    salt, stored, server = (b64decode(part, validate=True) for part in match.groups()[1:])
    iterations = int(match[1])
    if not 4096 <= iterations <= 10_000_000 or len(salt) < 12 or len(stored) != 32 or len(server) != 32:
        raise ValueError("not a SCRAM-SHA-256 verifier that can be used: weaker than PostgreSQL's own")
    return Verifier(salt, stored, server, iterations)


def mock_verifier(secret: bytes, user: str) -> str:
    """A verifier for a user who does not exist: no password fits it.

    The salt depends on *secret* (the proxy's own, at least 16 bytes) and the name alone, so that
    asking twice gives the same one, as it does for a user who exists.

    >>> mock_verifier(b"0" * 16, "eve") == mock_verifier(b"0" * 16, "eve")
    True
    """
    parts = [digest(secret, label + user.encode("utf-8", "surrogateescape"), "sha256") for label in _LABELS]
    return f"{SCRAM}$4096:{_base64(parts[0])}${_base64(parts[1])}:{_base64(parts[2])}"


_LABELS: Final = (b"salt:", b"stored:", b"server:")


def certificate_binding(certificate: bytes | None) -> bytes | None:
    """Channel binding data of a certificate (DER): its hash, by RFC 5929, 4.1.

    None without a certificate, or with one whose signature names no hash (Ed25519), as in libpq.
    """
    if certificate is None:
        return None
    try:
        return bytes(CBindData.from_der(certificate))
    except ScramException:
        return None


class ServerScram:
    """The proxy's side of one exchange.

    >>> server, client = ServerScram(make_verifier("s3cret")), ClientScram("ann", "s3cret")
    >>> mechanism, first = client.first(server.mechanisms)
    >>> final = server.final(client.final(server.first(mechanism, first)))
    >>> client.finish(final)
    """

    def __init__(self, verifier: str, certificate: bytes | None = None) -> None:
        """*certificate*: the one (DER) that this connection's TLS has shown, None without TLS."""
        self._verifier = parse_verifier(verifier)
        self._binding = certificate_binding(certificate)
        self._server: Any = None  # scramp has no types

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """What to offer, the better first."""
        return (SCRAM,) if self._binding is None else (SCRAM_PLUS, SCRAM)

    def first(self, mechanism: str, data: bytes) -> bytes:
        """Answer the client's first message. Raises ClientFault 08P01."""
        if mechanism not in self.mechanisms:
            raise violation(ClientFault, "client selected an invalid SASL authentication mechanism")
        message = _text(data)
        binding = None if self._binding is None else (_BINDING, self._binding)
        server = ScramMechanism(mechanism).make_server(lambda _user: self._verifier, binding)
        # libpq sends "n=": the name is in the startup packet. scramp insists on one, so it gets
        # "*"; the proof is over what was really sent, so that is put back.
        head, _, bare = message.partition(",,")
        try:
            server.set_client_first(f"{head},,{re.sub('^n=(?=,)', 'n=*', bare)}")
            server.client_first_bare = bare
            answer: str = server.get_server_first()
        except ScramException as error:
            raise violation(ClientFault, "malformed SCRAM message", hint=_first_line(error)) from error
        self._server = server
        return answer.encode()

    def final(self, data: bytes) -> bytes:
        """Check the client's proof; the answer proves that we know the verifier.

        Raises ClientFault 28P01 where the proof is wrong, without saying more than that.
        """
        server = self._server
        if server is None:
            raise violation(ClientFault, "unexpected SASL response")
        self._server = None
        try:
            server.set_client_final(_text(data))
            answer: str = server.get_server_final()
        except ScramException as error:
            raise ClientFault("password authentication failed", sqlstate=sqlstate.INVALID_PASSWORD) from error
        return answer.encode()


class ClientScram:
    """The proxy's side of one exchange with the target database; see ServerScram for an example."""

    def __init__(self, user: str, password: str, certificate: bytes | None = None) -> None:
        """*certificate*: the one (DER) that the server's TLS has shown, None without TLS."""
        self._user, self._password = user, password
        self._binding = certificate_binding(certificate)
        self._client: ScramClient | None = None

    @property
    def bound(self) -> bool:
        """The exchange is bound to the server's certificate."""
        return self._client is not None and self._client.mechanism_name == SCRAM_PLUS

    def first(self, offered: tuple[str, ...] | list[str]) -> tuple[str, bytes]:
        """(mechanism chosen, first message). Raises UpstreamFault if none of *offered* is known."""
        known = [name for name in offered if name in (SCRAM, SCRAM_PLUS)]
        if self._binding is None:
            known = [name for name in known if name == SCRAM]
        if not known:
            raise UpstreamFault(
                "the target database offers no SASL mechanism that devinprod knows",
                sqlstate=sqlstate.FEATURE_NOT_SUPPORTED,
                hint=f"devinprod speaks {SCRAM} and, over TLS, {SCRAM_PLUS}.",
            )
        binding = None if self._binding is None else (_BINDING, self._binding)
        try:
            self._client = ScramClient(known, self._user, self._password, channel_binding=binding)
            message: str = self._client.get_client_first()
        except ScramException as error:
            raise UpstreamFault(
                "the password for the target database cannot be used with SCRAM",
                sqlstate=sqlstate.INVALID_PASSWORD,
                hint="It contains characters that SASLprep (RFC 4013) forbids.",
            ) from error
        return self._client.mechanism_name, message.encode()

    def final(self, data: bytes) -> bytes:
        """Answer the server's first message with the proof. Raises UpstreamFault."""
        try:
            self._started().set_server_first(_decoded(data))
            message: str = self._started().get_client_final()
        except ScramException as error:
            raise violation(UpstreamFault, "malformed SCRAM message", hint=_first_line(error)) from error
        return message.encode()

    def finish(self, data: bytes) -> None:
        """Check that the server knows the verifier too. Raises UpstreamFault where it does not."""
        try:
            self._started().set_server_final(_decoded(data))
        except ScramException as error:
            raise UpstreamFault(
                "the target database could not prove that it knows the password",
                sqlstate=sqlstate.INVALID_PASSWORD,
                hint="Something else may be answering at its address.",
            ) from error

    def _started(self) -> ScramClient:
        if self._client is None:
            raise violation(UpstreamFault, "SCRAM message out of order")
        return self._client


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")


def _first_line(error: ScramException) -> str:
    return str(error).partition("\n")[0]


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise violation(ClientFault, "malformed SCRAM message") from error


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise violation(UpstreamFault, "malformed SCRAM message") from error
