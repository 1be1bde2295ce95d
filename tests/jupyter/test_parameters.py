"""Variables in SQL: found by a tokenizer, bound, never pasted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from devinprod_jupyter.errors import ParameterMissing, SqlError, WrongUse
from devinprod_jupyter.parameters import bind, split


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT '1'::int",
        "SELECT ':x'",
        "SELECT E'it\\'s :x'",
        'SELECT 1 AS ":x"',
        "SELECT $$ :x $$, $tag$ :x $tag$",
        "SELECT 1 -- :x",
        "SELECT /* :x /* :x */ :x */ 1",
        "SELECT (ARRAY[1,2,3])[1:2]",
        "SELECT a[lo:hi] FROM t",
        "SELECT a[f(lo):hi] FROM t",
        "SELECT '{\"a\": 1}'::jsonb ->> 'a'",
        "SELECT j @> '{\"a\":1}' AND j ?| array['x'] FROM t",
        "SELECT {x}, $x FROM t",
    ],
)
def test_what_is_no_variable_stays(sql: str) -> None:
    bound = bind(sql, {"x": 1, "hi": 2})
    assert bound.text == sql
    assert bound.values == ()


@pytest.mark.parametrize(
    ("sql", "text", "values"),
    [
        ("SELECT :x", "SELECT $1", [7]),
        ("SELECT :x::text, :x", "SELECT $1::text, $1", [7]),
        ("SELECT :y, :x, :y", "SELECT $1, $2, $1", [8, 7]),
        ("SELECT a=:x, b>:y", "SELECT a=$1, b>$2", [7, 8]),
        ("SELECT data->:x, data @> :y", "SELECT data->$1, data @> $2", [7, 8]),
        ("SELECT a[ :x], a[:y]", "SELECT a[ $1], a[$2]", [7, 8]),
        ("CALL work(:x)", "CALL work($1)", [7]),
        ("SELECT ':x', :x -- :x", "SELECT ':x', $1 -- :x", [7]),
        ("SELECT :größe", "SELECT $1", [9]),
        ("SELECT :order", "SELECT $1", [6]),
        ("SELECT :date, :limit", "SELECT $1, $2", [5, 4]),
    ],
)
def test_variables_are_bound(sql: str, text: str, values: list[Any]) -> None:
    bound = bind(sql, {"x": 7, "y": 8, "größe": 9, "order": 6, "date": 5, "limit": 4})
    assert bound.text == text
    assert list(bound.values) == values


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("SELECT * FROM t WHERE id IN :ids", "SELECT * FROM t WHERE id = ANY($1)"),
        ("SELECT * FROM t WHERE id in (:ids) AND b", "SELECT * FROM t WHERE id = ANY($1) AND b"),
        ("SELECT * FROM t WHERE id NOT  IN ( :ids )", "SELECT * FROM t WHERE id <> ALL($1)"),
        ("SELECT * FROM t WHERE id = ANY(:ids)", "SELECT * FROM t WHERE id = ANY($1)"),
        ("SELECT unnest(:ids)", "SELECT unnest($1)"),
        ("SELECT 1 IN (:one)", "SELECT 1 IN ($1)"),
        ("SELECT 1 IN (:one, 2)", "SELECT 1 IN ($1, 2)"),
    ],
)
def test_lists(sql: str, text: str) -> None:
    assert bind(sql, {"ids": [1, 2], "one": 1}).text == text


def test_an_attack_in_a_value_stays_a_value() -> None:
    bound = bind("SELECT * FROM t WHERE name = :v", {"v": "' OR 1=1 --"})
    assert "OR" not in bound.text
    assert bound.values == ("' OR 1=1 --",)


def test_unknown_names_are_an_error_that_says_so() -> None:
    with pytest.raises(ParameterMissing, match=r":order_ids is no variable") as caught:
        bind("SELECT :order_ids", {"order_id": 1})
    assert caught.value.hint == "Did you mean :order_id?"
    with pytest.raises(ParameterMissing, match=r":a, :b are no variables"):
        bind("SELECT :a, :b, :a", {})


def test_both_kinds_of_placeholders_are_refused() -> None:
    with pytest.raises(WrongUse, match="not both"):
        bind("SELECT :x, $1", {"x": 1})


def test_an_open_string_is_an_error() -> None:
    with pytest.raises(SqlError, match="does not end"):
        bind("SELECT 'abc", {})


def test_positions_point_into_what_was_asked() -> None:
    asked = "SELECT :first_name, wrong, x IN :ids, more"
    bound = bind(asked, {"first_name": "a", "ids": [1]})
    for word in ("wrong", "more"):
        assert bound.position(bound.text.index(word) + 1) == asked.index(word) + 1
    assert bound.position(bound.text.index("$1") + 1) == asked.index(":first_name") + 1
    assert bound.position(None) is None
    assert bound.position(10_000) == len(asked) + 1


def test_values_of_numpy_and_pandas_are_unpacked() -> None:
    def value(given: Any) -> Any:
        return bind("SELECT :x", {"x": given}).values[0]

    assert type(value(np.int64(3))) is int
    assert value(pd.Series([1, 2])) == [1, 2]
    assert value(np.array(["a"])) == ["a"]
    assert value({5}) == [5]
    assert value((1, pd.NA)) == [1, None]
    assert value(pd.NaT) is None


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;", ["SELECT 1"]),
        (";;", []),
        (" -- only a comment", []),
        ("SELECT ';'; SELECT 2 -- ;\n;", ["SELECT ';'", " SELECT 2 -- ;\n"]),
        ("DO $$ BEGIN; END $$; SELECT 1", ["DO $$ BEGIN; END $$", " SELECT 1"]),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC; SELECT 1; END",
            ["CREATE FUNCTION f() RETURNS int BEGIN ATOMIC; SELECT 1; END"],
        ),
    ],
)
def test_splitting(sql: str, statements: list[str]) -> None:
    assert split(sql) == statements
