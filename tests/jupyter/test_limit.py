"""Which queries are wrapped for the limit, and which run as they are."""

from __future__ import annotations

import pytest

from devinprod_jupyter.limit import limited
from devinprod_jupyter.parameters import tokens


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t",
        "SELECT * FROM t; -- all",
        "SELECT * FROM (SELECT 1 LIMIT 5) x",
        "SELECT * FROM t LIMIT 11",
        "SELECT * FROM t LIMIT ALL",
        "SELECT * FROM t LIMIT $1",
        "WITH x AS (SELECT 1) TABLE x",
        "VALUES (1)",
        "(SELECT 1) UNION (SELECT 2)",
        "SELECT substring('a' FOR 1)",
    ],
)
def test_wrapped(sql: str) -> None:
    wrapped = limited(sql, tokens(sql), 10)
    assert wrapped is not None
    assert wrapped.startswith("SELECT * FROM (\n" + sql.partition(";")[0])
    assert wrapped.endswith("\n) AS result LIMIT 11")
    assert ";" not in wrapped


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t LIMIT 10",
        "SELECT * FROM t LIMIT 1 OFFSET 5;",
        "SELECT * FROM t FOR UPDATE",
        "SELECT * INTO copy FROM t",
        "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
        "INSERT INTO t SELECT 1 RETURNING *",
        "UPDATE t SET a = 1 RETURNING *",
        "SHOW search_path",
        "EXPLAIN SELECT 1",
        "BEGIN",
        "",
    ],
)
def test_as_it_is(sql: str) -> None:
    assert limited(sql, tokens(sql), 10) is None
