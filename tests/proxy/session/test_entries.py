"""The statements that upstream knows."""

from __future__ import annotations

from devinprod_proxy.session.entries import Entries, Key


def key(text: str, version: int = 0, path: str = "") -> Key:
    return (text, (), path, version)


def test_a_text_in_another_path_or_catalog_is_another_statement() -> None:
    entries = Entries()
    names = {
        entries.get(k).name
        for k in (key("a"), key("a", 1), key("a", 0, "other"), ("a", (23,), "", 0), key("a"))
    }
    assert len(names) == 4


def test_the_least_used_go_first_and_those_in_use_stay() -> None:
    entries = Entries(limit=2)
    kept = entries.get(key("kept"))
    kept.in_use = 1
    old, new = entries.get(key("old")), entries.get(key("new"))
    assert entries.overflow() == [old]
    assert entries.get(key("new")) is new
    assert entries.get(key("kept")) is kept
    assert entries.get(key("old")) is not old, "under a new name: the old one is about to be closed"


def test_a_statement_that_upstream_does_not_have_is_parsed_again() -> None:
    entries = Entries()
    entry = entries.get(key("a"))
    entry.sent = True
    entries.forget(entry)
    assert not entry.sent
    assert entries.get(key("a")) is not entry


def test_a_new_connection_knows_nothing() -> None:
    entries = Entries()
    entry = entries.get(key("a"))
    entry.sent = entry.described = True
    entries.clear()
    assert not entry.sent
    assert not entry.described
    assert len(entries) == 0
