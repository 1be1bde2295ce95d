"""How is a string written in SQL?  standard_conforming_strings is pinned on upstream."""

from __future__ import annotations

import re


def literal(text: str) -> str:
    """A string constant.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name, in double quotes unless it is plain lower case.

    >>> identifier("Weird")
    '"Weird"'
    """
    if re.fullmatch(r"[a-z_][a-z0-9_$]*", name):
        return name
    return '"' + name.replace('"', '""') + '"'
