"""Where does a world stand?"""

from __future__ import annotations

from enum import Enum, auto


class State(Enum):
    """Where the upstream connection of a world stands."""

    CLOSED = auto()
    OPENING = auto()
    PREPARING = auto()
    OPEN = auto()
    ENDED = auto()
