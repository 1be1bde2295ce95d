"""Which columns of a result are masked, as the proxy says with each result?

A mark is plain data (it travels in ``DataFrame.attrs``, which pandas copies, compares and writes to Parquet).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["SQLSTATE", "Mark", "Marks", "from_notice", "named", "title"]

#: The NOTICE by which the proxy annotates a result for a client that asked for it.
SQLSTATE = "01DP1"

Mark = dict[str, Any]
#: By column name; straight off the wire also by position.
Marks = dict[str, Mark]


def from_notice(detail: str) -> Marks:
    """The marks in the DETAIL of the proxy's notice, by position ("1", "2", ...).

    >>> from_notice('{"marks": [{"position": 2, "name": "email", "mask": "email"}]}')
    {'2': {'mask': 'email', 'domain': None, 'source': None}}
    """
    try:
        said = json.loads(detail)["marks"]
    except (ValueError, KeyError, TypeError):
        return {}
    return {
        str(mark["position"]): {
            "mask": mark.get("mask"),
            "domain": mark.get("domain"),
            "source": mark.get("source"),
        }
        for mark in said
    }


def named(by_position: Mapping[str, Mark], names: Sequence[str]) -> Marks:
    """Marks by position as marks by column name.

    >>> named({"2": {"mask": "email"}}, ["id", "email"])
    {'email': {'mask': 'email'}}
    """
    return {name: dict(by_position[str(at)]) for at, name in enumerate(names, 1) if str(at) in by_position}


def title(mark: Mapping[str, Any]) -> str:
    """What hovering over a masked column says.

    >>> title({"mask": "email", "domain": "email"})
    'masked: email (domain email)'
    """
    domain = mark.get("domain")
    return f"masked: {mark.get('mask') or 'closed'}" + (f" (domain {domain})" if domain else "")
