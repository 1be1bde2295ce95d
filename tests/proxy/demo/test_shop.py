"""Is the shop what the documentation promises: the same every time, consistent, and messy like real data?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.demo.shop import FEWEST_CUSTOMERS, LOGINS, PROXY_ROLE, fill_shop

DIGEST = "SELECT md5(string_agg(md5(t::text), '' ORDER BY t::text)) FROM {} AS t"


@pytest.fixture(scope="module")
def replica(cluster: Cluster) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(cluster.replica_dsn, autocommit=True) as connection:
        yield connection


def rows(connection: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


def digests(connection: psycopg.Connection[Any]) -> dict[str, object]:
    tables = rows(
        connection,
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )
    return {table: rows(connection, DIGEST.format(table))[0][0] for (table,) in tables}


def test_two_shops_of_the_same_size_are_the_same() -> None:
    seen = []
    for _ in range(2):
        with (
            Cluster(
                lambda connection: fill_shop(connection, FEWEST_CUSTOMERS), logins=LOGINS, with_replica=False
            ) as primary,
            psycopg.connect(primary.primary_dsn) as connection,
        ):
            seen.append(digests(connection))
    assert len(seen[0]) == 11
    assert seen[0] == seen[1]


def test_primary_and_replica_hold_the_same(cluster: Cluster, replica: psycopg.Connection[Any]) -> None:
    with psycopg.connect(cluster.primary_dsn) as primary:
        assert digests(primary) == digests(replica)


def test_too_few_customers_are_refused(replica: psycopg.Connection[Any]) -> None:
    with pytest.raises(ValueError, match="at least 200"):
        fill_shop(replica, 199)


def test_as_many_rows_as_asked_for(replica: psycopg.Connection[Any]) -> None:
    assert rows(replica, "SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM orders)") == [
        (300, 1800)
    ]


def test_every_foreign_key_and_check_holds(replica: psycopg.Connection[Any]) -> None:
    assert rows(replica, "SELECT conname FROM pg_constraint WHERE NOT convalidated") == [
        ("customers_email_check",)
    ]


def test_charged_totals_are_those_of_the_lines(replica: psycopg.Connection[Any]) -> None:
    wrong = "SELECT id FROM orders WHERE total IS DISTINCT FROM order_total(id) ORDER BY id"
    assert rows(replica, wrong) == [(10088,), (10431,)]  # lost in a move, as real data is
    unpaid = """SELECT o.id FROM orders o JOIN payments p ON p.order_id = o.id
                WHERE p.kind = 'charge' AND p.status <> 'failed'
                GROUP BY o.id HAVING sum(p.amount) <> o.total"""
    assert rows(replica, unpaid) == []


@pytest.mark.parametrize(
    "mess",
    [
        "customers WHERE email IS NULL",
        "customers WHERE email !~ '@'",
        "customers WHERE email <> lower(email)",
        "customers WHERE settings = '{}'",
        "customers WHERE settings->'newsletter'->>'to' LIKE '%@%'",
        "customers WHERE notes LIKE '%@%'",
        "customers WHERE name ~ '[^\\u0001-\\u024f]'",
        "orders WHERE note LIKE '%@%'",
        "orders WHERE total IS NULL",
        "support_tickets WHERE body LIKE '%@%'",
        "payments WHERE status = 'failed'",
    ],
)
def test_the_mess_of_real_data_is_there(replica: psycopg.Connection[Any], mess: str) -> None:
    assert rows(replica, f"SELECT count(*) > 0 FROM {mess}") == [(True,)]


def test_the_proxys_role_is_nobody_special(replica: psycopg.Connection[Any]) -> None:
    assert rows(
        replica,
        "SELECT rolsuper, rolreplication, rolbypassrls, rolcreaterole, rolcreatedb,"
        " pg_has_role(oid, 'shop_owner', 'SET'), pg_has_role(oid, 'pg_read_server_files', 'MEMBER'),"
        " pg_has_role(oid, 'pg_execute_server_program', 'MEMBER')"
        f" FROM pg_roles WHERE rolname = '{PROXY_ROLE}'",
    ) == [(False, False, False, False, False, True, False, False)]


def test_only_public_has_columns_called_email(replica: psycopg.Connection[Any]) -> None:
    assert rows(
        replica,
        "SELECT DISTINCT relnamespace::regnamespace::text FROM pg_class c"
        " JOIN pg_attribute ON attrelid = c.oid WHERE attname = 'email'",
    ) == [("public",)]


def test_one_refund_waits_and_its_order_was_paid_in_two_parts(replica: psycopg.Connection[Any]) -> None:
    waiting = """SELECT order_id FROM refunds r WHERE approved_at IS NOT NULL
                 AND NOT EXISTS (SELECT FROM payments p WHERE p.refund_id = r.id)"""
    charges = f"SELECT count(*) FROM payments WHERE status = 'captured' AND order_id = ({waiting})"
    assert rows(replica, charges) == [(2,)]
