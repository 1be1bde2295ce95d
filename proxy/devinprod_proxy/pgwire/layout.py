"""How are the parts inside one message body read, and written, without trusting it?

A :class:`Reader` walks one body. Whatever does not fit (a length beyond the end, a string without
its NUL, bytes left over) raises the fault of whoever sent the message, always as 08P01.
"""

from __future__ import annotations

from struct import Struct

from devinprod_proxy.errors import DevinprodError
from devinprod_proxy.pgwire import sqlstate

_INT16 = Struct("!h")
_INT32 = Struct("!i")
_UINT32 = Struct("!I")


def violation(fault: type[DevinprodError], message: str, hint: str | None = None) -> DevinprodError:
    """A fault with SQLSTATE 08P01 (protocol_violation), to be raised.

    >>> from devinprod_proxy.errors import ClientFault
    >>> violation(ClientFault, "invalid message format").refusal.sqlstate
    '08P01'
    """
    return fault(message, sqlstate=sqlstate.PROTOCOL_VIOLATION, hint=hint)


def cstring(text: str | bytes) -> bytes:
    """*text* with its terminating NUL; a NUL inside is a ValueError, for it would cut the message.

    Bytes that are not UTF-8 travel through ``str`` as surrogate escapes (PEP 383) and come out as
    they came in.

    >>> cstring("abc")
    b'abc\\x00'
    """
    raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    if b"\0" in raw:
        raise ValueError("a string of the protocol cannot contain NUL")
    return raw + b"\0"


class Reader:
    """A walk through one message body; *fault* is raised for whatever does not fit.

    >>> from devinprod_proxy.errors import ClientFault
    >>> reader = Reader(b"name\\x00\\x00\\x01", ClientFault, "Parse")
    >>> reader.text(), reader.int16(), reader.end()
    ('name', 1, None)
    """

    __slots__ = ("_at", "_body", "_fault", "_message")

    def __init__(self, body: bytes, fault: type[DevinprodError], message: str) -> None:
        self._body, self._fault, self._message, self._at = body, fault, message, 0

    def wrong(self, what: str) -> DevinprodError:
        """The fault to raise: which message, and what about it."""
        return violation(self._fault, f"invalid {self._message} message: {what}")

    def _take(self, size: int) -> int:
        start = self._at
        if size < 0 or start + size > len(self._body):
            raise self.wrong("insufficient data left in message")
        self._at = start + size
        return start

    def int16(self) -> int:
        """A signed 16-bit integer."""
        value: int = _INT16.unpack_from(self._body, self._take(2))[0]
        return value

    def count16(self) -> int:
        """A 16-bit count: PostgreSQL reads counts as unsigned up to 65535."""
        return self.int16() & 0xFFFF

    def int32(self) -> int:
        """A signed 32-bit integer."""
        value: int = _INT32.unpack_from(self._body, self._take(4))[0]
        return value

    def oid(self) -> int:
        """An unsigned 32-bit integer."""
        value: int = _UINT32.unpack_from(self._body, self._take(4))[0]
        return value

    def octet(self) -> int:
        """One byte, as an integer."""
        return self._body[self._take(1)]

    def raw(self, size: int) -> bytes:
        """*size* bytes."""
        start = self._take(size)
        return self._body[start : self._at]

    def string(self) -> bytes:
        """The bytes up to the next NUL, which is passed."""
        stop = self._body.find(b"\0", self._at)
        if stop < 0:
            raise self.wrong("invalid string")
        start, self._at = self._at, stop + 1
        return self._body[start:stop]

    def text(self) -> str:
        """The same as UTF-8; other bytes become surrogate escapes, so that nothing is lost."""
        return self.string().decode("utf-8", "surrogateescape")

    def value(self) -> bytes | None:
        """A value with its 32-bit length in front; -1 is NULL, any other negative length a fault."""
        size = self.int32()
        return None if size == -1 else self.raw(size)

    def rest(self) -> bytes:
        """All that is left."""
        start, self._at = self._at, len(self._body)
        return self._body[start:]

    def end(self) -> None:
        """Nothing may be left."""
        if self._at != len(self._body):
            raise self.wrong(f"{len(self._body) - self._at} bytes left over")
