"""How much has a developer already done, and what does that mean for the next statement?

Statements, rows and bytes per minute slow down: what was asked for always runs, later.  People per
day and lookups per hour block.  The counters are those of the library ``limits``, which also keeps
the clock; who was already counted today is kept here, as hashes, never as keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import (
    FixedWindowRateLimiter,
    MovingWindowRateLimiter,
    SlidingWindowCounterRateLimiter,
)

from devinprod_proxy.errors import Refusal
from devinprod_proxy.session.limits import Limits

# The pacing counters must take what goes over the limit too (it is paid for by waiting), so the
# library is given a limit that is never reached, and the real one is applied to its count.
_ANY = 1 << 62
_STATEMENTS = RateLimitItemPerMinute(_ANY, namespace="statements")
_ROWS = RateLimitItemPerMinute(_ANY, namespace="rows")
_BYTES = RateLimitItemPerMinute(_ANY, namespace="bytes")
_PEOPLE = RateLimitItemPerDay(_ANY, namespace="people")


class Budget:
    """The counters of every user of one proxy.

    >>> budget = Budget(Limits(subjects_per_day=1))
    >>> budget.people("ann", "developer", ["7"]), budget.people("ann", "developer", ["7"])
    (None, None)
    >>> budget.people("ann", "developer", ["8"]).sqlstate
    '53400'
    """

    def __init__(self, limits: Limits, role_limits: Mapping[str, Limits] | None = None) -> None:
        self._limits, self._role_limits = limits, role_limits or {}
        storage = MemoryStorage()
        self._pace = SlidingWindowCounterRateLimiter(storage)
        self._pace_state = storage.get_sliding_window
        self._day = FixedWindowRateLimiter(storage)
        self._hour = MovingWindowRateLimiter(storage)
        self._seen: defaultdict[str, set[int]] = defaultdict(set)
        self._untold: dict[tuple[str, str], int] = {}
        self._level: dict[tuple[str, str], float] = {}

    def limits_for(self, role: str) -> Limits:
        """The limits of one role."""
        return self._role_limits.get(role, self._limits)

    def throttle_statements(self, user: str, role: str, count: int = 1) -> float:
        """Count statements that are about to run; how many seconds they have to wait first."""
        return self._throttle(_STATEMENTS, user, count, self.limits_for(role).statements_per_minute)

    def throttle_rows(self, user: str, role: str, rows: int, nbytes: int) -> float:
        """Count rows and bytes that have come; how many seconds the next ones have to wait."""
        limits = self.limits_for(role)
        wait = self._throttle(_ROWS, user, rows, limits.rows_per_minute) if rows else 0.0
        if not nbytes:
            return wait
        return max(wait, self._throttle(_BYTES, user, nbytes, limits.bytes_per_minute))

    def people(self, user: str, role: str, keys: Iterable[str]) -> Refusal | None:
        """Count the people behind *keys*, each once a day; a refusal (53400) counts none of them."""
        hashes = {hash(key) for key in keys}
        if self._used(user) == 0:
            self._seen[user].clear()
        fresh = hashes - self._seen[user]
        refusal = self._count(user, role, len(fresh))
        if refusal is None:
            self._seen[user] |= fresh
        return refusal

    def people_anonymous(self, user: str, role: str, count: int) -> Refusal | None:
        """Count *count* people whose keys are not known; a refusal (53400) counts none of them."""
        if self._used(user) == 0:
            self._seen[user].clear()
        return self._count(user, role, count)

    def people_left(self, user: str, role: str) -> int:
        """How many more people may be looked at today."""
        return max(0, self.limits_for(role).subjects_per_day - self._used(user))

    def lookup(self, user: str, role: str) -> Refusal | None:
        """Count one search for a real value; a refusal (53400) when the hour's are spent."""
        limit = self.limits_for(role).lookups_per_hour
        if limit and self._hour.hit(_lookups(limit), user):
            return None
        hint = "Search by a masked value or a key instead, or later. "
        return Refusal(
            "53400",
            f"all lookups of this hour are spent ({limit} of {limit})",
            hint=hint + _WHO_MAY.format("lookups_per_hour", role),
        )

    def remaining(self, user: str, role: str) -> dict[str, dict[str, object]]:
        """What is used of each limit, as the control API shows it.

        >>> Budget(Limits()).remaining("ann", "developer")["people"]
        {'used': 0, 'limit': 500, 'per': 'day', 'resets_at': None}
        """
        limits = self.limits_for(role)
        people = self._used(user)
        lookups = 0
        if limits.lookups_per_hour:
            item = _lookups(limits.lookups_per_hour)
            lookups = limits.lookups_per_hour - self._hour.get_window_stats(item, user).remaining
        return {
            "people": {
                "used": people,
                "limit": limits.subjects_per_day,
                "per": "day",
                "resets_at": self._people_reset(user) if people else None,
            },
            "statements": self._shown(_STATEMENTS, user, limits.statements_per_minute),
            "rows": self._shown(_ROWS, user, limits.rows_per_minute),
            "bytes": self._shown(_BYTES, user, limits.bytes_per_minute),
            "lookups": {"used": lookups, "limit": limits.lookups_per_hour, "per": "hour"},
        }

    # ---------------------------------------------------------------- pacing

    def _throttle(self, item: RateLimitItem, user: str, count: int, limit: int) -> float:
        # The library's count costs more than many a statement: far from the limit it is told in sums
        # of a thousandth.
        key = (item.namespace, user)
        count += self._untold.pop(key, 0)
        if count * 1000 < limit and self._level.get(key, 0.0) + count < limit:
            self._untold[key] = count
            return 0.0
        self._pace.hit(item, user, cost=count)
        before, before_left, now, now_left, length = self._window(item, user)
        self._level[key] = before * before_left / length + now
        return _wait(before, before_left, now, now_left, length, limit)

    def _window(self, item: RateLimitItem, user: str) -> tuple[float, float, float, float, float]:
        before, before_left, now, now_left = self._pace_state(item.key_for(user), item.get_expiry())
        return before, before_left, now, now_left, item.get_expiry()

    def _shown(self, item: RateLimitItem, user: str, limit: int) -> dict[str, object]:
        before, before_left, now, _, length = self._window(item, user)
        used = int(before * before_left / length + now) + self._untold.get((item.namespace, user), 0)
        return {"used": used, "limit": limit, "per": "minute"}

    # ---------------------------------------------------------------- people

    def _used(self, user: str) -> int:
        return self._day.storage.get(_PEOPLE.key_for(user))

    def _people_reset(self, user: str) -> str:
        at = self._day.get_window_stats(_PEOPLE, user).reset_time
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    def _count(self, user: str, role: str, count: int) -> Refusal | None:
        if count == 0:
            return None
        limit, used = self.limits_for(role).subjects_per_day, self._used(user)
        if used + count <= limit:
            self._day.hit(_PEOPLE, user, cost=count)
            return None
        anew = f"The count starts anew at {self._people_reset(user)}. " if used else ""
        return Refusal(
            "53400",
            f"this would show data of {count} more {'person' if count == 1 else 'people'}; "
            f"{used} of {limit} were looked at today",
            hint=f"Narrow the statement to fewer people. {anew}{_WHO_MAY.format('subjects_per_day', role)}",
        )


_WHO_MAY = "The operator of devinprod can raise limits.{} for the role {}."


def _lookups(limit: int) -> RateLimitItem:
    return RateLimitItemPerHour(limit, namespace="lookups")


def _wait(before: float, before_left: float, now: float, now_left: float, length: float, limit: int) -> float:
    """Seconds until a sliding window is down to *limit*.

    The window weighs the minute before by the part of it that is still inside (``before_left``) and
    the running one in full (``now_left`` includes the whole minute in which it will be the one before).
    """
    over = before * before_left / length + now - limit
    if over <= 0:
        return 0.0
    if now <= limit:
        return over / before * length
    # Even without the minute before it is too much: it has to become the one before, and fade.
    return (now_left - length) + length * (1 - limit / now)
