"""Is the demo's service a real one: does it sell, ship, refund, and answer HTTP on the shop's database?

Its two bugs are pinned here too: the tour lives on them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import httpx
import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.demo.shop import FEWEST_CUSTOMERS, SERVICE_ROLE, fill_shop


@pytest.fixture(scope="module")
def production() -> Iterator[Cluster]:
    """A primary of this file's own: these tests commit."""

    def fill(connection: psycopg.Connection[Any]) -> None:
        fill_shop(connection, FEWEST_CUSTOMERS)

    with Cluster(fill, logins=["devinprod", SERVICE_ROLE], with_replica=False) as primary:
        yield primary


@pytest.fixture(scope="module")
def shop(production: Cluster, import_shop: Callable[[str], SimpleNamespace]) -> SimpleNamespace:
    return import_shop(production.url("primary", SERVICE_ROLE))


@pytest.fixture
def sql(production: Cluster) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(production.primary_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def web(shop: SimpleNamespace) -> AsyncIterator[httpx.AsyncClient]:
    # Without the lifespan, which would close the engine that other tests go on using.
    transport = httpx.ASGITransport(shop.app.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        yield client


def rows(connection: psycopg.Connection[Any], query: str, *parameters: object) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode(), parameters).fetchall()


def test_an_order_goes_from_basket_to_parcel(shop: SimpleNamespace, sql: psycopg.Connection[Any]) -> None:
    order = shop.orders.place(11, {5: 1, 6: 2}, note="ring twice")
    assert rows(sql, "SELECT status::text, total = order_total(id) FROM orders WHERE id = %s", order) == [
        ("placed", True)
    ]
    shop.orders.pay(order)
    while shop.orders.next_to_send() != order:
        pass
    assert rows(sql, "SELECT status::text FROM orders WHERE id = %s", order) == [("shipped",)]
    assert rows(sql, "SELECT count(*) FROM emails WHERE subject LIKE %s", f"Your order {order}%") == [(2,)]


def test_what_cannot_be_sold_leaves_nothing_behind(
    shop: SimpleNamespace, sql: psycopg.Connection[Any]
) -> None:
    before = rows(sql, "SELECT count(*) FROM orders")
    with pytest.raises(shop.orders.OrderError, match=r"not for sale: \[9999\]"):
        shop.orders.place(11, {5: 1, 9999: 1})
    assert rows(sql, "SELECT count(*) FROM orders") == before


def test_a_sent_order_cannot_be_cancelled(shop: SimpleNamespace) -> None:
    with pytest.raises(shop.orders.OrderError, match="delivered"):
        shop.orders.cancel(10112)


def test_changing_an_address_leaves_a_trail(shop: SimpleNamespace, sql: psycopg.Connection[Any]) -> None:
    customer = shop.customers.by_email("zoe.baumann@uni-rabenau.example")
    shop.customers.change_email(customer.id, " zoe@kontor.example ")
    assert rows(
        sql,
        "SELECT actor, new->>'email' FROM audit_trail WHERE row_id = %s ORDER BY id DESC LIMIT 1",
        customer.id,
    ) == [("shop_service", "zoe@kontor.example")]


async def test_pages_answer_and_escape(web: httpx.AsyncClient, sql: psycopg.Connection[Any]) -> None:
    newest = rows(sql, "SELECT id, customer_id FROM orders ORDER BY placed_at DESC LIMIT 1")[0]
    sql.execute("UPDATE customers SET name = '<b>Bobby</b>' WHERE id = %s", (newest[1],))
    for page in (await web.get("/"), await web.get(f"/orders/{newest[0]}")):
        assert page.status_code == 200
        assert "&lt;b&gt;Bobby&lt;/b&gt;" in page.text
    assert (await web.get("/orders/1")).status_code == 404
    assert (await web.get("/healthz")).json() == {"status": "ok"}


async def test_orders_over_http(web: httpx.AsyncClient) -> None:
    placed = await web.post("/api/orders", json={"customer_id": 12, "products": {"5": 2}})
    assert placed.status_code == 201
    order = placed.json()["id"]
    assert (await web.post(f"/api/orders/{order}/pay")).json()["status"] == "paid"
    assert (await web.post(f"/api/orders/{order}/pay")).status_code == 409
    assert (await web.post(f"/api/orders/{order}/cancel")).json()["status"] == "cancelled"


def test_totals_are_right_but_for_discounts_of_the_first_shop(
    shop: SimpleNamespace, sql: psycopg.Connection[Any]
) -> None:
    assert shop.pricing.total(10112) == Decimal("-2.86")
    assert rows(sql, "SELECT total, order_total(id) FROM orders WHERE id = 10112") == [
        (Decimal("15.94"), Decimal("15.94"))
    ]
    wrong = set()
    for order, charged in rows(sql, "SELECT id, total FROM orders WHERE total IS NOT NULL"):
        if shop.pricing.total(order) != charged:
            wrong.add(order)
    old_discounts = rows(
        sql,
        "SELECT DISTINCT order_id FROM order_lines JOIN orders ON orders.id = order_id"
        " WHERE discount > 0 AND discount_kind IS NULL AND total IS NOT NULL",
    )
    assert wrong == {order for (order,) in old_discounts}
    assert 10112 in wrong


def test_a_refund_of_an_order_paid_in_two_parts_is_paid_twice(
    shop: SimpleNamespace, sql: psycopg.Connection[Any]
) -> None:
    waiting = rows(
        sql,
        "SELECT order_id, id, amount FROM refunds r WHERE approved_at IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM payments p WHERE p.refund_id = r.id)",
    )
    assert len(waiting) == 1
    order, refund, amount = waiting[0]
    assert [(due.order_id, due.refund_id, due.amount) for due in shop.refunds.run()] == [
        (order, refund, 2 * amount)
    ]
    assert rows(
        sql, "SELECT kind, status, count(*) FROM payments WHERE order_id = %s GROUP BY 1, 2 ORDER BY 1", order
    ) == [("charge", "refunded", 2), ("refund", "captured", 1)]
    assert rows(sql, "SELECT status::text FROM orders WHERE id = %s", order) == [("refunded",)]
    assert shop.refunds.run() == []
