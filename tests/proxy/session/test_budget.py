"""Pace slows down, people and lookups block."""

from __future__ import annotations

import pytest
from devinprod_proxy.session.budget import Budget, _wait
from devinprod_proxy.session.limits import Limits
from hypothesis import given
from hypothesis import strategies as st

ANN = ("ann", "developer")


def test_statements_run_until_the_limit_and_then_wait() -> None:
    budget = Budget(Limits(statements_per_minute=10))
    assert [budget.throttle_statements(*ANN) for _ in range(10)] == [0.0] * 10
    waits = [budget.throttle_statements(*ANN) for _ in range(5)]
    assert all(0 < wait <= 120 for wait in waits)
    assert budget.throttle_statements("bob", "developer") == 0
    assert budget.remaining(*ANN)["statements"] == {"used": 15, "limit": 10, "per": "minute"}


def test_rows_and_bytes_are_paid_for_afterwards() -> None:
    budget = Budget(Limits(rows_per_minute=1000, bytes_per_minute=10_000))
    assert budget.throttle_rows(*ANN, 1000, 10_000) == 0
    assert budget.throttle_rows(*ANN, 0, 1) > 0
    assert budget.throttle_rows("bob", "developer", 5_000_000, 0) > 60
    assert budget.throttle_rows("cat", "developer", 0, 0) == 0


def test_a_person_counts_once_a_day() -> None:
    budget = Budget(Limits(subjects_per_day=3))
    assert budget.people(*ANN, ["1", "2", "1"]) is None
    assert budget.people(*ANN, ["2", "1"]) is None
    assert budget.people_left(*ANN) == 1
    refusal = budget.people(*ANN, ["1", "3", "4"])
    assert refusal is not None
    assert (refusal.sqlstate, refusal.whose) == ("53400", "client")
    assert refusal.message == "this would show data of 2 more people; 2 of 3 were looked at today"
    assert "starts anew at 2" in (refusal.hint or "")
    assert budget.people(*ANN, ["3"]) is None, "a refusal counts nobody"
    assert budget.people_anonymous(*ANN, 1) is not None
    assert budget.people_anonymous(*ANN, 0) is None
    assert budget.people(*ANN, ["1", "2", "3"]) is None, "known people can always be seen again"
    assert budget.people("bob", "developer", ["1"]) is None


def test_anonymous_people_count_each_time() -> None:
    budget = Budget(Limits(subjects_per_day=5))
    assert budget.people_anonymous(*ANN, 3) is None
    assert budget.people_anonymous(*ANN, 3) is not None
    people = budget.remaining(*ANN)["people"]
    assert (people["used"], people["limit"], people["per"]) == (3, 5, "day")
    assert str(people["resets_at"]).endswith("Z")


def test_lookups_block() -> None:
    budget = Budget(Limits(lookups_per_hour=2))
    assert budget.lookup(*ANN) is None
    assert budget.lookup(*ANN) is None
    refusal = budget.lookup(*ANN)
    assert refusal is not None
    assert "2 of 2" in refusal.message
    assert budget.remaining(*ANN)["lookups"] == {"used": 2, "limit": 2, "per": "hour"}
    none = Budget(Limits(lookups_per_hour=0))
    assert none.lookup(*ANN) is not None
    assert none.remaining(*ANN)["lookups"]["used"] == 0


def test_a_role_has_its_own_limits() -> None:
    budget = Budget(Limits(subjects_per_day=1), {"support": Limits(subjects_per_day=2)})
    assert budget.people("ann", "support", ["1", "2"]) is None
    assert budget.people("bob", "developer", ["1", "2"]) is not None
    assert budget.limits_for("support").subjects_per_day == 2


@given(
    before=st.integers(0, 10**6),
    now=st.integers(0, 10**6),
    elapsed=st.floats(0, 59.9),
    limit=st.integers(1, 10**5),
)
def test_after_the_wait_the_window_is_down_to_the_limit(
    before: int, now: int, elapsed: float, limit: int
) -> None:
    wait = _wait(before, 60 - elapsed, now, 120 - elapsed, 60, limit)
    assert 0 <= wait <= 120
    later = elapsed + wait
    # The same weighing, at that later moment, worked out from the start.
    used = before * (60 - later) / 60 + now if later < 60 else now * (120 - later) / 60
    if wait:
        assert used == pytest.approx(limit, rel=1e-6, abs=1e-3)
    else:
        assert used <= limit
