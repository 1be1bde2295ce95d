"""Placing, paying, sending and cancelling orders."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from . import db, mail, pricing
from .models import Customer, Order, OrderLine, OrderStatus, Payment, Product


class OrderError(Exception):
    """An order cannot do what was asked of it."""


def recent(count: int = 25) -> list[Order]:
    """The newest orders with their customers."""
    query = (
        select(Order)
        .options(selectinload(Order.customer))
        .order_by(Order.placed_at.desc(), Order.id.desc())
        .limit(count)
    )
    with db.Session() as session:
        return list(session.scalars(query))


def counts() -> dict[str, int]:
    """How many orders there are in each status."""
    query = select(Order.status, func.count()).group_by(Order.status).order_by(Order.status)
    with db.Session() as session:
        return {status.value: number for status, number in session.execute(query)}


def detail(order_id: int) -> Order | None:
    """One order with customer, lines, products and payments."""
    query = (
        select(Order)
        .where(Order.id == order_id)
        .options(
            selectinload(Order.customer),
            selectinload(Order.lines).selectinload(OrderLine.product),
            selectinload(Order.payments),
        )
    )
    with db.Session() as session:
        return session.scalars(query).one_or_none()


def place(customer_id: int, basket: Mapping[int, int], note: str | None = None) -> int:
    """A new order of `basket` (product number -> quantity); returns its number."""
    if not basket:
        raise OrderError("the basket is empty")
    with db.Session.begin() as session:
        customer = session.get(Customer, customer_id)
        if customer is None:
            raise OrderError(f"no customer {customer_id}")
        products = session.scalars(select(Product).where(Product.id.in_(basket), Product.active)).all()
        if missing := basket.keys() - {product.id for product in products}:
            raise OrderError(f"not for sale: {sorted(missing)}")
        order = Order(
            customer=customer,
            email=customer.email,
            address_id=customer.default_address_id,
            status=OrderStatus.placed,
            currency="EUR",
            note=note,
            lines=[
                OrderLine(
                    position=position,
                    product=product,
                    quantity=basket[product.id],
                    unit_price=product.price,
                    discount=Decimal(0),
                )
                for position, product in enumerate(sorted(products, key=lambda p: p.id), start=1)
            ],
        )
        order.shipping = pricing.shipping_for(pricing.goods(order))
        order.total = pricing.total_of(order)
        order.payments.append(Payment(kind="charge", amount=order.total, status="pending"))
        session.add(order)
        session.flush()
        mail.queue(session, order, f"Your order {order.id}", f"thank you. You pay {order.total} EUR.")
        return order.id


def pay(order_id: int) -> None:
    """The bank says that the pending payment of an order has arrived."""
    with db.Session.begin() as session:
        order = _locked(session.get(Order, order_id, with_for_update=True), order_id)
        pending = [payment for payment in order.payments if payment.status == "pending"]
        if order.status is not OrderStatus.placed or not pending:
            raise OrderError(f"order {order_id} waits for no payment")
        for payment in pending:
            payment.status = "captured"
        order.status = OrderStatus.paid


def next_to_send() -> int | None:
    """Take the oldest paid order off the queue and call it shipped; several packers may ask at once."""
    query = (
        select(Order)
        .where(Order.status == OrderStatus.paid)
        .order_by(Order.placed_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with db.Session.begin() as session:
        order = session.scalars(query).one_or_none()
        if order is None:
            return None
        order.status = OrderStatus.shipped
        mail.queue(session, order, f"Your order {order.id} is on its way", "we sent your order today.")
        return order.id


def cancel(order_id: int) -> None:
    """Call an order off; possible until it is sent."""
    with db.Session.begin() as session:
        order = _locked(session.get(Order, order_id, with_for_update=True), order_id)
        if order.status not in (OrderStatus.placed, OrderStatus.paid):
            raise OrderError(f"order {order_id} is {order.status.value}")
        order.status = OrderStatus.cancelled
        mail.queue(session, order, f"Order {order.id} is cancelled", "we cancelled your order.")


def _locked(order: Order | None, order_id: int) -> Order:
    if order is None:
        raise OrderError(f"no order {order_id}")
    return order
