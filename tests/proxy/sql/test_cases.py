"""What is asked and what runs instead: the pairs of ``tests/cases/*.sql``, one loop.

A case is a statement, ``=>``, and the text that runs (masks written ``mask(__t.email)``, the client's
moment ``client_now()``) or ``refused SQLSTATE: message``; cases are separated by ``---``, lines that
begin with ``#`` say why. Where both texts run, unmasked columns are equal and no canary comes out;
a comment with ``(differs)`` is a case whose result is another one by design.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.errors import Refusal
from devinprod_proxy.sql.rewrite import Rewriter, World
from devinprod_proxy.sql.statement import ClientSql, Kind, Statement
from sql_session import CANARIES, rows

CASES = Path(__file__).parents[2] / "cases"


def cases() -> Iterator[Any]:
    """Every case of every file, named by its file and number."""
    for file in sorted(CASES.glob("*.sql")):
        for number, block in enumerate(file.read_text().split("\n---\n"), 1):
            text = "\n".join(line for line in block.splitlines() if not line.startswith("#"))
            asked, _, runs = text.partition("\n=>\n")
            differs = any("(differs)" in line for line in block.splitlines() if line.startswith("#"))
            yield pytest.param(asked.strip(), runs.strip(), differs, id=f"{file.stem}-{number}")


@pytest.mark.parametrize(("asked", "runs", "differs"), list(cases()))
def test_what_runs_instead(
    world: World, short: Callable[[str], str], asked: str, runs: str, differs: bool
) -> None:
    statement = rewritten(world, asked)
    if isinstance(statement, Refusal):
        assert f"refused {statement.sqlstate}: {statement.message}" == runs
    else:
        assert statement.run is not None
        assert short(statement.run.text) == runs


@pytest.mark.parametrize(("asked", "runs", "differs"), list(cases()))
def test_nothing_masked_comes_out_and_the_rest_is_equal(
    world: World,
    connect: Callable[[], psycopg.Connection[Any]],
    database: Cluster,
    asked: str,
    runs: str,
    differs: bool,
) -> None:
    statement = rewritten(world, asked)
    if isinstance(statement, Refusal) or statement.kind is Kind.COPY_IN or "$1" in asked:
        return
    assert statement.run is not None
    connection = connect()
    got = _outcome(connection, statement.run.text)
    connection.rollback()
    assert not any(canary in repr(got) for canary in CANARIES)
    if differs:
        return  # and what was asked may do what no rollback undoes
    with psycopg.connect(database.primary_dsn) as direct:
        expected = _outcome(direct, asked)
        direct.rollback()
    if isinstance(expected, str) or isinstance(got, str):
        assert expected == got
        return
    if statement.kind is Kind.COPY_OUT:
        return
    assert len(expected) == len(got)
    masked = {mark.position for mark in statement.marks}
    for position in range(len(expected[0]) if expected else 0):
        if position not in masked:
            assert _column(expected, position) == _column(got, position)


def rewritten(world: World, asked: str) -> Statement | Refusal:
    rewriter = Rewriter()
    parsed = rewriter.statements(ClientSql(asked))
    assert not isinstance(parsed, Refusal)
    return rewriter.rewrite(parsed[0], world)


def _outcome(connection: psycopg.Connection[Any], sql: str) -> list[tuple[Any, ...]] | str:
    try:
        return rows(connection, sql)
    except psycopg.Error as error:
        return error.sqlstate or "no SQLSTATE"


def _column(found: list[tuple[Any, ...]], position: int) -> list[str]:
    return sorted(repr(row[position]) for row in found)
