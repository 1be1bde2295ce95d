"""Is the draft a policy that loads, hides what it should, and shows only what it can give a reason for?"""

from __future__ import annotations

import pytest
from devinprod_proxy.policy.load import load_policy
from devinprod_proxy.policy.suggest import DraftColumn, DraftTable, guess, suggest

CUSTOMERS = DraftTable(
    "public",
    "customers",
    (
        DraftColumn("id", "bigint", key=True),
        DraftColumn("name", "text"),
        DraftColumn("email", "character varying(254)"),
        DraftColumn("birthday", "date"),
        DraftColumn("settings", "jsonb"),
        DraftColumn("created_at", "timestamp with time zone"),
        DraftColumn("Odd Name", "hstore"),
    ),
)
ORDERS = DraftTable(
    "public",
    "orders",
    (
        DraftColumn("id", "bigint", key=True),
        DraftColumn("customer_id", "bigint", key=True, references=("public", "customers")),
        DraftColumn("total", "numeric(12,2)"),
        DraftColumn("note", "text"),
    ),
)
PRODUCTS = DraftTable("public", "products", (DraftColumn("id", "int", key=True), DraftColumn("name", "text")))


def test_the_draft_is_a_policy() -> None:
    policy = load_policy(suggest([CUSTOMERS, ORDERS, PRODUCTS]), "draft")

    def kind(table: str, column: str) -> str:
        return policy.column("developer", "public", table, column).kind

    assert [kind("customers", c.name) for c in CUSTOMERS.columns] == [
        "clear", "name", "email", "date", "closed", "clear", "closed",
    ]  # fmt: skip
    assert policy.column("developer", "public", "customers", "email").lookup == "counted"
    assert kind("orders", "note") == "text"
    assert kind("products", "name") == "closed"  # of a thing? of a person? a person decides
    subjects = [policy.tables["public", t].subject for t in ("customers", "orders", "products")]
    assert subjects == ["id", "customer_id", None]


@pytest.mark.parametrize(
    ("column", "rule"),
    [
        (DraftColumn("password_hash", "text"), '"closed"'),
        (DraftColumn("api_token", "text"), '{ mask = "closed", lookup = "token" }'),
        (DraftColumn("phone", "bigint"), '"closed"'),
        (DraftColumn("birth_year", "integer"), '"closed"'),
        (
            DraftColumn("contact", "text", samples=("a@b.org", "c@d.com")),
            '{ mask = "email", domain = "email", lookup = true }',
        ),
        (DraftColumn("contact", "text", samples=("a@b.org", "none")), '"closed"'),
        (DraftColumn("x", "text", label="MASKED WITH FUNCTION anon.fake_city()"), '{ mask = "city" }'),
        (DraftColumn("x", "integer", key=True, label="MASKED WITH FUNCTION anon.random_int()"), '"closed"'),
        (DraftColumn("salary", "numeric"), '"closed"'),
        (DraftColumn("client_ip", "inet"), '{ mask = "ip" }'),
    ],
)
def test_guesses(column: DraftColumn, rule: str) -> None:
    assert guess(column, of_person=False).rule == rule
