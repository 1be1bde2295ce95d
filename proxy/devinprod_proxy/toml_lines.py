"""On which line of a TOML file does a key stand?

``tomllib`` forgets lines once a text is parsed, and a message without one sends its reader searching.
Instead of a second TOML parser this asks the first one: a key stands right behind the longest prefix
of lines that is valid TOML and does not have the key yet.  (Inside a value of several lines no prefix
is valid, so such a value is reported where it begins.)  Only errors pay for it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

_AT = re.compile(r" ?\(at (?:line (\d+), column (\d+)|end of document)\)$")


def line_of(text: str, path: Sequence[str]) -> int | None:
    """The line (from 1) where the key *path* of the valid document *text* begins, None if it has none.

    >>> line_of('[limits]\\nidle = "1s"\\n', ["limits", "idle"])
    2
    """
    lines = text.splitlines(keepends=True)
    without = 0
    for count in range(1, len(lines) + 1):
        has = _has("".join(lines[:count]), path)
        if has:
            return without + 1
        if has is False:
            without = count
    return None


def syntax_error(error: tomllib.TOMLDecodeError, text: str) -> tuple[str, int]:
    """The message of a parse error without its place, and the line it is on.

    >>> try:
    ...     _ = tomllib.loads("a = 1\\nb = ")
    ... except tomllib.TOMLDecodeError as error:
    ...     syntax_error(error, "a = 1\\nb = ")[1]
    2
    """
    message = str(error)
    place = _AT.search(message)
    if place is None:
        return message, 1
    end = max(1, len(text.splitlines()))
    return message[: place.start()], int(place[1]) if place[1] else end


def _has(prefix: str, path: Sequence[str]) -> bool | None:
    """Whether *prefix* holds the key; None when it is not TOML (cut inside a value)."""
    try:
        node: object = tomllib.loads(prefix)
    except tomllib.TOMLDecodeError:
        return None
    for name in path:
        if not isinstance(node, dict) or name not in node:
            return False
        node = node[name]
    return True
