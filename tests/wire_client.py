"""A client that says exactly what a test wants, byte for byte, and reads what comes back."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.client_startup import ClientStartup
from devinprod_proxy.pgwire.frames import Frame
from proxies import PASSWORD


class Message(NamedTuple):
    """One message of the server: its letter and its body."""

    kind: str
    body: bytes

    @property
    def fields(self) -> dict[str, str]:
        """The fields of an ErrorResponse or NoticeResponse."""
        return dict(messages.parse_error_fields(self.body))

    @property
    def sqlstate(self) -> str:
        """The SQLSTATE of an ErrorResponse."""
        return self.fields["C"]


class WireClient:
    """One TCP connection to a proxy."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", port))
        self._held = b""
        self.key: tuple[int, bytes] = (0, b"")

    def __enter__(self) -> WireClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def log_in(self, user: str = "ann/default", password: str = PASSWORD, **params: str) -> WireClient:
        """Log in; raises AssertionError with the server's words where that fails."""
        startup = ClientStartup(
            {"user": user, "database": "shop", **params}, password=password, private=False
        )
        self.send(startup.first())
        while True:
            message = self.read()
            if message is None or message.kind == "E":
                self.socket.close()
            assert message is not None, "the connection was closed during the login"
            assert message.kind != "E", message.fields
            reply = startup.handle(Frame(ord(message.kind), message.body))
            if reply:
                self.send(reply)
            if startup.done:
                self.key = startup.backend_key
                return self

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(data)

    def query(self, sql: str) -> list[Message]:
        """A simple Query and everything up to ReadyForQuery (or the end)."""
        self.send(messages.query(sql.encode()))
        return self.upto("Z")

    def read(self) -> Message | None:
        """The next message; None when the server has closed the connection."""
        while len(self._held) < 5 or len(self._held) < 1 + struct.unpack("!I", self._held[1:5])[0]:
            try:
                chunk = self.socket.recv(65536)
            except ConnectionResetError:
                chunk = b""
            if not chunk:
                return None
            self._held += chunk
        length = struct.unpack("!I", self._held[1:5])[0]
        found = Message(chr(self._held[0]), self._held[5 : 1 + length])
        self._held = self._held[1 + length :]
        return found

    def upto(self, kind: str) -> list[Message]:
        """Messages up to the first of *kind*, or to the end of the connection."""
        found: list[Message] = []
        while (message := self.read()) is not None:
            found.append(message)
            if message.kind == kind:
                break
        return found

    def rest(self) -> list[Message]:
        """Everything up to the end of the connection."""
        return self.upto("")


def errors(found: list[Message]) -> list[str]:
    """The SQLSTATEs of the errors among messages."""
    return [m.sqlstate for m in found if m.kind == "E"]
