"""What is wrong, how bad is it, and what is to be done about it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["blocks", "warns", "notes"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: *what* it is, and what to *do*.

    ``blocks``: sessions are wrong or dangerous while it is so.  ``warns``: somebody should look.
    ``notes``: worth knowing.
    """

    level: Level
    what: str
    do: str = ""


def some(names: list[str], most: int = 5) -> str:
    """A few names, and how many more there are.

    >>> some(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
