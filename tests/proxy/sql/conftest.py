"""A PostgreSQL with a small schema full of traps, and what the rewriter knows of it.

Every masked value carries a canary: the word ``canary``, or a number or date that no mask makes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.policy.load import load_policy
from devinprod_proxy.policy.model import Policy
from devinprod_proxy.sql import tree
from devinprod_proxy.sql.catalog import Catalog
from devinprod_proxy.sql.masked_columns import MaskedColumns
from devinprod_proxy.sql.parse import ParseResult, deparse
from devinprod_proxy.sql.replace_now import MOMENT
from devinprod_proxy.sql.rewrite import World
from sql_session import Session, read_catalog

HERE = Path(__file__).parent
KEY = "00112233445566778899aabbccddeeff" * 2


@pytest.fixture(scope="session")
def database() -> Iterator[Cluster]:
    """The PostgreSQL that rewritten statements run on."""
    with Cluster((HERE / "schema.sql").read_text(), with_replica=False) as started:
        yield started


@pytest.fixture(scope="session")
def policy() -> Policy:
    """What is masked in it."""
    return load_policy((HERE / "policy.toml").read_text(), "policy.toml")


@pytest.fixture(scope="session")
def catalog(database: Cluster) -> Catalog:
    """Its catalog, as the proxy reads it."""
    with psycopg.connect(database.primary_dsn) as connection:
        return read_catalog(connection)


@pytest.fixture(scope="session")
def world(catalog: Catalog, policy: Policy) -> World:
    """The world of a developer who has changed nothing."""
    return World(catalog, policy, "developer")


@pytest.fixture
def connect(database: Cluster) -> Iterator[Callable[[], psycopg.Connection[Any]]]:
    """Connections with the mask key, rolled back at the end."""
    opened: list[psycopg.Connection[Any]] = []

    def connect() -> psycopg.Connection[Any]:
        connection = psycopg.connect(database.primary_dsn, options=rf"-c devinprod.key=\x{KEY}")
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        connection.rollback()
        connection.close()


@pytest.fixture
def session(connect: Callable[[], psycopg.Connection[Any]], policy: Policy) -> Session:
    """A session of a developer."""
    return Session(connect(), policy)


@pytest.fixture(scope="session")
def short(world: World) -> Callable[[str], str]:
    """Makes a rewritten text readable: masks become ``mask(__t.email)``, the moment ``client_now()``."""
    sight = MaskedColumns(world)
    found: list[tuple[str, str]] = [(_text(tree.expression(MOMENT)), "client_now()")]
    for relation in world.catalog.relations.values():
        for name in sight.masks(relation):
            for alias in ("__t", "__t0", "__o", "__n"):
                text = _text(sight.value(relation, relation.by_name[name], alias))
                found.append((text, f"mask({alias}.{name})"))
    found.sort(key=lambda pair: -len(pair[0]))

    def shorten(text: str) -> str:
        for long, mask in found:
            text = text.replace(long, mask)
        return re.sub(r"\s+", " ", text).strip()

    return shorten


def _text(expression: bytes) -> str:
    made = ParseResult()
    made.version = 180_000
    select = made.stmts.add().stmt.select_stmt
    select.MergeFromString(tree.new_select().SerializeToString())
    select.target_list.add().res_target.val.MergeFromString(expression)
    return deparse(made).removeprefix("SELECT ")
