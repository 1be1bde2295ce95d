"""What is in the database, as far as the service needs it."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CHAR, BigInteger, Enum, ForeignKey, Identity, Numeric, String, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import DateTime

Money = Numeric(12, 2)
Moment = DateTime(timezone=True)


class Base(DeclarativeBase):
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as it is
        int: BigInteger,
        datetime: Moment,
        dict[str, Any]: JSONB,
        str: Text,
        Decimal: Money,
    }


class OrderStatus(enum.StrEnum):
    placed = "placed"
    paid = "paid"
    shipped = "shipped"
    delivered = "delivered"
    cancelled = "cancelled"
    refunded = "refunded"


class Customer(Base):
    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    phone: Mapped[str | None] = mapped_column(String(32))
    birthday: Mapped[date | None]
    settings: Mapped[dict[str, Any]]
    notes: Mapped[str | None]
    default_address_id: Mapped[int | None] = mapped_column(ForeignKey("addresses.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    orders: Mapped[list[Order]] = relationship(back_populates="customer", order_by="Order.placed_at")


class Address(Base):
    __tablename__ = "addresses"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    recipient: Mapped[str]
    street: Mapped[str]
    postcode: Mapped[str | None] = mapped_column(String(12))
    city: Mapped[str]
    country: Mapped[str] = mapped_column(CHAR(2))


class Product(Base):
    __tablename__ = "products"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    sku: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    price: Mapped[Decimal]
    active: Mapped[bool]


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    email: Mapped[str | None] = mapped_column(String(254))
    address_id: Mapped[int | None] = mapped_column(ForeignKey("addresses.id"))
    status: Mapped[OrderStatus] = mapped_column(Enum(OrderStatus, name="order_status"))
    currency: Mapped[str] = mapped_column(CHAR(3), default="EUR")
    shipping: Mapped[Decimal] = mapped_column(default=Decimal(0))
    voucher: Mapped[Decimal | None]
    total: Mapped[Decimal | None]
    note: Mapped[str | None]
    placed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    customer: Mapped[Customer] = relationship(back_populates="orders")
    lines: Mapped[list[OrderLine]] = relationship(
        back_populates="order", order_by="OrderLine.position", cascade="all, delete-orphan"
    )
    payments: Mapped[list[Payment]] = relationship(back_populates="order", order_by="Payment.id")


class OrderLine(Base):
    __tablename__ = "order_lines"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int] = mapped_column(default=1)
    unit_price: Mapped[Decimal]
    discount: Mapped[Decimal] = mapped_column(default=Decimal(0))
    discount_kind: Mapped[str | None]

    order: Mapped[Order] = relationship(back_populates="lines")
    product: Mapped[Product] = relationship()


class Payment(Base):
    __tablename__ = "payments"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    method_id: Mapped[int | None]
    kind: Mapped[str] = mapped_column(default="charge")
    amount: Mapped[Decimal]
    status: Mapped[str] = mapped_column(default="pending")
    reference: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4)
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refunds.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    order: Mapped[Order] = relationship(back_populates="payments")


class Refund(Base):
    __tablename__ = "refunds"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    amount: Mapped[Decimal]
    reason: Mapped[str | None]
    requested_at: Mapped[datetime] = mapped_column(server_default=func.now())
    approved_at: Mapped[datetime | None]
    approved_by: Mapped[str | None]


class Email(Base):
    __tablename__ = "emails"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str]
    body: Mapped[str]
    queued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
