"""Does the service, unchanged, work in a session, and leave the replica as it was?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from proxies import PASSWORD, Proxy

SESSION = "refunds"
TABLES = ("orders", "order_lines", "payments", "emails", "customers", "refunds", "audit_trail")


@pytest.fixture(scope="module")
def shop(shop_proxy: Proxy, import_shop: Callable[[str], SimpleNamespace]) -> SimpleNamespace:
    user, password = quote(f"ann/{SESSION}", safe=""), quote(PASSWORD)
    return import_shop(f"postgresql://{user}:{password}@127.0.0.1:{shop_proxy.port}/shop")


@pytest.fixture(scope="module")
def replica(cluster: Cluster) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(cluster.replica_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(autouse=True)
def untouched(shop_proxy: Proxy, shop: SimpleNamespace, replica: psycopg.Connection[Any]) -> Iterator[None]:
    """Whatever a test does in its session, the replica's rows are what they were."""
    before = digests(replica)
    yield
    assert digests(replica) == before
    shop.db.engine.dispose()
    shop_proxy.api("DELETE", f"/v1/sessions/{SESSION}")
    assert digests(replica) == before


def digests(connection: psycopg.Connection[Any]) -> dict[str, object]:
    query = "SELECT md5(string_agg(md5(t::text), '' ORDER BY t::text)) FROM {} AS t"
    return {table: one(connection, query.format(table)) for table in TABLES}


def one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def changed(proxy: Proxy) -> dict[str, tuple[int, int, int]]:
    tables = proxy.api("GET", f"/v1/sessions/{SESSION}/changes")["tables"]
    return {t["table"]: (t["inserted"], t["updated"], t["deleted"]) for t in tables}


def test_it_computes_what_it_computes_in_production(
    shop: SimpleNamespace, replica: psycopg.Connection[Any]
) -> None:
    assert shop.pricing.total(10112) == Decimal("-2.86")
    assert sum(shop.orders.counts().values()) == one(replica, "SELECT count(*) FROM orders")
    order = shop.orders.detail(10112)
    assert [line.position for line in order.lines] == [1, 2, 3]
    real = one(replica, "SELECT name FROM customers WHERE id = 11")
    assert order.customer.name != real


def test_the_refund_job_runs_and_its_changes_are_counted(shop_proxy: Proxy, shop: SimpleNamespace) -> None:
    (refund,) = shop.refunds.run()
    assert refund.amount > 0
    assert shop.refunds.run() == []
    assert changed(shop_proxy) == {"payments": (1, 2, 0), "orders": (0, 1, 0), "emails": (1, 0, 0)}


def test_an_order_goes_from_basket_to_parcel(shop_proxy: Proxy, shop: SimpleNamespace) -> None:
    order = shop.orders.place(11, {5: 1, 6: 2}, note="ring twice")
    shop.orders.pay(order)
    assert shop.orders.detail(order).status.value == "paid"
    assert shop.orders.next_to_send() != order  # the oldest goes first
    with pytest.raises(shop.orders.OrderError, match="not for sale"):
        shop.orders.place(11, {9999: 1})
    shop.orders.cancel(order)
    assert changed(shop_proxy)["order_lines"] == (2, 0, 0)
