"""Which session is this notebook in?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from devinprod_jupyter.control import Control
    from devinprod_jupyter.settings import Place
    from devinprod_jupyter.wire import Wire

__all__ = ["Joined"]


@dataclass
class Joined:
    """The session that this notebook is in, and the two ways to it: the control API and the wire."""

    name: str
    place: Place
    control: Control = field(repr=False)
    wire: Wire = field(repr=False)
    session: dict[str, Any] = field(repr=False)

    def close(self) -> None:
        """Leave it. It stays open at the proxy."""
        self.wire.close()
        self.control.close()
