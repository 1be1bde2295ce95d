"""The pages that the back office looks at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from html import escape

from . import pricing
from .models import Order

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222 }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 a { color: inherit; text-decoration: none }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .6rem }
tr:nth-child(even) { background: #f6f2ec } td.number, th.number { text-align: right }
.counts span { margin-right: 1.2rem } footer { margin-top: 2rem; color: #666 }
"""


def _page(title: str, body: str, refresh: int | None = None) -> str:
    again = f'<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}<title>{escape(title)}</title>'
        f'<style>{_STYLE}</style></head><body><h1><a href="/">Kastanie</a></h1>{body}'
        "<footer>Production. Things for kitchen and table since 2017.</footer></body></html>"
    )


def _money(amount: Decimal | None, currency: str) -> str:
    return "—" if amount is None else f"{amount:,.2f} {escape(currency)}"


def overview(counts: Mapping[str, int], orders: Iterable[Order]) -> str:
    """The start page: how many orders there are, and the newest."""
    numbers = "".join(f"<span><b>{number:,}</b> {escape(status)}</span>" for status, number in counts.items())
    rows = "".join(
        f'<tr><td><a href="/orders/{order.id}">{order.id}</a></td><td>{order.placed_at:%Y-%m-%d %H:%M}</td>'
        f"<td>{escape(order.customer.name)}</td><td>{order.status.value}</td>"
        f'<td class="number">{_money(order.total, order.currency)}</td></tr>'
        for order in orders
    )
    head = (
        '<tr><th>Order</th><th>Placed</th><th>Customer</th><th>State</th><th class="number">Total</th></tr>'
    )
    body = (
        f'<p class="counts"><b>{sum(counts.values()):,} orders</b>: {numbers}</p><table>{head}{rows}</table>'
    )
    return _page("Kastanie: orders", body, refresh=5)


def order(shown: Order) -> str:
    """One order as the customer sees it."""

    def row(what: str, how_many: str, amount: Decimal | None) -> str:
        money = _money(amount, shown.currency)
        return f'<tr><td>{escape(what)}</td><td>{how_many}</td><td class="number">{money}</td></tr>'

    rows = [
        row(line.product.title, f"{line.quantity} × {line.unit_price:,.2f}", pricing.line_total(line))
        for line in shown.lines
    ]
    rows.append(row("Shipping", "", shown.shipping))
    if shown.voucher:
        rows.append(row("Voucher", "", -shown.voucher))
    rows.append(row("Total", "", pricing.total_of(shown)))
    payments = "".join(
        f"<li>{payment.created_at:%Y-%m-%d}: {escape(payment.kind)} of"
        f" {_money(payment.amount, shown.currency)}, {escape(payment.status)}</li>"
        for payment in shown.payments
    )
    body = (
        f"<h2>Order {shown.id}</h2><p>{shown.placed_at:%Y-%m-%d %H:%M}, {shown.status.value},"
        f" {escape(shown.customer.name)}, {escape(shown.email or 'no e-mail')}</p>"
        f"<table>{''.join(rows)}</table><h3>Payments</h3><ul>{payments}</ul>"
    )
    return _page(f"Kastanie: order {shown.id}", body)
