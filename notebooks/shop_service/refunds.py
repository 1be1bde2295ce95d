"""The refund job: pays out what support has approved.

Runs every night (`python -m shop_service.refunds`), or inside the web process every
SHOP_REFUND_SECONDS.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from . import db, mail
from .models import Order, OrderStatus, Payment, Refund

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Due:
    """What one customer gets back for one order."""

    order_id: int
    refund_id: int
    amount: Decimal


def due(session: Session) -> Sequence[Due]:
    """Approved refunds that have not been paid out, for orders whose money has arrived.

    Several requests for the same order are paid out together.
    """
    paid_out = exists().where(Payment.kind == "refund", Payment.refund_id == Refund.id)
    query = (
        select(Refund.order_id, func.min(Refund.id), func.sum(Refund.amount))
        .join(Payment, Payment.order_id == Refund.order_id)
        .where(Refund.approved_at.is_not(None), ~paid_out.correlate(Refund))
        .where(Payment.kind == "charge", Payment.status == "captured")
        .group_by(Refund.order_id)
        .order_by(Refund.order_id)
    )
    return [Due(order_id, refund_id, amount) for order_id, refund_id, amount in session.execute(query)]


def pay_out(session: Session, refund: Due) -> None:
    """Give the money back: a payment the other way, the order's state, a letter."""
    order = session.get_one(Order, refund.order_id, with_for_update=True)
    charges = [p for p in order.payments if p.kind == "charge" and p.status == "captured"]
    for payment in charges:
        payment.status = "refunded"
    session.add(
        Payment(
            order_id=order.id,
            method_id=charges[-1].method_id,
            kind="refund",
            amount=-refund.amount,
            status="captured",
            refund_id=refund.refund_id,
        )
    )
    order.status = OrderStatus.refunded
    mail.queue(
        session, order, f"Refund for order {order.id}", f"we sent you {refund.amount} {order.currency} back."
    )


def run() -> list[Due]:
    """Pay out everything that is due, each order in its own transaction; what was paid out."""
    with db.Session() as session:
        waiting = due(session)
    done: list[Due] = []
    for refund in waiting:
        with db.Session.begin() as session:
            pay_out(session, refund)
        log.info("order %s: refunded %s", refund.order_id, refund.amount)
        done.append(refund)
    return done


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    run()
