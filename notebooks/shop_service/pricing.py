"""What an order costs."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from . import db
from .models import Order, OrderLine

FREE_SHIPPING_FROM = Decimal(60)
SHIPPING = Decimal("4.90")


def cents(amount: Decimal) -> Decimal:
    """Rounded to cents, as the cash register does."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def line_total(line: OrderLine) -> Decimal:
    """What one line costs after its discount."""
    gross = line.quantity * line.unit_price
    if line.discount_kind == "percent":
        return cents(gross * (100 - line.discount) / 100)
    return gross - line.discount


def goods(order: Order) -> Decimal:
    """All lines of an order."""
    return sum((line_total(line) for line in order.lines), Decimal(0))


def shipping_for(amount: Decimal) -> Decimal:
    """What sending goods worth `amount` costs."""
    return Decimal(0) if amount >= FREE_SHIPPING_FROM else SHIPPING


def total_of(order: Order) -> Decimal:
    """Goods and shipping less the voucher."""
    return goods(order) + order.shipping - (order.voucher or Decimal(0))


def total(order_id: int) -> Decimal:
    """What the order costs, worked out from its lines. LookupError if there is no such order."""
    with db.Session() as session:
        order = session.get(Order, order_id)
        if order is None:
            raise LookupError(f"no order {order_id}")
        return total_of(order)
