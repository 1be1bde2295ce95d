"""A connection with the rewriter in front of it, for the tests of ``sql``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import psycopg
from devinprod_proxy.errors import Refusal
from devinprod_proxy.policy.model import Policy
from devinprod_proxy.sql import control
from devinprod_proxy.sql.catalog import CATALOG_QUERY, Catalog
from devinprod_proxy.sql.rewrite import Rewriter, World
from devinprod_proxy.sql.statement import ClientSql, Statement

CANARIES = ("canary", "Canary", "CANARY", "8138130", "date(1871")
"""What every masked value of ``tests/proxy/sql/schema.sql`` contains, and no mask makes."""


def read_catalog(connection: psycopg.Connection[Any]) -> Catalog:
    """The catalog as a connection sees it now."""
    row = connection.execute(CATALOG_QUERY.encode()).fetchone()
    assert row is not None
    return Catalog.from_json(row[0])


@dataclass
class Session:
    """A connection in a transaction that is rolled back, and a rewriter in front of it."""

    connection: psycopg.Connection[Any]
    policy: Policy
    role: str = "developer"
    search_path: tuple[str, ...] = ("$user", "public")
    rewriter: Rewriter = field(default_factory=Rewriter)

    @property
    def world(self) -> World:
        """The world as it is now, with what the session made."""
        catalog = read_catalog(self.connection)
        found = self.connection.execute(control.created_relations().text.encode()).fetchone()
        created = frozenset(int(oid) for oid in found[0].split(",")) if found and found[0] else frozenset()
        return World(catalog, self.policy, self.role, self.search_path, created)

    def rewrite(self, sql: str) -> Statement | Refusal:
        """One statement, rewritten."""
        parsed = self.rewriter.statements(ClientSql(sql))
        if isinstance(parsed, Refusal):
            return parsed
        assert len(parsed) == 1
        return self.rewriter.rewrite(parsed[0], self.world)

    def run(self, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Rewrite and run one statement; its rows."""
        statement = self.rewrite(sql)
        assert isinstance(statement, Statement), statement
        assert statement.run is not None
        return rows(self.connection, statement.run.text, parameters)


def rows(
    connection: psycopg.Connection[Any], sql: str, parameters: list[Any] | None = None
) -> list[tuple[Any, ...]]:
    """Run a statement as it stands: ``$1`` and percent signs are PostgreSQL's."""
    cursor = psycopg.RawCursor(connection)
    if sql.upper().startswith("COPY"):
        with cursor.copy(sql.encode()) as copied:
            return [(bytes(line),) for line in copied]
    cursor.execute(sql.encode(), parameters)
    return cursor.fetchall() if cursor.description else []
