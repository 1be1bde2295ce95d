"""What does a client say, and how is it said to a server?

Parsers read a message body that a client sent and raise ClientFault (08P01) for anything that
does not fit, bytes left over included. Builders make whole messages for the target database.

Names of statements and portals are ``str``: UTF-8, other bytes as surrogate escapes, so that two
different names stay different. A statement's text stays ``bytes``, for its encoding is the
client's.

Source: PostgreSQL manual, 54.7 (Message Formats).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Literal, NamedTuple, TypeAlias

from devinprod_proxy.errors import ClientFault
from devinprod_proxy.pgwire import sqlstate
from devinprod_proxy.pgwire.kinds import (
    CANCEL_REQUEST_CODE,
    GSSENC_REQUEST_CODE,
    SSL_REQUEST_CODE,
    Frontend,
)
from devinprod_proxy.pgwire.layout import Reader, cstring, violation

_HEADER = Struct("!BI").pack
_UINT32 = Struct("!I").pack
_INT32 = Struct("!i").pack
_COUNT16 = Struct("!H").pack

#: What Describe and Close are about: a prepared statement or a portal.
Named: TypeAlias = Literal["S", "P"]


def _message(kind: int, body: bytes = b"") -> bytes:
    return _HEADER(kind, len(body) + 4) + body


# The packets without a letter, 54.2.1 and 54.2.8 to 54.2.10.


@dataclass(frozen=True, slots=True)
class Startup:
    """StartupMessage: the version asked for (major * 65536 + minor), and the parameters in order."""

    version: int
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SslRequest:
    """May we go on with TLS? Answered by one byte, S or N."""


@dataclass(frozen=True, slots=True)
class GssRequest:
    """May we go on with GSSAPI encryption? Answered by one byte, G or N."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """CancelRequest: whose statement, and the key that proves the right to it (up to 256 bytes)."""

    pid: int
    key: bytes


def parse_startup_packet(body: bytes) -> Startup | SslRequest | GssRequest | Cancel:
    """Read a packet without a letter; *body* stands behind its length.

    Raises ClientFault: 0A000 for a protocol that is not 3.x, 08P01 for anything malformed.

    >>> parse_startup_packet(b"\\x04\\xd2\\x16\\x2f")
    SslRequest()
    """
    reader = Reader(body, ClientFault, "startup")
    code = reader.oid()
    match code:
        case _ if code == SSL_REQUEST_CODE:
            reader.end()
            return SslRequest()
        case _ if code == GSSENC_REQUEST_CODE:
            reader.end()
            return GssRequest()
        case _ if code == CANCEL_REQUEST_CODE:
            pid, key = reader.int32(), reader.rest()
            if not 1 <= len(key) <= 256:
                raise reader.wrong("invalid length of a cancel key")
            return Cancel(pid, key)
    major, minor = code >> 16, code & 0xFFFF
    if major != 3:
        raise ClientFault(
            f"unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.2",
            sqlstate=sqlstate.FEATURE_NOT_SUPPORTED,
            hint="Use a driver made for PostgreSQL 7.4 (2003) or later.",
        )
    params: dict[str, str] = {}
    while name := reader.text():
        params[name] = reader.text()
    reader.end()
    return Startup(code, params)


def startup(version: int, params: Mapping[str, str]) -> bytes:
    """StartupMessage.

    >>> startup(3 << 16, {"user": "ann"})
    b'\\x00\\x00\\x00\\x12\\x00\\x03\\x00\\x00user\\x00ann\\x00\\x00'
    """
    pairs = b"".join(cstring(name) + cstring(value) for name, value in params.items())
    body = _UINT32(version) + pairs + b"\0"
    return _UINT32(len(body) + 4) + body


def ssl_request() -> bytes:
    """SSLRequest, answered by one byte: S or N."""
    return _UINT32(8) + _UINT32(SSL_REQUEST_CODE)


def cancel_request(pid: int, key: bytes) -> bytes:
    """CancelRequest, sent over a connection of its own; never answered.

    >>> len(cancel_request(4711, b"\\x00\\x01\\x02\\x03"))
    16
    """
    body = _UINT32(CANCEL_REQUEST_CODE) + _INT32(pid) + key
    return _UINT32(len(body) + 4) + body


# Login.


def password(secret: str) -> bytes:
    """PasswordMessage (or its MD5 form)."""
    return _message(Frontend.PASSWORD, cstring(secret))


def sasl_initial_response(mechanism: str, data: bytes) -> bytes:
    """SASLInitialResponse: the chosen mechanism and its first message."""
    return _message(Frontend.PASSWORD, cstring(mechanism) + _INT32(len(data)) + data)


def sasl_response(data: bytes) -> bytes:
    """SASLResponse: a further message of the mechanism's."""
    return _message(Frontend.PASSWORD, data)


def parse_sasl_initial_response(body: bytes) -> tuple[str, bytes]:
    """(mechanism, its first message); an absent first message is b""."""
    reader = Reader(body, ClientFault, "SASLInitialResponse")
    mechanism, data = reader.text(), reader.value()
    reader.end()
    return mechanism, data or b""


# Simple query.


def query(sql: str | bytes) -> bytes:
    """Query.

    >>> query("SELECT 1")
    b'Q\\x00\\x00\\x00\\rSELECT 1\\x00'
    """
    return _message(Frontend.QUERY, cstring(sql))


def parse_query(body: bytes) -> bytes:
    """The text of a Query; bytes behind its NUL are a fault, for nobody would have judged them."""
    reader = Reader(body, ClientFault, "Query")
    text = reader.string()
    reader.end()
    return text


# Extended query.


class Parse(NamedTuple):
    """Prepare *query* as *name* ("" is the unnamed statement); *oids* of parameters, 0: infer."""

    name: str
    query: bytes
    oids: tuple[int, ...]


def parse(name: str, sql: str | bytes, oids: Sequence[int] = ()) -> bytes:
    """Parse.

    >>> parse_parse(parse("s1", "SELECT $1", (23,))[5:])
    Parse(name='s1', query=b'SELECT $1', oids=(23,))
    """
    types = b"".join(map(_UINT32, oids))
    return _message(Frontend.PARSE, cstring(name) + cstring(sql) + _COUNT16(len(oids)) + types)


def parse_parse(body: bytes) -> Parse:
    """Read the body of a Parse."""
    reader = Reader(body, ClientFault, "Parse")
    name, text = reader.text(), reader.string()
    oids = tuple([reader.oid() for _ in range(reader.count16())])
    reader.end()
    return Parse(name, text, oids)


class BindValues(NamedTuple):
    """What follows the names in a Bind: format codes (0 text, 1 binary), values, result formats."""

    formats: tuple[int, ...]
    values: tuple[bytes | None, ...]
    result_formats: tuple[int, ...]

    def format_of(self, index: int) -> int:
        """Format of parameter *index* (from 0): none given means text, one given means all."""
        if not self.formats:
            return 0
        return self.formats[0] if len(self.formats) == 1 else self.formats[index]


class Bind(NamedTuple):
    """Make *portal* of *statement*; *tail* is all that follows the two names, unread."""

    portal: str
    statement: str
    tail: bytes

    def values(self) -> BindValues:
        """Read the tail. Raises ClientFault where it does not fit."""
        reader = Reader(self.tail, ClientFault, "Bind")
        formats = tuple([reader.int16() for _ in range(reader.count16())])
        values = tuple([reader.value() for _ in range(reader.count16())])
        results = tuple([reader.int16() for _ in range(reader.count16())])
        reader.end()
        if len(formats) > 1 and len(formats) != len(values):
            raise reader.wrong(f"{len(formats)} parameter formats but {len(values)} parameters")
        return BindValues(formats, values, results)

    def parameters(self) -> tuple[bytes | None, ...]:
        """The values alone; None is NULL."""
        return self.values().values


def bind(
    portal: str,
    statement: str,
    formats: Sequence[int] = (),
    values: Sequence[bytes | None] = (),
    result_formats: Sequence[int] = (),
) -> bytes:
    """Bind.

    >>> parse_bind(bind("", "s1", values=(b"42", None))[5:]).parameters()
    (b'42', None)
    """
    return bind_tail(portal, statement, _tail(formats, values, result_formats))


def bind_tail(portal: str, statement: str, tail: bytes) -> bytes:
    """Bind with other names and the same tail: what a renaming relay sends."""
    return _message(Frontend.BIND, cstring(portal) + cstring(statement) + tail)


def _codes(codes: Iterable[int]) -> bytes:
    return b"".join(map(_COUNT16, codes))


def _tail(formats: Sequence[int], values: Sequence[bytes | None], result_formats: Sequence[int]) -> bytes:
    parts = [_COUNT16(len(formats)), _codes(formats), _COUNT16(len(values))]
    for value in values:
        parts.append(_INT32(-1) if value is None else _INT32(len(value)) + value)
    parts += [_COUNT16(len(result_formats)), _codes(result_formats)]
    return b"".join(parts)


def parse_bind(body: bytes) -> Bind:
    """Read the two names; the tail is read when somebody asks for it (PostgreSQL reads it anyway)."""
    reader = Reader(body, ClientFault, "Bind")
    portal, statement, tail = reader.text(), reader.text(), reader.rest()
    if len(tail) < 6:
        raise reader.wrong("insufficient data left in message")
    return Bind(portal, statement, tail)


def describe(kind: Named, name: str) -> bytes:
    """Describe a statement ("S") or a portal ("P")."""
    return _message(Frontend.DESCRIBE, kind.encode() + cstring(name))


def close(kind: Named, name: str) -> bytes:
    """Close a statement ("S") or a portal ("P")."""
    return _message(Frontend.CLOSE, kind.encode() + cstring(name))


def parse_describe(body: bytes) -> tuple[Named, str]:
    """("S" or "P", name)."""
    return _parse_named(body, "Describe")


def parse_close(body: bytes) -> tuple[Named, str]:
    """("S" or "P", name)."""
    return _parse_named(body, "Close")


def _parse_named(body: bytes, message: str) -> tuple[Named, str]:
    reader = Reader(body, ClientFault, message)
    letter, name = reader.octet(), reader.text()
    reader.end()
    if letter == 0x53:
        return "S", name
    if letter == 0x50:
        return "P", name
    raise reader.wrong(f"invalid subtype {letter}")


def execute(portal: str, max_rows: int = 0) -> bytes:
    """Execute; 0 rows means all."""
    return _message(Frontend.EXECUTE, cstring(portal) + _INT32(max_rows))


def parse_execute(body: bytes) -> tuple[str, int]:
    """(portal, max_rows); PostgreSQL takes 0 and less for all."""
    reader = Reader(body, ClientFault, "Execute")
    portal, max_rows = reader.text(), reader.int32()
    reader.end()
    return portal, max_rows


def sync() -> bytes:
    """Sync."""
    return b"S\0\0\0\4"


def flush() -> bytes:
    """Flush."""
    return b"H\0\0\0\4"


def terminate() -> bytes:
    """Terminate."""
    return b"X\0\0\0\4"


def parse_nothing(body: bytes) -> None:
    """Sync, Flush, CopyDone and Terminate carry nothing; anything else is a fault."""
    if body:
        raise violation(ClientFault, "invalid message format")


# COPY. CopyData and CopyDone are the same bytes in both directions.


def copy_data(data: bytes) -> bytes:
    """CopyData."""
    return _message(Frontend.COPY_DATA, data)


def copy_done() -> bytes:
    """CopyDone."""
    return b"c\0\0\0\4"


def copy_fail(reason: str) -> bytes:
    """CopyFail."""
    return _message(Frontend.COPY_FAIL, cstring(reason))


def parse_copy_fail(body: bytes) -> str:
    """Why the client gave up its COPY."""
    reader = Reader(body, ClientFault, "CopyFail")
    reason = reader.text()
    reader.end()
    return reason
