"""Whatever is asked: nothing masked comes out, and nothing masked moves into a column that is clear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from devinprod_proxy.errors import Refusal
from devinprod_proxy.sql.rewrite import Rewriter, World
from devinprod_proxy.sql.statement import ClientSql
from random_statements import Statements
from sql_session import CANARIES, rows

CLEAR = """SELECT (SELECT string_agg(concat(nick, settings), ' ') FROM customers),
  (SELECT string_agg(concat(raw), ' ') FROM contacts), (SELECT string_agg(what, ' ') FROM events),
  (SELECT string_agg(breed, ' ') FROM dogs), (SELECT string_agg(word, ' ') FROM guarded),
  (SELECT string_agg(name, ' ') FROM products)"""


@pytest.mark.parametrize("seed", range(6))
def test_nothing_masked_comes_out_or_moves(
    world: World, connect: Callable[[], psycopg.Connection[Any]], seed: int
) -> None:
    statements, rewriter, connection, ran = Statements(seed), Rewriter(), connect(), 0
    connection.execute("SET statement_timeout = 1000")
    connection.commit()
    for _ in range(200):
        asked = statements.one()
        parsed = rewriter.statements(ClientSql(asked))
        assert not isinstance(parsed, Refusal), asked
        statement = rewriter.rewrite(parsed[0], world)
        if isinstance(statement, Refusal):
            assert statement.sqlstate != "XX000", (statement, asked)
            continue
        assert statement.run is not None
        try:
            shown = repr(rows(connection, statement.run.text))
            ran += 1
            if statement.written:
                shown += repr(rows(connection, CLEAR))
        except psycopg.Error as error:
            shown = str(error.diag.message_primary)
        finally:
            connection.rollback()
        assert not any(canary in shown for canary in CANARIES), asked
    assert ran > 20
