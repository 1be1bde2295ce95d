"""Where does one message end and the next begin, at any split of the bytes?

Control messages are cut into :class:`Frame` values. A run of DataRow or CopyData messages stays
one slice, :class:`Rows`: it is walked in place with ``struct.unpack_from``, and no object is made
per row. That is what decides the speed of a relay (an object and a write per row made the same
proxy eleven times slower on 100 rows).

The length of a message is a promise of the sender's, not a reason to reserve memory: what has
arrived is kept, and nothing more. Lengths are bounded per kind of message; before a client is
known, tightly. Whatever is not the protocol raises the fault of its sender, once and for good:
a stream that has failed fails at every further byte.

Source: PostgreSQL manual, 54.1 and 54.7; limits as in PostgreSQL's ``postgres.c`` and ``auth.c``.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from struct import Struct
from typing import Final, TypeAlias

from devinprod_proxy.errors import ClientFault, DevinprodError, UpstreamFault
from devinprod_proxy.pgwire.frames import Frame, Rows, row_values
from devinprod_proxy.pgwire.frontend import (
    Cancel,
    GssRequest,
    SslRequest,
    Startup,
    parse_startup_packet,
)
from devinprod_proxy.pgwire.kinds import Backend, Frontend
from devinprod_proxy.pgwire.layout import violation

__all__ = [
    "BackendStream",
    "Cancel",
    "ClientItem",
    "Frame",
    "FrontendStream",
    "GssRequest",
    "Rows",
    "SslRequest",
    "Startup",
    "row_values",
]

# Lengths as they stand in a message: payload and the four bytes of the length itself.
LARGE: Final = 0x3FFF_FFFF + 4  # PostgreSQL's own bound of a message (PQ_LARGE_MESSAGE_LIMIT)
SMALL: Final = 10_000  # of a message that carries at most a name (PQ_SMALL_MESSAGE_LIMIT)
LOGIN: Final = 65_536  # of anything before login (PG_MAX_AUTH_TOKEN_LENGTH)
STARTUP: Final = 10_000  # of the first packet (MAX_STARTUP_PACKET_LENGTH)
_CONTROL: Final = 1 << 20  # of what a server sends and is not data

_HEADER = Struct("!BI").unpack_from
_LENGTH = Struct("!I").unpack_from


ClientItem: TypeAlias = Startup | SslRequest | GssRequest | Cancel | Frame | Rows


def _limits(*tiers: tuple[int, Iterable[int]]) -> tuple[int, ...]:
    """Highest length per letter; 0 where the letter means nothing."""
    table = [0] * 256
    for limit, kinds in tiers:
        for kind in kinds:
            table[kind] = limit
    return tuple(table)


_B, _F = Backend, Frontend

_FROM_SERVER = _limits(
    (
        LARGE,
        (
            _B.DATA_ROW,
            _B.COPY_DATA,
            _B.ROW_DESCRIPTION,
            _B.ERROR_RESPONSE,
            _B.NOTICE_RESPONSE,
            _B.NOTIFICATION_RESPONSE,
            _B.FUNCTION_CALL_RESPONSE,
        ),
    ),
    (
        _CONTROL,
        (
            _B.AUTHENTICATION,
            _B.BACKEND_KEY_DATA,
            _B.BIND_COMPLETE,
            _B.CLOSE_COMPLETE,
            _B.COMMAND_COMPLETE,
            _B.COPY_DONE,
            _B.COPY_IN_RESPONSE,
            _B.COPY_OUT_RESPONSE,
            _B.EMPTY_QUERY_RESPONSE,
            _B.NEGOTIATE_PROTOCOL_VERSION,
            _B.NO_DATA,
            _B.PARAMETER_DESCRIPTION,
            _B.PARAMETER_STATUS,
            _B.PARSE_COMPLETE,
            _B.PORTAL_SUSPENDED,
            _B.READY_FOR_QUERY,
        ),
    ),
)
_FROM_CLIENT = _limits(
    (LARGE, (_F.QUERY, _F.PARSE, _F.BIND, _F.FUNCTION_CALL, _F.COPY_DATA)),
    (
        SMALL,
        (
            _F.CLOSE,
            _F.COPY_DONE,
            _F.COPY_FAIL,
            _F.DESCRIBE,
            _F.EXECUTE,
            _F.FLUSH,
            _F.SYNC,
            _F.TERMINATE,
        ),
    ),
)
_FROM_STRANGER = _limits((LOGIN, (_F.PASSWORD,)), (SMALL, (_F.TERMINATE,)))


class _Cutter:
    """Cuts typed messages; both directions share it, so that there is one hot loop."""

    __slots__ = ("_fault", "_held", "_need", "_runs", "limits")

    def __init__(self, limits: tuple[int, ...], runs: bytes, fault: type[DevinprodError]) -> None:
        self.limits = limits
        self._runs = runs
        self._fault = fault
        self._held = bytearray()  # the beginning of a message whose end has not arrived
        self._need = 5  # so many bytes must be held before there is anything to cut

    @property
    def held(self) -> int:
        return len(self._held)

    def cut(self, chunk: bytes) -> list[Frame | Rows]:
        items: list[Frame | Rows] = []
        held = self._held
        if held:
            held += chunk
            if len(held) < self._need:
                return items
            chunk = bytes(held)
            held.clear()
        limits, runs, header = self.limits, self._runs, _HEADER
        end = len(chunk)
        last = end - 5  # the last place where a whole header fits
        at, need = 0, 5
        while at <= last:
            kind, length = header(chunk, at)
            limit = limits[kind]
            if not 4 <= length <= limit:
                raise self._wrong(kind, length)
            after = at + 1 + length
            if after > end:
                need = 1 + length
                break
            if kind not in runs:
                items.append(Frame(kind, chunk[at + 5 : after]))
                at = after
                continue
            # The hot loop: nothing is made here, headers are only stepped over. Whatever does
            # not continue the run is judged by the outer loop.
            start, count, run = at, 1, kind
            at = after
            while at <= last:
                kind, length = header(chunk, at)
                after = at + 1 + length
                if kind != run or after > end or not 4 <= length <= limit:
                    break
                count += 1
                at = after
            items.append(Rows(run, chunk[start:at], count))
        if at < end:
            held += chunk[at:] if at else chunk
        self._need = need
        return items

    def _wrong(self, kind: int, length: int) -> DevinprodError:
        if not self.limits[kind]:
            return violation(self._fault, f"invalid message type {kind}")
        return violation(self._fault, f"invalid length {length} of a message of type {chr(kind)!r}")


class BackendStream:
    """The bytes of a server, from the answer to the startup packet on.

    >>> stream = BackendStream()
    >>> stream.feed(b"Z\\x00\\x00\\x00"), stream.feed(b"\\x05I")
    ([], [Frame(kind=90, body=b'I')])
    """

    __slots__ = ("_cutter", "_failed")

    def __init__(self) -> None:
        self._cutter = _Cutter(_FROM_SERVER, bytes((_B.DATA_ROW, _B.COPY_DATA)), UpstreamFault)
        self._failed: DevinprodError | None = None

    def feed(self, chunk: bytes) -> list[Frame | Rows]:
        """The messages completed by *chunk*, in order; what is incomplete is kept.

        Raises UpstreamFault (08P01) for what is not the protocol, then and ever after; messages
        cut from the same chunk before it are not delivered.
        """
        if self._failed is not None:
            raise self._failed
        try:
            return self._cutter.cut(chunk)
        except UpstreamFault as fault:
            self._failed = fault
            raise

    @property
    def held(self) -> int:
        """How many bytes of an incomplete message are kept: not 0 at end of file is a cut message."""
        return self._cutter.held


class _Phase(Enum):
    FIRST_PACKET = auto()  # startup packets, without a letter in front
    ANSWER_DUE = auto()  # SSLRequest or GSSENCRequest is unanswered: the client must be silent
    TYPED = auto()  # messages with a letter
    OVER = auto()  # CancelRequest: nothing that follows means anything


class FrontendStream:
    """The bytes of a client, from the first.

    The first packets have no letter; the login that follows has tight limits until
    :meth:`authenticated` is called.

    >>> stream = FrontendStream()
    >>> stream.feed(b"\\x00\\x00\\x00\\x08\\x04\\xd2\\x16\\x2f")
    [SslRequest()]
    >>> stream.answered()
    """

    __slots__ = ("_cutter", "_failed", "_first", "_phase", "_requested")

    def __init__(self) -> None:
        self._cutter = _Cutter(_FROM_STRANGER, bytes((_F.COPY_DATA,)), ClientFault)
        self._failed: DevinprodError | None = None
        self._first = bytearray()
        self._phase = _Phase.FIRST_PACKET
        self._requested: set[type[SslRequest | GssRequest]] = set()

    def feed(self, chunk: bytes) -> list[ClientItem]:
        """What *chunk* completes, in order; what is incomplete is kept.

        Raises ClientFault for what is not the protocol (08P01) or a version of it that nobody
        speaks any more (0A000), then and ever after; messages cut from the same chunk before it
        are not delivered.

        An SslRequest or GssRequest must be answered (one byte), and :meth:`answered` called,
        before more bytes are fed: bytes that come before the answer were sent in clear by somebody
        who hopes that they are taken for encrypted ones, and are a fault.
        """
        if self._failed is not None:
            raise self._failed
        try:
            return self._feed(chunk)
        except ClientFault as fault:
            self._failed = fault
            raise

    def answered(self) -> None:
        """The one-byte answer to SslRequest or GssRequest has been written (and TLS, if any, begun)."""
        if self._phase is _Phase.ANSWER_DUE:
            self._phase = _Phase.FIRST_PACKET

    def authenticated(self) -> None:
        """The client has logged in: its statements may be as long as PostgreSQL's."""
        self._cutter.limits = _FROM_CLIENT

    @property
    def held(self) -> int:
        """How many bytes of an incomplete message are kept."""
        return len(self._first) + self._cutter.held

    def _feed(self, chunk: bytes) -> list[ClientItem]:
        items: list[ClientItem] = []
        if self._phase is not _Phase.TYPED:
            chunk = self._first_packets(chunk, items)
        if self._phase is _Phase.TYPED:
            items += self._cutter.cut(chunk)
        return items

    def _first_packets(self, chunk: bytes, items: list[ClientItem]) -> bytes:
        """Append the packets without a letter to *items*; give back what stands behind them."""
        first = self._first
        if self._phase is not _Phase.OVER:
            first += chunk
        if self._phase is _Phase.ANSWER_DUE and first:
            raise violation(
                ClientFault,
                "received unencrypted data after an encryption request",
                hint="This could be either a client-software bug or evidence of an attempted "
                "man-in-the-middle attack.",
            )
        if self._phase is not _Phase.FIRST_PACKET or not first:
            return b""
        if first[0] == 0x16:
            raise violation(
                ClientFault,
                "direct TLS negotiation is not supported",
                hint="Connect with sslnegotiation=postgres, which is the default.",
            )
        if len(first) < 4:
            return b""
        (length,) = _LENGTH(first)
        if not 8 <= length <= STARTUP:
            raise violation(
                ClientFault,
                "invalid length of startup packet",
                hint="This address speaks the PostgreSQL protocol.",
            )
        if len(first) < length:
            return b""
        packet, behind = parse_startup_packet(bytes(first[4:length])), bytes(first[length:])
        first.clear()
        items.append(packet)
        if isinstance(packet, Cancel):
            self._phase = _Phase.OVER
            return b""
        if isinstance(packet, Startup):
            self._phase = _Phase.TYPED
            return behind
        if type(packet) in self._requested:
            raise violation(ClientFault, "encryption was requested twice")
        self._requested.add(type(packet))
        self._phase = _Phase.ANSWER_DUE
        # Bytes behind a request are judged like bytes that come in another chunk before the answer.
        return self._first_packets(behind, items)
