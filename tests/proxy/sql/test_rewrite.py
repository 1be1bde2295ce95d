"""The rewriter's own promises: its cache, positions, names, kinds, several statements in one text."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from devinprod_proxy.errors import Refusal
from devinprod_proxy.policy.model import Policy
from devinprod_proxy.sql.catalog import Catalog
from devinprod_proxy.sql.rewrite import Rewriter, World, _Recent, renamed
from devinprod_proxy.sql.statement import ClientSql, Kind, Setting, Statement, TransactionMode
from sql_session import Session, rows


def one(rewriter: Rewriter, world: World, text: str) -> Statement | Refusal:
    parsed = rewriter.statements(ClientSql(text))
    assert not isinstance(parsed, Refusal)
    assert len(parsed) == 1
    return rewriter.rewrite(parsed[0], world)


def done(world: World, text: str) -> Statement:
    statement = one(Rewriter(), world, text)
    assert isinstance(statement, Statement), statement
    return statement


# -- cache ---------------------------------------------------------------------------------------


def test_a_text_is_rewritten_once(world: World) -> None:
    rewriter = Rewriter()
    text = ClientSql("SELECT email FROM customers")
    assert rewriter.cached(text, world) is None
    first = one(rewriter, world, text)
    assert rewriter.cached(text, world) is first
    assert one(rewriter, world, text) is first


def test_the_cache_forgets_the_oldest(world: World) -> None:
    rewriter = Rewriter(cache_size=2)
    for number in range(3):
        one(rewriter, world, f"SELECT {number}")
    assert rewriter.cached(ClientSql("SELECT 0"), world) is None
    assert rewriter.cached(ClientSql("SELECT 2"), world) is not None


def test_the_cache_holds_only_so_much_text() -> None:
    recent: _Recent[str, str] = _Recent(10, weight=100)
    for name in ("a", "b", "c"):
        recent.put(name, name, 40)
        recent.put(name, name, 40)
    assert [recent.get(name) for name in ("a", "b", "c")] == [None, "b", "c"]
    recent.put("too long", "", 101)
    assert [recent.get(name) for name in ("too long", "b", "c")] == [None, "b", "c"]


def test_another_role_path_or_table_is_another_world(catalog: Catalog, policy: Policy) -> None:
    rewriter = Rewriter()
    text = "SELECT name FROM customers"
    plain = World(catalog, policy, "developer")
    seen = one(rewriter, plain, text)
    for other in (
        World(catalog, policy, "support"),
        World(catalog, policy, "developer", ("other",)),
        World(catalog, policy, "developer", created=frozenset({catalog.names["public", "customers"].oid})),
    ):
        assert rewriter.cached(ClientSql(text), other) is None
        found = one(rewriter, other, text)
        assert found != seen


def test_a_role_sees_what_its_rule_says(catalog: Catalog, policy: Policy) -> None:
    support = World(catalog, policy, "support")
    statement = done(support, "SELECT name, email FROM customers")
    assert [mark.name for mark in statement.marks] == ["email"]
    customers = catalog.names["public", "customers"]
    name = (customers.oid, customers.by_name["name"].attnum)
    assert name not in Rewriter().sensitive(support)
    assert name in Rewriter().sensitive(World(catalog, policy, "developer"))


# -- positions -----------------------------------------------------------------------------------


def test_refusals_point_into_the_whole_text(world: World) -> None:
    rewriter = Rewriter()
    text = "select 'é'; select * from nowhere"
    parsed = rewriter.statements(ClientSql(text))
    assert not isinstance(parsed, Refusal)
    refusal = rewriter.rewrite(parsed[1], world)
    assert isinstance(refusal, Refusal)
    assert refusal.position == text.index("nowhere") + 1
    again = rewriter.rewrite(parsed[1], world)
    assert again == refusal


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("SELECT id, email, nix FROM customers WHERE id = 1", "nix"),
        ("SELECT 'é', c.email FROM customers c WHERE c.nix IS NULL", "c.nix"),
        ("UPDATE customers SET nick = email || nix WHERE id = 1", "nix"),
        ("DELETE FROM customers WHERE nix = 3 RETURNING email", "nix"),
        ("INSERT INTO customers (name, nix) VALUES ('a', 'b')", "nix"),
        ("SELECT upper(id) FROM customers", "upper"),
        ("SELECT m.x FROM mails m", "m.x"),
    ],
)
def test_the_servers_position_is_found_in_the_text(session: Session, asked: str, place: str) -> None:
    statement = session.rewrite(asked)
    assert isinstance(statement, Statement)
    assert statement.run is not None
    with pytest.raises(psycopg.Error) as error:
        rows(session.connection, statement.run.text)
    position = session.rewriter.original_position(statement, int(error.value.diag.statement_position or 0))
    assert position == asked.index(place) + 1


# -- kinds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "fields"),
    [
        ("SELECT 1", Kind.READ, {"returns_rows": True, "reads_only": True}),
        ("SELECT 1 FOR UPDATE", Kind.READ, {"reads_only": False}),
        ("SELECT nextval('orders_id_seq')", Kind.READ, {"reads_only": False}),
        ("WITH x AS (DELETE FROM orders) SELECT 1", Kind.WRITE, {"written": ("public.orders",)}),
        ("SELECT 1 INTO x", Kind.DDL, {"returns_rows": False, "reads_only": False}),
        ("DELETE FROM orders", Kind.WRITE, {"returns_rows": False, "reads_only": False}),
        ("TRUNCATE orders, products", Kind.WRITE, {"written": ("public.orders", "public.products")}),
        ("COPY orders TO STDOUT", Kind.COPY_OUT, {"reads_only": True}),
        ("COPY orders FROM STDIN", Kind.COPY_IN, {"written": ("public.orders",)}),
        ("EXPLAIN DELETE FROM orders", Kind.EXPLAIN, {"returns_rows": True, "reads_only": True}),
        ("EXPLAIN (ANALYZE) DELETE FROM orders", Kind.EXPLAIN, {"reads_only": False}),
        ("EXPLAIN (ANALYZE off) DELETE FROM orders", Kind.EXPLAIN, {"reads_only": True}),
        ("CREATE TABLE x (id int)", Kind.DDL, {"reads_only": False}),
        ("LOCK orders", Kind.UTILITY, {"reads_only": False}),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY", Kind.BEGIN,
         {"mode": TransactionMode("serializable", True), "run": None}),
        ("COMMIT AND CHAIN", Kind.COMMIT, {"mode": TransactionMode(chain=True), "run": None}),
        ("ABORT", Kind.ROLLBACK, {"run": None}),
        ("SAVEPOINT a", Kind.SAVEPOINT, {"name": "a"}),
        ("ROLLBACK TO a", Kind.ROLLBACK_TO, {"name": "a"}),
        ("SET LOCAL search_path = public, \"X\"", Kind.SET,
         {"settings": (Setting("search_path", 'public, "X"', True),), "run": None}),
        ("SET TimeZone TO 'UTC'", Kind.SET, {"settings": (Setting("timezone", "UTC"),)}),
        ("SET datestyle = iso, mdy", Kind.SET, {"settings": (Setting("datestyle", "iso, mdy"),)}),
        ("SET TIME ZONE 3", Kind.SET, {"settings": (Setting("timezone", "3"),)}),
        ("RESET timezone", Kind.RESET, {"name": "timezone", "settings": (Setting("timezone", None),)}),
        ("RESET ALL", Kind.RESET, {"name": None}),
        ("SHOW search_path", Kind.SHOW, {"name": "search_path", "returns_rows": True}),
        ("DISCARD ALL", Kind.DISCARD, {"name": "ALL"}),
        ("LISTEN a", Kind.LISTEN, {"name": "a"}),
        ("UNLISTEN *", Kind.UNLISTEN, {"name": None}),
        ("NOTIFY a, 'x'", Kind.NOTIFY, {"name": "a", "payload": "x"}),
        ("DEALLOCATE ALL", Kind.DEALLOCATE, {"name": None}),
        ("PREPARE p (int, text[]) AS SELECT $1, $2", Kind.PREPARE,
         {"name": "p", "parameter_types": ("int", "text[]")}),
        ("EXECUTE p(1)", Kind.EXECUTE, {"name": "p"}),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", Kind.DECLARE, {"name": "c", "holdable": True}),
        ("FETCH 3 FROM c", Kind.FETCH, {"name": "c"}),
        ("CLOSE ALL", Kind.CLOSE, {"name": None}),
        ("UPDATE customers SET nick = 'x' WHERE CURRENT OF c", Kind.WRITE, {"name": "c"}),
        ("SELECT set_config('timezone', 'UTC', true)", Kind.READ,
         {"settings": (Setting("timezone", "UTC", True),)}),
    ],
)  # fmt: skip
def test_what_a_statement_is(world: World, text: str, kind: Kind, fields: dict[str, Any]) -> None:
    statement = done(world, text)
    assert statement.kind is kind
    for name, value in fields.items():
        assert getattr(statement, name) == value, name


@pytest.mark.parametrize(
    "text", ["PREPARE TRANSACTION 'x'", "COMMIT PREPARED 'x'", "SET devinprod.key = ''", "SHOW devinprod.key",
             "SET debug_print_plan = on", "SET TRANSACTION SNAPSHOT 'x'", "RESET devinprod.key"]
)  # fmt: skip
def test_what_never_runs(world: World, text: str) -> None:
    assert isinstance(one(Rewriter(), world, text), Refusal)


def test_the_inner_statement_is_known(world: World) -> None:
    prepared = done(world, "PREPARE p AS SELECT email FROM customers WHERE id = $1")
    assert prepared.inner is not None
    assert prepared.inner.kind is Kind.READ
    assert prepared.inner.run is not None
    assert prepared.inner.run.text.startswith("SELECT email FROM (SELECT ")
    assert [mark.name for mark in prepared.inner.marks] == ["email"]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("PREPARE p AS SELECT 1", "PREPARE other AS SELECT 1"),
        ("EXECUTE p(1)", "EXECUTE other(1)"),
        ("EXPLAIN EXECUTE p(1)", "EXPLAIN EXECUTE other(1)"),
        ("DECLARE c CURSOR FOR SELECT 1", "DECLARE other CURSOR FOR SELECT 1"),
        ("FETCH 3 FROM c", "FETCH FORWARD 3 other"),
        ("CLOSE c", "CLOSE other"),
        ("SAVEPOINT c", "SAVEPOINT other"),
        ("DELETE FROM orders WHERE CURRENT OF c", "DELETE FROM public.orders WHERE CURRENT OF other"),
    ],
)
def test_another_name(world: World, text: str, made: str) -> None:
    assert renamed(done(world, text), "other").text == made


def test_a_fault_of_our_own_is_a_refusal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("devinprod_proxy.sql.rewrite.describe", fails)
    refusal = one(Rewriter(), world, "SELECT 1")
    assert isinstance(refusal, Refusal)
    assert (refusal.sqlstate, refusal.whose) == ("XX000", "operator")


@pytest.mark.parametrize(
    "asked",
    [
        "UPDATE customers SET nick = {} WHERE id = 1 RETURNING {}",
        "SELECT email || {} FROM customers WHERE id = 1",
        "INSERT INTO customers (id, name) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET notes = {}",
        "EXPLAIN SELECT {} FROM mails",
    ],
)
def test_a_long_chain_is_rewritten_like_a_short_one(session: Session, asked: str) -> None:
    chain = " || ".join(["nick", "email"] * 110) if "mails" not in asked else " || ".join(["m"] * 220)
    statement = session.rewrite(asked.replace("{}", chain))
    assert isinstance(statement, Statement), statement
    assert statement.run is not None
    rows(session.connection, statement.run.text)
    session.rewriter.original_position(statement, 10)


def test_what_a_write_reaches_counts_as_masked(world: World) -> None:
    # A constraint that fails on a row of the other table would print it.
    assert "public.contacts.mail" in done(world, "DELETE FROM shops WHERE id = 1").masked
    assert "public.dogs.name" in done(world, "UPDATE animals SET id = 1").masked
    assert done(world, "DELETE FROM products").masked == ()


def test_own_functions_may_raise_anything(world: World) -> None:
    assert done(world, "SELECT order_total(1)").opaque
    assert done(world, "UPDATE audited SET word = 'x'").opaque
    assert not done(world, "SELECT upper(email) FROM customers").opaque
