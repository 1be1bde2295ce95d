"""Which of the server's words reach a client."""

from __future__ import annotations

import pytest
from devinprod_proxy.session.error_text import WITHHELD, for_client

SECRET = "ann@example.org"


def fields(code: str, message: str, **more: str) -> dict[str, str]:
    return {"S": "ERROR", "V": "ERROR", "C": code, "M": message, "F": "x.c", "L": "1", "R": "f", **more}


def test_without_masks_everything_but_the_source_passes() -> None:
    shown = for_client(fields("22P02", f"bad: {SECRET}", D="d", W="w", P="3"), masked=False)
    assert shown == {
        "S": "ERROR",
        "V": "ERROR",
        "C": "22P02",
        "M": f"bad: {SECRET}",
        "D": "d",
        "W": "w",
        "P": "3",
    }


@pytest.mark.parametrize(
    "given",
    [
        fields("22P02", f'invalid input syntax for type integer: "{SECRET}"'),
        fields("23505", f'duplicate key value violates unique constraint "u" {SECRET}', n="u", t="t"),
        fields("23505", f'duplicate key value violates unique constraint "{SECRET}"', n="u", t="t"),
        fields("23514", SECRET, n="c", t="t"),
        fields("P0001", SECRET),
        fields("42501", SECRET, W="PL/pgSQL function f() line 1 at RAISE"),
        fields("XX000", SECRET),
    ],
)
def test_texts_that_can_hold_values_are_withheld(given: dict[str, str]) -> None:
    more = {"D": f"Key (email)=({SECRET}) already exists.", "H": SECRET, "q": SECRET}
    shown = for_client({**given, **more}, masked=True)
    assert SECRET not in str(shown)
    assert shown["C"] == given["C"]
    assert shown["M"] == WITHHELD


@pytest.mark.parametrize(
    ("code", "message", "names"),
    [
        ("23505", 'duplicate key value violates unique constraint "u"', {"n": "u", "t": "t"}),
        ("23503", 'insert or update on table "t" violates foreign key constraint "k"', {"n": "k", "t": "t"}),
        (
            "23503",
            'update or delete on table "o" violates foreign key constraint "k" on table "t"',
            {"n": "k", "t": "t"},
        ),
        (
            "23502",
            'null value in column "c" of relation "t" violates not-null constraint',
            {"c": "c", "t": "t"},
        ),
        ("23514", 'new row for relation "t" violates check constraint "k"', {"n": "k", "t": "t"}),
    ],
)
def test_the_servers_own_words_about_constraints_pass(code: str, message: str, names: dict[str, str]) -> None:
    shown = for_client(fields(code, message, D=f"Key (e)=({SECRET})", **names), masked=True)
    assert shown["M"] == message
    assert SECRET not in str(shown)
    assert {k: shown[k] for k in names} == names


def test_names_and_states_pass() -> None:
    shown = for_client(
        fields("42703", 'column "nam" does not exist', H='Perhaps "name".', P="8"), masked=True
    )
    assert (shown["M"], shown["H"], shown["P"]) == ('column "nam" does not exist', 'Perhaps "name".', "8")
