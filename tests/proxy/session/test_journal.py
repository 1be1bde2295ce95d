"""What would have been committed, and what a rollback takes out of it."""

from __future__ import annotations

from devinprod_proxy.session.journal import Entry, Journal


def entry(verb: str, rows: int = 1, table: str = "public.t", client: int = 1) -> Entry:
    return Entry("id", "at", client, verb, table, rows, f"{verb} ...")


def test_counts_per_table() -> None:
    journal = Journal()
    for one in (
        entry("INSERT", 2),
        entry("COPY", 3),
        entry("UPDATE", 4),
        entry("DELETE", 5),
        entry("TRUNCATE", 0),
    ):
        journal.add(one)
    journal.add(entry("UPDATE", 1, "shop.other"))
    first, second = journal.tables()
    assert first == {
        "schema": "public",
        "table": "t",
        "inserted": 5,
        "updated": 4,
        "deleted": 5,
        "truncated": True,
    }
    assert (second["schema"], second["table"], second["updated"]) == ("shop", "other", 1)
    assert journal.rows == 15
    assert not journal.exact, "how many rows TRUNCATE took is not known"


def test_a_rollback_undoes_what_came_after_its_savepoint() -> None:
    journal = Journal()
    journal.add(entry("INSERT"))
    outer = journal.position
    journal.add(entry("UPDATE"))
    inner = journal.position
    journal.add(entry("DELETE"))
    assert [e.verb for e in journal.undo_to(inner)] == ["DELETE"]
    assert [e.verb for e in journal.undo_to(outer)] == ["UPDATE"]
    assert journal.undo_to(outer) == []
    assert [e.verb for e in journal.entries] == ["INSERT"]
    assert [e.undone for e in journal.undone] == [True, True]
    assert journal.dirty
    journal.clear()
    assert not journal.dirty


def test_what_was_undone_is_not_kept_for_ever() -> None:
    journal = Journal()
    for _ in range(1000):
        journal.add(entry("INSERT"))
    journal.clear()
    assert len(journal.undone) == 200
