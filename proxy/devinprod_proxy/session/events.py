"""What happened?  Events are the only way in which a world learns of anything (past tense).

Times are seconds of a monotonic clock, read once by the server when it hands the event over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from devinprod_proxy.pgwire.codec import Frame, Rows


@dataclass(frozen=True, slots=True)
class ClientJoined:
    """A client logged in and wants this world. ``settings``: from its startup packet, unjudged."""

    client: int
    label: str
    """``psycopg 127.0.0.1:40112``: how this connection is called in errors and in the record."""
    settings: Mapping[str, str]
    key_data: bytes = b""
    """BackendKeyData as the server made it for this client, sent as part of the welcome."""
    annotate: bool = False
    """It asked to be told which result columns are masked (``devinprod.annotate``)."""


@dataclass(frozen=True, slots=True)
class ClientSent:
    """Whole protocol messages of one client, in order."""

    client: int
    items: list[Frame | Rows]


@dataclass(frozen=True, slots=True)
class ClientLeft:
    """The client terminated, or its connection broke."""

    client: int


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """A CancelRequest carried this client's key."""

    client: int


@dataclass(frozen=True, slots=True)
class CancelDelivered:
    """Upstream has taken the CancelRequest that CancelUpstream sent."""


@dataclass(frozen=True, slots=True)
class UpstreamOpened:
    """The upstream connection is logged in. ``parameters``: what it reported."""

    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UpstreamReceived:
    """Whole protocol messages of upstream, in order."""

    items: list[Frame | Rows]


@dataclass(frozen=True, slots=True)
class UpstreamLost:
    """The upstream connection failed, could not be opened, or was closed. ``reason`` is for people."""

    reason: str
    sqlstate: str = "57P01"


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer set by SetTimer has run out."""

    name: str


@dataclass(frozen=True, slots=True)
class AuditFailed:
    """A Record could not be written; the commands behind it in the same list were not performed."""

    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class OpenAsked:
    """The control API wants the world open, before any client comes."""


@dataclass(frozen=True, slots=True)
class ResetAsked:
    """The owner (or a limit, named in ``reason``) wants the world rolled back to a fresh one."""

    reason: str
    by_owner: bool = True


@dataclass(frozen=True, slots=True)
class EndAsked:
    """The session is to end: the world is rolled back and every client is let go."""

    reason: str
    by_owner: bool = True


Event = (
    ClientJoined
    | ClientSent
    | ClientLeft
    | CancelAsked
    | CancelDelivered
    | UpstreamOpened
    | UpstreamReceived
    | UpstreamLost
    | TimerFired
    | AuditFailed
    | OpenAsked
    | ResetAsked
    | EndAsked
)
