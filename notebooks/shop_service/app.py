"""HTTP: pages for the back office, JSON for the website.

uvicorn shop_service.app:app
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from decimal import Decimal

from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from sqlalchemy import text

from . import db, orders, pages, pricing, refunds

log = logging.getLogger(__name__)


async def _refund_every(seconds: float) -> None:
    while True:
        try:
            await asyncio.to_thread(refunds.run)
        except Exception:
            log.exception("refund job failed; next try in %s s", seconds)
        await asyncio.sleep(seconds)


@contextlib.asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """The refund job runs beside the requests if SHOP_REFUND_SECONDS is set."""
    seconds = float(os.environ.get("SHOP_REFUND_SECONDS") or 0)
    job = asyncio.create_task(_refund_every(seconds)) if seconds else None
    yield
    if job is not None:
        job.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await job
    db.engine.dispose()


app = FastAPI(title="Kastanie", lifespan=lifespan)


class Basket(BaseModel):
    """What somebody wants to buy: product number -> quantity."""

    customer_id: int
    products: dict[int, int] = Field(min_length=1)
    note: str | None = None


class OrderState(BaseModel):
    """An order in short."""

    id: int
    status: str
    total: Decimal
    currency: str


@app.get("/", response_class=HTMLResponse)
def start() -> str:
    return pages.overview(orders.counts(), orders.recent())


@app.get("/orders/{order_id}", response_class=HTMLResponse)
def order_page(order_id: int) -> str:
    order = orders.detail(order_id)
    if order is None:
        raise HTTPException(404, f"no order {order_id}")
    return pages.order(order)


@app.get("/api/orders/{order_id}")
def order_state(order_id: int) -> OrderState:
    order = orders.detail(order_id)
    if order is None:
        raise HTTPException(404, f"no order {order_id}")
    total = pricing.total_of(order)
    return OrderState(id=order.id, status=order.status.value, total=total, currency=order.currency)


@app.post("/api/orders", status_code=201)
def place(basket: Basket) -> OrderState:
    try:
        return order_state(orders.place(basket.customer_id, basket.products, basket.note))
    except orders.OrderError as error:
        raise HTTPException(409, str(error)) from None


@app.post("/api/orders/{order_id}/pay")
def pay(order_id: int) -> OrderState:
    try:
        orders.pay(order_id)
    except orders.OrderError as error:
        raise HTTPException(409, str(error)) from None
    return order_state(order_id)


@app.post("/api/orders/{order_id}/cancel")
def cancel(order_id: int) -> OrderState:
    try:
        orders.cancel(order_id)
    except orders.OrderError as error:
        raise HTTPException(409, str(error)) from None
    return order_state(order_id)


@app.get("/healthz")
def health() -> dict[str, str]:
    with db.Session() as session:
        session.execute(text("SELECT 1"))
    return {"status": "ok"}
