"""Does every masked value of the canary shop carry a canary, and no clear one?"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.policy.load import load_policy
from devinprod_proxy.policy.model import Policy
from psycopg import sql


@pytest.fixture(scope="module")
def policy() -> Policy:
    file = files("devinprod_proxy.demo").joinpath("policy.toml")
    return load_policy(file.read_text(), str(file))


def columns(cluster: Cluster) -> Iterator[tuple[str, str]]:
    with psycopg.connect(cluster.replica_dsn) as replica:
        yield from replica.execute(
            "SELECT relname, attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid"
            " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0"
        ).fetchall()


def test_masked_values_and_only_they_carry_a_canary(
    canary_cluster: Cluster, canaries: tuple[bytes, ...], policy: Policy
) -> None:
    pattern = "|".join(canary.decode() for canary in canaries)
    wrong: list[str] = []
    masked = 0
    with psycopg.connect(canary_cluster.replica_dsn) as replica:
        for table, column in columns(canary_cluster):
            clear = policy.column("developer", "public", table, column).clear
            masked += not clear
            row = replica.execute(
                sql.SQL(
                    "SELECT count(*) FILTER (WHERE ({c}::text ~ {p}) = {clear}), count({c}) FROM {t}"
                ).format(c=sql.Identifier(column), p=pattern, clear=clear, t=sql.Identifier(table))
            ).fetchone()
            assert row is not None
            if row[0] or (not clear and not row[1]):
                wrong.append(f"{table}.{column}: {row[0]} of {row[1]} values")
    assert wrong == []
    assert masked == 20


def test_the_policy_names_every_table(cluster: Cluster, policy: Policy) -> None:
    assert {table for table, _ in columns(cluster)} == {name for _, name in policy.tables}
