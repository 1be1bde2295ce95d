"""How much may one developer do?  The ``[limits]`` of the configuration as numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Durations are seconds, sizes are bytes.  The defaults are those of the documentation.

    >>> Limits().idle
    1800.0
    """

    max_sessions: int = 50
    idle: float = 1800.0
    max_age: float = 28_800.0
    statement_timeout: float = 60.0
    lock_timeout: float = 5.0
    floor_timeout: float = 10.0
    floor_patience: float = 0.25
    max_blocking: float = 5.0
    statements_per_minute: int = 6000
    rows_per_minute: int = 1_000_000
    bytes_per_minute: int = 1 << 30
    subjects_per_day: int = 500
    lookups_per_hour: int = 30
