"""Who the customers are."""

from __future__ import annotations

from sqlalchemy import func, select

from . import db
from .models import Customer, Order


def by_email(email: str) -> Customer | None:
    """The customer with this address."""
    with db.Session() as session:
        return session.scalars(select(Customer).where(Customer.email == email)).one_or_none()


def change_email(customer_id: int, email: str) -> Customer:
    """Give a customer a new address; orders on their way keep the old one."""
    with db.Session.begin() as session:
        customer = session.get_one(Customer, customer_id, with_for_update=True)
        customer.email = email.strip()
        return customer


def best(count: int = 10) -> list[tuple[int, str, int]]:
    """Customers with most orders: number, name, orders."""
    orders = func.count(Order.id)
    query = (
        select(Customer.id, Customer.name, orders)
        .join(Customer.orders)
        .group_by(Customer.id)
        .order_by(orders.desc(), Customer.id)
        .limit(count)
    )
    with db.Session() as session:
        return [(id_, name, number) for id_, name, number in session.execute(query)]
