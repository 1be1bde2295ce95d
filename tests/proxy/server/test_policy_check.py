"""A policy is held against a real schema."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.errors import PolicyInvalid
from devinprod_proxy.server.policy_check import check_policy
from devinprod_proxy.sql.catalog import CATALOG_QUERY, Catalog

SCHEMA = """
CREATE TABLE customers (id int PRIMARY KEY, name text, email text);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, note text);
CREATE SCHEMA sandbox; CREATE TABLE sandbox.anything (x text);
CREATE FUNCTION total(o orders) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION note_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER noted BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION note_it();
"""
WHOLE = """
version = 1
[schemas]
sandbox = "clear"
[tables."public.customers"]
subject = "id"
default = "closed"
[tables."public.orders"]
subject = "customer_id"
[tables."public.orders".columns]
id = "clear"
customer_id = "clear"
note = "text"
[tables."sandbox.anything"]
default = "clear"
[functions]
"public.total(public.orders)" = "safe"
"public.note_it()" = "safe"
"""


@pytest.fixture(scope="module")
def catalog(make_cluster: Callable[..., Cluster]) -> Catalog:
    cluster = make_cluster(SCHEMA, with_replica=False)
    with psycopg.connect(cluster.primary_dsn) as connection:
        row = connection.execute(CATALOG_QUERY.encode()).fetchone()
    assert row is not None
    return Catalog.from_json(row[0])


def found(text: str, catalog: Catalog) -> list[str]:
    return [f"{one.level}: {one.what}" for one in check_policy(text, "policy.toml", catalog)]


def test_a_policy_that_fits(catalog: Catalog) -> None:
    assert found(WHOLE, catalog) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("public.customers", "public.clients", "blocks: the policy names public.clients, which does not"),
        ("note = ", "remark = ", "blocks: the policy names columns that public.orders has not: remark"),
        ("note = ", "remark = ", "warns: public.orders: no rule names note (closed by default)"),
        (
            'subject = "customer_id"', 'subject = "client_id"',
            'blocks: the subject of public.orders is "client_id", which is no column of it',
        ),
        ("total(public.orders)", "total()", "blocks: the policy names functions that do not exist:"),
        (
            '"public.total(public.orders)" = "safe"', "",
            "calls of them are refused: public.total(public.orders)",
        ),
        (
            '"public.note_it()" = "safe"', "",
            "warns: trigger functions that no rule names, so that writes which fire them are refused: "
            "public.note_it()",
        ),
        (
            'subject = "customer_id"', "",
            "warns: masked tables without a subject, whose rows count nobody: public.orders",
        ),
        ('[tables."sandbox.anything"]\ndefault = "clear"', "",
         "warns: sandbox.anything: no rule names x (clear by default)"),
    ],
)  # fmt: skip
def test_what_does_not_fit(catalog: Catalog, old: str, new: str, expected: str) -> None:
    assert old in WHOLE
    assert [line for line in found(WHOLE.replace(old, new, 1), catalog) if expected in line]


def test_nobody_can_be_said(catalog: Catalog) -> None:
    assert found(WHOLE.replace('"customer_id"\n[', '"none"\n[', 1), catalog) == []


def test_what_is_no_policy_is_an_error(catalog: Catalog) -> None:
    with pytest.raises(PolicyInvalid, match=r"policy\.toml:1"):
        found("version = 2", catalog)
