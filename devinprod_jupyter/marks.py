"""Which columns of a result are masked, as the proxy says with each result?

A mark is plain data (it travels in ``DataFrame.attrs``, which pandas copies, compares and writes to Parquet).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["SQLSTATE", "Mark", "Marks", "from_notice", "title"]

#: The NOTICE by which the proxy annotates a result for a client that asked for it.
SQLSTATE = "01DP1"

Mark = dict[str, Any]
#: By column name: where a result has a name twice, both columns count as masked.
Marks = dict[str, Mark]


def from_notice(detail: str) -> Marks:
    """The marks in the DETAIL of the proxy's notice.

    >>> from_notice('{"marks": [{"name": "email", "mask": "email"}]}')
    {'email': {'mask': 'email', 'domain': None, 'source': None}}
    """
    try:
        said = json.loads(detail)["marks"]
        return {
            str(mark["name"]): {key: mark.get(key) for key in ("mask", "domain", "source")} for mark in said
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def title(mark: Mapping[str, Any]) -> str:
    """What hovering over a masked column says.

    >>> title({"mask": "email", "domain": "email"})
    'masked: email (domain email)'
    """
    domain = mark.get("domain")
    return f"masked: {mark.get('mask') or 'closed'}" + (f" (domain {domain})" if domain else "")
