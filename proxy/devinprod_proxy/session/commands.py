"""What is to be done?  Commands are all that a world can make happen (imperative).

They are performed strictly in the order of the list. Rule: a Record stands before the
SendUpstream that it speaks of; if it cannot be written, nothing behind it is performed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SendToClient:
    """Write whole protocol messages to one client."""

    client: int
    data: bytes


@dataclass(frozen=True, slots=True)
class CloseClient:
    """Let a client go, once what was written has been flushed."""

    client: int


@dataclass(frozen=True, slots=True)
class OpenUpstream:
    """Log in to the target. Answered by UpstreamOpened or UpstreamLost."""


@dataclass(frozen=True, slots=True)
class SendUpstream:
    """Write protocol messages upstream. Made only by ``session.upstream``, from ServerSql."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CloseUpstream:
    """Drop the upstream connection: whatever it had not committed, which is all, is gone."""


@dataclass(frozen=True, slots=True)
class CancelUpstream:
    """Send a CancelRequest for what upstream runs now. Answered by CancelDelivered."""


@dataclass(frozen=True, slots=True)
class Record:
    """Append one record to the audit file. ``promised``: must be written before what follows."""

    fields: Mapping[str, object]
    promised: bool = True


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Let TimerFired come after ``seconds``; a timer of the same name is replaced."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StopTimer:
    """Forget a timer."""

    name: str


@dataclass(frozen=True, slots=True)
class PauseUpstream:
    """Read nothing from upstream for ``seconds``: the rows-per-minute limit slows a client down."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Publish:
    """Tell the control API's listeners that something changed."""

    topic: str
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorldEnded:
    """Nothing is left: the server forgets this world."""


Command = (
    SendToClient
    | CloseClient
    | OpenUpstream
    | SendUpstream
    | CloseUpstream
    | CancelUpstream
    | Record
    | SetTimer
    | StopTimer
    | PauseUpstream
    | Publish
    | WorldEnded
)
