"""Marks of result columns, and whose data a statement shows."""

from __future__ import annotations

import pytest
from devinprod_proxy.sql.catalog import Catalog
from devinprod_proxy.sql.rewrite import Rewriter, World
from devinprod_proxy.sql.statement import ClientSql, FixedKey, Statement
from sql_session import Session, rows


def done(world: World, text: str) -> Statement:
    rewriter = Rewriter()
    parsed = rewriter.statements(ClientSql(text))
    assert isinstance(parsed, list)
    statement = rewriter.rewrite(parsed[0], world)
    assert isinstance(statement, Statement), statement
    return statement


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("SELECT id, email FROM customers", {1: "email"}),
        ("SELECT * FROM customers", {1: "name", 2: "email", 4: "phone", 5: "birthday", 6: "notes"}),
        ("SELECT c.email AS x, o.* FROM customers c JOIN orders o ON true", {0: "x"}),
        ("SELECT * FROM orders JOIN customers USING (id)",
         {5: "name", 6: "email", 8: "phone", 9: "birthday", 10: "notes"}),
        ("SELECT lower(email), length(nick), count(*), count(email) FROM customers GROUP BY 1, 2", {0: "lower"}),
        ("SELECT email IS NULL, EXISTS (SELECT email FROM customers) FROM customers", {}),
        ("WITH x AS (SELECT email AS e, id FROM customers) SELECT id, e FROM x", {1: "e"}),
        ("WITH x (a, b) AS (SELECT id, email FROM customers) SELECT * FROM x", {1: "b"}),
        ("SELECT x FROM (SELECT name FROM products UNION SELECT name FROM customers) AS s (x)", {0: "x"}),
        ("SELECT name FROM products", {}),
        ("SELECT (SELECT email FROM customers LIMIT 1), 1", {0: "email"}),
        ("SELECT c FROM customers c", {0: "c"}),
        ("SELECT row_to_json(c) FROM customers c", {0: "row_to_json"}),
        ("SELECT * FROM mails", {1: "m"}),
        ("SELECT * FROM roster", {1: "nick"}),
        ("UPDATE customers SET nick = 'x' RETURNING id, email, old.name", {1: "email", 2: "name"}),
        ("DELETE FROM customers RETURNING *", {1: "name", 2: "email", 4: "phone", 5: "birthday", 6: "notes"}),
        ("WITH d AS (DELETE FROM contacts RETURNING mail) SELECT * FROM d", {0: "mail"}),
        ("COPY contacts (id, mail) TO STDOUT", {1: "mail"}),
        ("WITH RECURSIVE r AS (SELECT id, email FROM customers UNION ALL SELECT id, email FROM r)"
         " SELECT * FROM r", {1: "email"}),
    ],
)  # fmt: skip
def test_marks(world: World, text: str, marks: dict[int, str]) -> None:
    assert {mark.position: mark.name for mark in done(world, text).marks} == marks


def test_a_mark_says_what_and_whence(world: World) -> None:
    [mark] = done(world, "SELECT c.email || k.mail AS both FROM customers c, contacts k").marks
    assert (mark.mask, mark.domain) == ("email", "email")
    assert mark.source == "public.contacts.mail, public.customers.email"


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("SELECT email FROM customers WHERE id = 5", [("customers", ["5"])]),
        ("SELECT email FROM customers WHERE 5 = id AND nick = 'x'", [("customers", ["5"])]),
        ("SELECT email FROM customers c WHERE c.id = $1", [("customers", [1])]),
        ("SELECT email FROM customers WHERE id IN (1, $2)", [("customers", ["1", 2])]),
        ("SELECT email FROM customers WHERE id = ANY (ARRAY[1, 2])", [("customers", ["1", "2"])]),
        ("SELECT email FROM customers WHERE id = 5 OR true", [("customers", [])]),
        ("SELECT email FROM customers WHERE id = id", [("customers", [])]),
        ("SELECT email FROM customers WHERE NOT id = 5", [("customers", [])]),
        ("SELECT email FROM customers WHERE id > 5", [("customers", [])]),
        ("SELECT email FROM customers WHERE id IN (1, id)", [("customers", [])]),
        ("SELECT total FROM orders WHERE customer_id = 7", [("customers", ["7"])]),
        ("SELECT * FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.id = 7",
         [("customers", ["7"]), ("customers", ["7"])]),
        ("SELECT * FROM customers c LEFT JOIN orders o ON o.customer_id = 7 WHERE c.id = 7",
         [("customers", ["7"]), ("customers", [])]),
        ("SELECT * FROM customers a, customers b WHERE a.id = 5", [("customers", [])]),
        ("SELECT total FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE id = 3)",
         [("customers", []), ("customers", ["3"])]),
        ("DELETE FROM customers WHERE id = 3 RETURNING email", [("customers", ["3"])]),
        ("DELETE FROM customers WHERE id = 3", None),
        ("SELECT name FROM products", None),
        ("COPY customers TO STDOUT", [("customers", [])]),
    ],
)  # fmt: skip
def test_whose_data(world: World, text: str, fixed: list[tuple[str, list[object]]] | None) -> None:
    people = done(world, text).people
    if fixed is None:
        assert people is None
        return
    assert people is not None
    wanted = [
        (
            f"public.{table}",
            tuple(FixedKey(k) if isinstance(k, int) else FixedKey(None, str(k)) for k in keys),
        )
        for table, keys in fixed
    ]
    assert sorted(((u.table, u.fixed) for u in people.uses), key=repr) == sorted(wanted, key=repr)


def test_a_use_is_named_by_its_column(world: World, catalog: Catalog) -> None:
    people = done(world, "SELECT id FROM orders").people
    assert people is not None
    orders = catalog.names["public", "orders"]
    assert [(use.oid, use.attnum) for use in people.uses] == [
        (orders.oid, orders.by_name["customer_id"].attnum)
    ]


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("SELECT sum(total) FROM orders WHERE status = 'paid'", 200),
        ("SELECT string_agg(email, ',') FROM customers WHERE id < 11 LIMIT $1", 10),
        ("SELECT sum(x) FROM (SELECT total AS x FROM orders WHERE customer_id < 6) s", 5),
        ("WITH x AS (SELECT max(total) AS m FROM orders WHERE customer_id < 4) SELECT m FROM x", 3),
        ("SELECT max(c.email), sum(o.total) FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.id < 9", 8),
        ("SELECT json_agg(c) FROM customers c WHERE id < 4", 3),
    ],
)  # fmt: skip
def test_an_aggregate_counts_the_people_it_scans(session: Session, text: str, people: int) -> None:
    statement = session.rewrite(text)
    assert isinstance(statement, Statement)
    assert statement.people is not None
    assert statement.people.aggregates
    assert statement.people.probe is not None
    parameters = [1] if "$1" in text else None
    assert rows(session.connection, statement.people.probe.text, parameters) == [(people,)]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM customers",
        "SELECT EXISTS (SELECT 1 FROM customers)",
        "SELECT customer_id, sum(total) FROM orders GROUP BY customer_id",
        "SELECT email FROM customers",
    ],
)
def test_no_aggregate_over_many_people(world: World, text: str) -> None:
    people = done(world, text).people
    assert people is not None
    assert not people.aggregates
