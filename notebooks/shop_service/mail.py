"""Outgoing mail: a row in the outbox, in the same transaction as what it tells of."""

from __future__ import annotations

from sqlalchemy.orm import Session

from .models import Email, Order


def queue(session: Session, order: Order, subject: str, body: str) -> None:
    """Tell the customer of `order` something. Orders without an address get nothing."""
    recipient = order.email or order.customer.email
    if recipient is None:
        return
    text = f"Dear {order.customer.name},\n\n{body}\n\nYours, Kastanie"
    session.add(Email(customer_id=order.customer_id, recipient=recipient, subject=subject, body=text))
