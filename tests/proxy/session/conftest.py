"""A catalog, read from a real server once, for machines that are driven without one."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.policy.load import load_policy
from devinprod_proxy.policy.model import Policy
from devinprod_proxy.sql.catalog import Catalog
from driven import Driven
from sql_session import read_catalog

SCHEMA = """
CREATE TABLE items (id int PRIMARY KEY, name text, n int);
CREATE TABLE parts (id int PRIMARY KEY, item int REFERENCES items DEFERRABLE INITIALLY DEFERRED);
"""


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    with Cluster(SCHEMA, with_replica=False) as started, psycopg.connect(started.primary_dsn) as connection:
        return read_catalog(connection)


@pytest.fixture(scope="session")
def policy() -> Policy:
    return load_policy('version = 1\ndefault = "clear"\n', "policy.toml")


@pytest.fixture
def drive(catalog: Catalog, policy: Policy) -> Callable[..., Driven]:
    """Starts machines on a scripted upstream (see ``driven``), limits as given."""
    return lambda **limits: Driven(catalog, policy, **limits)
