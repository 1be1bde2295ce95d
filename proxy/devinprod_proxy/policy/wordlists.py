"""What do the lists of this folder say?  Each is text that a reviewer reads; this reads it too.

A list has sections ``[name]`` and words; ``#`` begins a comment. They are package data, read once
at import.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files


def sections(text: str) -> Mapping[str, frozenset[str]]:
    """The words of each section; words before any section are under ``""``.

    >>> sorted(sections("a b # c\\n[x]\\nd")[""])
    ['a', 'b']
    """
    found: dict[str, set[str]] = {}
    section = ""
    for line in text.splitlines():
        line = line.split("#", 1)[0].strip()
        head = re.fullmatch(r"\[(.+)\]", line)
        if head:
            section = head[1]
        elif line:
            found.setdefault(section, set()).update(line.split())
    return {name: frozenset(words) for name, words in found.items()}


def read(name: str) -> str:
    """The text of one list of this folder."""
    return files("devinprod_proxy.policy").joinpath(name).read_text(encoding="utf-8")
