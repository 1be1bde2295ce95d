"""How does each client keep its own settings on one shared backend?

The proxy holds what each client has set, and what upstream has applied. Before a client's batch
runs, the difference is applied (findings of PostgreSQL's own rules: SET is undone by ROLLBACK TO,
SET LOCAL outlives RELEASE, so neither can be left to the backend). Names are lower case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

VIRTUAL: Final = frozenset(
    {
        "transaction_timeout",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "default_transaction_isolation",
        "default_transaction_read_only",
        "default_transaction_deferrable",
        "client_min_messages",
        "tcp_keepalives_idle",
        "tcp_keepalives_interval",
        "tcp_keepalives_count",
        "tcp_user_timeout",
        "synchronous_commit",
    }
)
"""Remembered and shown, never sent: upstream they would end, blind or not concern the world."""

CLAMPED: Final = frozenset({"statement_timeout", "lock_timeout"})
"""Sent, but never above the session's limit (0 would mean none)."""

PINNED: Final = {
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "row_security": "on",
    "backslash_quote": "safe_encoding",
}
"""How SQL text is read must be how the proxy reads it: only the value in force is accepted."""

DEFAULTS: Final = {
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "client_min_messages": "notice",
    "synchronous_commit": "on",
}

REPORTED: Final = {
    "client_encoding": "client_encoding",
    "datestyle": "DateStyle",
    "timezone": "TimeZone",
    "intervalstyle": "IntervalStyle",
    "application_name": "application_name",
    "search_path": "search_path",
    "standard_conforming_strings": "standard_conforming_strings",
    "default_transaction_read_only": "default_transaction_read_only",
}
"""Settings that ParameterStatus reports (manual, 54.2.7), by the name it reports them under."""

CODECS: Final = {
    "UTF8": "utf-8",
    "UNICODE": "utf-8",
    "SQLASCII": "utf-8",
    "LATIN1": "latin-1",
    "ISO88591": "latin-1",
    "ISO88592": "iso8859-2",
    "ISO885915": "iso8859-15",
    "LATIN2": "iso8859-2",
    "LATIN9": "iso8859-15",
    "WIN1250": "cp1250",
    "WIN1251": "cp1251",
    "WIN1252": "cp1252",
    "KOI8R": "koi8-r",
    "KOI8U": "koi8-u",
    "EUCJP": "euc_jp",
    "EUCKR": "euc_kr",
}
"""Client encodings in which every ASCII byte is ASCII, so that text cannot be misread. Others: 22023."""

_UNITS: Final = {"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_INTEGER: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.ASCII)


def milliseconds(value: str) -> float | None:
    """A time setting's value in milliseconds (manual, 20.1.1); None if it is not one.

    >>> milliseconds("5s"), milliseconds("250"), milliseconds("x")
    (5000.0, 250.0, None)
    """
    match = _INTEGER.fullmatch(value)
    if match is None or (match[2] and match[2] not in _UNITS):
        return None
    return float(match[1]) * _UNITS.get(match[2] or "ms", 1)


def clamp(value: str, limit_seconds: float) -> str:
    """The value to apply for a timeout the client set: its own, or the limit if that is shorter."""
    asked = milliseconds(value)
    limit = limit_seconds * 1000
    if asked is None:
        return value  # upstream says what is wrong with it
    return f"{int(asked)}ms" if 0 < asked < limit else f"{int(limit)}ms"


@lru_cache
def codec_of(encoding: str) -> str | None:
    """Python's codec for a client_encoding, or None where it cannot be read safely.

    PostgreSQL compares encoding names by their letters and digits alone.

    >>> codec_of("'utf-8'"), codec_of("SJIS")
    ('utf-8', None)
    """
    return CODECS.get("".join(c for c in encoding.upper() if c.isalnum() and c.isascii()))


def is_on(value: str) -> bool:
    """A boolean setting's value."""
    return value.strip().lower() in ("on", "true", "yes", "1", "t", "y")


def difference(applied: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What to set and what to reset so that upstream has what a client wants.

    >>> difference({"timezone": "UTC", "x": "1"}, {"timezone": "CET"})
    ({'timezone': 'CET'}, ['x'])
    """
    to_set = {name: value for name, value in wanted.items() if applied.get(name) != value}
    return to_set, [name for name in applied if name not in wanted]


@lru_cache(256)
def search_path_of(value: str) -> tuple[str, ...]:
    """The schemas of a search_path value (manual, 5.10.3): quoted names, ``$user`` left in.

    >>> search_path_of('"$user", public, "A b"')
    ('$user', 'public', 'A b')
    """
    names: list[str] = []
    for match in re.finditer(r'\s*(?:"((?:[^"]|"")*)"|([^,"]*))\s*(?:,|$)', value):
        quoted, plain = match[1], match[2]
        if quoted is not None:
            names.append(quoted.replace('""', '"'))
        elif plain.strip():
            names.append(plain.strip().lower())
    return tuple(names)
