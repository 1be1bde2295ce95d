"""What does a server say, and how is it said to a client?

Builders make whole messages for a client. Parsers read a message body that the target database
sent and raise UpstreamFault (08P01) for anything that does not fit, bytes left over included.

Source: PostgreSQL manual, 54.7 (Message Formats), 54.8 (Error and Notice Message Fields).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from struct import Struct
from typing import Literal, NamedTuple

from devinprod_proxy.errors import Refusal, UpstreamFault
from devinprod_proxy.pgwire.kinds import Backend
from devinprod_proxy.pgwire.layout import Reader, cstring

_HEADER = Struct("!BI").pack
_UINT32 = Struct("!I").pack
_INT32 = Struct("!i").pack
_COUNT16 = Struct("!H").pack
_COLUMN = Struct("!IhIhih")


def _message(kind: int, body: bytes = b"") -> bytes:
    return _HEADER(kind, len(body) + 4) + body


# Login and what follows it.


def authentication_ok() -> bytes:
    """AuthenticationOk."""
    return _message(Backend.AUTHENTICATION, _UINT32(0))


def authentication_sasl(mechanisms: Iterable[str]) -> bytes:
    """AuthenticationSASL: the mechanisms offered, the preferred one first."""
    return _message(Backend.AUTHENTICATION, _UINT32(10) + b"".join(map(cstring, mechanisms)) + b"\0")


def authentication_sasl_continue(data: bytes) -> bytes:
    """AuthenticationSASLContinue."""
    return _message(Backend.AUTHENTICATION, _UINT32(11) + data)


def authentication_sasl_final(data: bytes) -> bytes:
    """AuthenticationSASLFinal."""
    return _message(Backend.AUTHENTICATION, _UINT32(12) + data)


def negotiate_protocol_version(version: int, unknown_options: Sequence[str] = ()) -> bytes:
    """NegotiateProtocolVersion: the version that will be spoken, and `_pq_.` options not known.

    The version is major * 65536 + minor, as PostgreSQL sends it and libpq reads it.
    """
    options = b"".join(map(cstring, unknown_options))
    body = _UINT32(version) + _UINT32(len(unknown_options)) + options
    return _message(Backend.NEGOTIATE_PROTOCOL_VERSION, body)


def parse_negotiate_protocol_version(body: bytes) -> tuple[int, list[str]]:
    """(version that the server will speak, options that it does not know)."""
    reader = Reader(body, UpstreamFault, "NegotiateProtocolVersion")
    version, count = reader.oid(), reader.oid()
    if count > len(body):
        raise reader.wrong("more options than bytes")
    options = [reader.text() for _ in range(count)]
    reader.end()
    return version, options


def parameter_status(name: str, value: str) -> bytes:
    """ParameterStatus.

    >>> parameter_status("client_encoding", "UTF8")
    b'S\\x00\\x00\\x00\\x19client_encoding\\x00UTF8\\x00'
    """
    return _message(Backend.PARAMETER_STATUS, cstring(name) + cstring(value))


def parse_parameter_status(body: bytes) -> tuple[str, str]:
    """(name, value)."""
    reader = Reader(body, UpstreamFault, "ParameterStatus")
    name, value = reader.text(), reader.text()
    reader.end()
    return name, value


def backend_key_data(pid: int, key: bytes) -> bytes:
    """BackendKeyData; a key is 4 bytes in protocol 3.0, up to 256 in 3.2."""
    return _message(Backend.BACKEND_KEY_DATA, _INT32(pid) + key)


def parse_backend_key(body: bytes) -> tuple[int, bytes]:
    """(process id, key)."""
    reader = Reader(body, UpstreamFault, "BackendKeyData")
    pid, key = reader.int32(), reader.rest()
    if not 4 <= len(key) <= 256:
        raise reader.wrong("invalid length of a cancel key")
    return pid, key


def ready(status: bytes) -> bytes:
    """ReadyForQuery: b"I" idle, b"T" in a transaction, b"E" in a failed one.

    >>> ready(b"I")
    b'Z\\x00\\x00\\x00\\x05I'
    """
    return b"Z\0\0\0\5" + status


def parse_ready(body: bytes) -> bytes:
    """The transaction status: b"I", b"T" or b"E"."""
    if body not in (b"I", b"T", b"E"):
        raise Reader(body, UpstreamFault, "ReadyForQuery").wrong("unknown transaction status")
    return body


# Errors and notices.


def error_fields_to_body(fields: Mapping[str, str]) -> bytes:
    """The body of an ErrorResponse or NoticeResponse; the fields stand in the order given.

    A NUL inside a value becomes a space: an error must not fail to be told.
    """
    parts = [
        name.encode("ascii") + cstring(value.replace("\0", " ").encode("utf-8", "replace"))
        for name, value in fields.items()
    ]
    return b"".join(parts) + b"\0"


def parse_error_fields(body: bytes) -> dict[str, str]:
    """Field letter -> text, in the order sent; of a repeated letter the last counts.

    Bytes that are not UTF-8 are replaced: this text is for people and records.
    """
    reader = Reader(body, UpstreamFault, "ErrorResponse")
    fields: dict[str, str] = {}
    while letter := reader.octet():
        if not letter < 0x80:
            raise reader.wrong("a field that is not a letter")
        fields[chr(letter)] = reader.string().decode("utf-8", "replace")
    reader.end()
    return fields


def error(fields: Mapping[str, str]) -> bytes:
    """ErrorResponse. *fields* by letter: S severity, V the same untranslated, C SQLSTATE, M message ...

    >>> error({"S": "ERROR", "V": "ERROR", "C": "42501", "M": "no"})
    b'E\\x00\\x00\\x00\\x1eSERROR\\x00VERROR\\x00C42501\\x00Mno\\x00\\x00'
    """
    return _message(Backend.ERROR_RESPONSE, error_fields_to_body(fields))


def notice(fields: Mapping[str, str]) -> bytes:
    """NoticeResponse; fields as in :func:`error`."""
    return _message(Backend.NOTICE_RESPONSE, error_fields_to_body(fields))


def refusal_fields(
    refusal: Refusal, severity: Literal["ERROR", "FATAL", "WARNING", "NOTICE"] = "ERROR"
) -> dict[str, str]:
    """The fields of a refusal, for :func:`error` or :func:`notice`.

    >>> refusal_fields(Refusal("42501", "no", hint="ask"))
    {'S': 'ERROR', 'V': 'ERROR', 'C': '42501', 'M': 'no', 'H': 'ask'}
    """
    fields = {"S": severity, "V": severity, "C": refusal.sqlstate, "M": refusal.message}
    if refusal.detail is not None:
        fields["D"] = refusal.detail
    if refusal.hint is not None:
        fields["H"] = refusal.hint
    if refusal.position is not None:
        fields["P"] = str(refusal.position)
    return fields


# Results.


class Column(NamedTuple):
    """One column of a RowDescription; ``table_oid`` and ``attnum`` are its origin, 0 if computed."""

    name: str
    table_oid: int
    attnum: int
    type_oid: int
    typlen: int
    typmod: int
    format: int


def row_description(columns: Sequence[Column]) -> bytes:
    """RowDescription.

    >>> parse_row_description(row_description([Column("id", 16384, 1, 23, 4, -1, 0)])[5:])[0].name
    'id'
    """
    parts = [_COUNT16(len(columns))]
    parts += [cstring(column.name) + _COLUMN.pack(*column[1:]) for column in columns]
    return _message(Backend.ROW_DESCRIPTION, b"".join(parts))


def parse_row_description(body: bytes) -> list[Column]:
    """The columns of a RowDescription."""
    reader = Reader(body, UpstreamFault, "RowDescription")
    columns = []
    for _ in range(reader.count16()):
        name = reader.text()
        columns.append(Column(name, *_COLUMN.unpack(reader.raw(_COLUMN.size))))
    reader.end()
    return columns


def data_row(values: Sequence[bytes | None]) -> bytes:
    """DataRow; None is NULL.

    >>> data_row([b"1", None])
    b'D\\x00\\x00\\x00\\x0f\\x00\\x02\\x00\\x00\\x00\\x011\\xff\\xff\\xff\\xff'
    """
    parts = [_COUNT16(len(values))]
    parts += [_INT32(-1) if value is None else _INT32(len(value)) + value for value in values]
    return _message(Backend.DATA_ROW, b"".join(parts))


def parameter_description(oids: Sequence[int]) -> bytes:
    """ParameterDescription."""
    return _message(Backend.PARAMETER_DESCRIPTION, _COUNT16(len(oids)) + b"".join(map(_UINT32, oids)))


def parse_parameter_description(body: bytes) -> list[int]:
    """Type OIDs of a statement's parameters."""
    reader = Reader(body, UpstreamFault, "ParameterDescription")
    oids = [reader.oid() for _ in range(reader.count16())]
    reader.end()
    return oids


def command_complete(tag: str) -> bytes:
    """CommandComplete.

    >>> command_complete("SELECT 1")
    b'C\\x00\\x00\\x00\\rSELECT 1\\x00'
    """
    return _message(Backend.COMMAND_COMPLETE, cstring(tag))


def parse_command_complete(body: bytes) -> str:
    """The tag: "SELECT 10", "INSERT 0 1", "BEGIN"."""
    reader = Reader(body, UpstreamFault, "CommandComplete")
    tag = reader.text()
    reader.end()
    return tag


def parse_complete() -> bytes:
    """ParseComplete."""
    return b"1\0\0\0\4"


def bind_complete() -> bytes:
    """BindComplete."""
    return b"2\0\0\0\4"


def close_complete() -> bytes:
    """CloseComplete."""
    return b"3\0\0\0\4"


def no_data() -> bytes:
    """NoData."""
    return b"n\0\0\0\4"


def empty_query() -> bytes:
    """EmptyQueryResponse."""
    return b"I\0\0\0\4"


def portal_suspended() -> bytes:
    """PortalSuspended."""
    return b"s\0\0\0\4"


# COPY and notifications.


def copy_in_response(overall: int, formats: Sequence[int]) -> bytes:
    """CopyInResponse: 0 text or 1 binary, then the same per column."""
    return _message(Backend.COPY_IN_RESPONSE, _copy_response(overall, formats))


def copy_out_response(overall: int, formats: Sequence[int]) -> bytes:
    """CopyOutResponse: 0 text or 1 binary, then the same per column."""
    return _message(Backend.COPY_OUT_RESPONSE, _copy_response(overall, formats))


def _copy_response(overall: int, formats: Sequence[int]) -> bytes:
    return bytes((overall,)) + _COUNT16(len(formats)) + b"".join(map(_COUNT16, formats))


def parse_copy_response(body: bytes) -> tuple[int, list[int]]:
    """(overall format, formats of the columns) of CopyInResponse or CopyOutResponse."""
    reader = Reader(body, UpstreamFault, "CopyResponse")
    overall = reader.octet()
    formats = [reader.int16() for _ in range(reader.count16())]
    reader.end()
    return overall, formats


def notification(pid: int, channel: str, payload: str) -> bytes:
    """NotificationResponse."""
    return _message(Backend.NOTIFICATION_RESPONSE, _INT32(pid) + cstring(channel) + cstring(payload))


def parse_notification(body: bytes) -> tuple[int, str, str]:
    """(process id of the notifier, channel, payload)."""
    reader = Reader(body, UpstreamFault, "NotificationResponse")
    pid, channel, payload = reader.int32(), reader.text(), reader.text()
    reader.end()
    return pid, channel, payload
