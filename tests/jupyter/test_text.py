"""What the commands say, word for word."""

from __future__ import annotations

from typing import Any

import pytest

from devinprod_jupyter import text

SESSION: dict[str, Any] = {
    "name": "checkout-bug",
    "user": "demo",
    "role": "developer",
    "target": "shop",
    "kind": "subscriber",
    "state": "clean",
    "lost_reason": None,
    "age_s": 900.0,
    "lag_s": 0.2,
    "changes": [],
    "change_count": 0,
    "masked_columns": 9,
    "columns": 61,
    "limits": {
        "people": {"used": 0, "limit": 500, "per": "day"},
        "lookups": {"used": 1, "limit": 30, "per": "hour"},
        "idle": {"seconds_left": 1700.0, "limit": 1800.0},
        "age": {"seconds_left": 27_900.0, "limit": 28_800.0},
    },
}
TABLES = [
    {"schema": "public", "table": "payments", "inserted": 1, "updated": 2, "deleted": 0, "truncated": False},
    {"schema": "ledger", "table": "entries", "inserted": 0, "updated": 0, "deleted": 0, "truncated": True},
]


def test_connected() -> None:
    assert text.connected(SESSION).splitlines() == [
        "● checkout-bug   shop (subscriber copy, 0.2 s behind)   as demo, role developer",
        "  Nothing that you do here can be committed. 9 of 61 columns are masked."
        " Budget: 500 people today, 0 used.",
        "  Next: %%devsql, or %devinprod use PACKAGE",
    ]


def test_joining_one_with_changes_says_so() -> None:
    said = text.connected({**SESSION, "change_count": 3}, ["shop_service"])
    assert "  It has been open for 15 min and has changes: %devinprod changes." in said
    assert said.endswith("  Next: %%devsql")


def test_status_of_a_clean_a_changed_and_a_lost_session() -> None:
    clean = text.status(SESSION).splitlines()
    assert clean[2] == "  clean; open for 15 min; ends after 30 min idle; at the latest in 8 h."
    assert clean[3] == "  Used: 0 of 500 people a day, 1 of 30 lookups an hour."
    changed = text.status({**SESSION, "state": "dirty", "changes": TABLES}, ["shop_service"])
    assert "  changed: payments, ledger.entries; open for" in changed
    assert "  Your code: shop_service; its database connections" not in changed
    assert "  Your code: shop_service; its connections go to checkout-bug." in changed
    assert changed.endswith("  Next: %devinprod changes, or %devinprod reset")
    lost = text.status({**SESSION, "state": "lost", "lost_reason": "the proxy was restarted"})
    assert "  LOST: the proxy was restarted. What you did in it is gone; nothing was committed." in lost
    assert lost.endswith("  Next: %devinprod connect checkout-bug opens it anew.")


def test_changes() -> None:
    assert text.changes({"session": "checkout-bug", "exact": True, "tables": TABLES}).splitlines() == [
        "checkout-bug: 2 tables changed since it began",
        "  payments         +1  ~2  -0",
        "  ledger.entries   +0  ~0  -0  truncated",
        "  Only in this session. Next: %devinprod reset drops it.",
    ]
    assert text.changes({"session": "x", "tables": []}) == "x: nothing changed since it began."
    assert "approximately" in text.changes({"session": "x", "exact": False, "tables": TABLES})


def test_reset_and_end() -> None:
    lost = {"statements": 3, "rows": 1}
    assert text.reset("x", {"ms": 12.1, "lost": lost}) == (
        "x is back as it began, 12 ms. Dropped: 3 statements, 1 changed row."
    )
    journal = [{}] * 12
    assert text.ended("checkout-bug", {"statements": 41, "rows_changed": 5, "journal": journal}) == (
        "checkout-bug ended: 41 statements, 5 rows would have changed, nothing was committed.\n"
        "  Kept for you: journal (12 statements) with %devinprod journal."
    )
    assert "Kept" not in text.ended("x", {"statements": 1, "rows_changed": 0, "journal": []})


@pytest.mark.parametrize(
    ("tag", "rows", "said"),
    [
        ("UPDATE 3", 3, "UPDATE: 3 rows, in this session only."),
        ("INSERT 0 1", 1, "INSERT: 1 row, in this session only."),
        ("CREATE TABLE", 0, "CREATE TABLE: done, in this session only."),
        ("BEGIN", 0, "BEGIN."),
        ("COMMIT", 0, "COMMIT. Your transaction ended; nothing was committed to production."),
    ],
)
def test_statements_without_a_result(tag: str, rows: int, said: str) -> None:
    assert text.tag_line(tag, rows) == said


def test_no_exclamation_marks_and_no_secrets_in_the_words() -> None:
    from devinprod_jupyter.options import help_text

    words = help_text() + text.status(SESSION) + text.connected(SESSION)
    assert "!" not in words
    assert "oops" not in words.lower()
