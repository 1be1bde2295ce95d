"""Servers for the tests of the policy: two major versions, without a replica."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from devinprod_proxy.demo.binaries import Binaries, find_postgres
from devinprod_proxy.demo.cluster import Cluster

KEY = "ab" * 32


def older_postgres(newest: Binaries) -> Binaries:
    """An older major version beside the newest one."""
    from devinprod_proxy.demo import binaries

    for folder in binaries._candidates():
        version = binaries._version_of(folder)
        if version is not None and Binaries(folder, version).major < newest.major:
            return Binaries(folder, version)
    raise AssertionError("no second major version of PostgreSQL beside the newest")


@pytest.fixture(scope="session", params=["newest", "older"])
def plain_dsn(request: pytest.FixtureRequest, make_cluster: Callable[..., Cluster]) -> str:
    """A superuser's connection string for an empty database; once per major version."""
    newest = find_postgres()
    binaries = newest if request.param == "newest" else older_postgres(newest)
    return make_cluster(with_replica=False, binaries=binaries).primary_dsn


@pytest.fixture
def keyed(plain_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection with a mask key, as the proxy opens them; what it does is rolled back."""
    with psycopg.connect(plain_dsn, options=f"-c devinprod.key=\\\\x{KEY}") as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def keyless(plain_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection without a mask key."""
    with psycopg.connect(plain_dsn) as connection:
        yield connection
        connection.rollback()
