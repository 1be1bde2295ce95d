"""Is a policy file read whole, and does an error name file, line and key?"""

from __future__ import annotations

import pytest
from devinprod_proxy.errors import PolicyInvalid
from devinprod_proxy.policy.load import function_key, load_policy, table_key
from devinprod_proxy.policy.model import Mask

POLICY = """\
version = 1
default = "closed"

[schemas]
sandbox = "clear"

[tables."public.customers"]
subject = "id"
[tables."public.customers".columns]
id         = "clear"
name       = { mask = "name" }
email      = { mask = "email", domain = "email", lookup = true }
token      = { mask = "closed", lookup = "token" }
phone      = { mask = "digits", keep_last = 2 }
birthday   = { mask = "date", min = 1950-01-01, max = "2001-12-31" }
settings   = { mask = "json", paths = { "$.theme" = "clear", "$.contact.mail" = { mask = "email" } } }
tags       = { mask = "array", of = "city" }
notes      = "closed"
short      = { mask = "sql", expression = "left(value, 0)" }

[tables."public.orders"]
subject = "none"
default = "clear"

[functions]
"public.order_total(bigint)" = "safe"
"public.Who( integer , text )" = "masked"

[roles.support.tables."public.customers".columns]
name = "clear"
"""


def test_the_whole_form() -> None:
    policy = load_policy(POLICY, "policy.toml")

    def column(name: str, role: str = "developer") -> Mask:
        return policy.column(role, "public", "customers", name)

    assert column("id").clear
    assert column("never named").kind == "closed"
    assert column("email") == Mask("email", "email", "counted")
    assert column("token").lookup == "token"
    assert column("phone").option("keep_last") == 2
    assert str(column("birthday").option("max")) == "2001-12-31"
    paths = column("settings").option("paths")
    assert isinstance(paths, tuple)
    assert dict(paths)["$.contact.mail"].kind == "email"
    assert column("tags").option("of") == Mask("city")
    assert column("short").option("expression") == 'pg_catalog."left"(value, 0)'
    assert not column("name").clear
    assert column("name", role="support").clear
    assert column("email", role="support") == column("email")
    rule = policy.table("public", "orders")
    assert rule is not None
    assert rule.subject is None
    assert policy.column("developer", "public", "orders", "any").clear
    assert policy.column("developer", "sandbox", "t", "c").clear
    assert policy.functions == {"public.order_total(bigint)": "safe", "public.who(integer,text)": "masked"}
    assert not policy.hides_nothing
    assert hash(column("settings")) == hash(
        load_policy(POLICY, "x").column("r", "public", "customers", "settings")
    )


def test_the_fingerprint_is_of_the_text() -> None:
    one, same, other = (load_policy(t, "p").fingerprint for t in (POLICY, POLICY, POLICY + "\n"))
    assert one == same != other
    assert len(one) == 64


def test_the_smallest_file_closes_everything() -> None:
    policy = load_policy("version = 1", "p")
    assert policy.default.kind == "closed"
    assert not policy.hides_nothing
    assert load_policy('version = 1\ndefault = "clear"', "p").hides_nothing


# What is changed in POLICY, and the line, key and words of the error.
WRONG = [
    ("version = 1", "version = 2", 1, "version", "must be 1"),
    ("version = 1", "version = true", 1, "version", "must be 1"),
    ("version = 1\n", "", 1, "version", "is missing"),
    ('default = "closed"', 'default = "close"', 2, "default", 'must be "closed" or "clear"'),
    ('default = "closed"', 'defalt = "closed"', 2, "defalt", "is not a key"),
    ('sandbox = "clear"', "sandbox = 1", 5, "sandbox", 'must be "closed" or "clear"'),
    ('[tables."public.orders"]', '[tables."orders"]', 21, "orders", "must name schema and table"),
    ('[tables."public.orders"]', '[tables."public.CUSTOMERS"]', 21, "public.CUSTOMERS", "the same table"),
    ('subject = "id"', 'subjekt = "id"', 8, "subjekt", "is not a key"),
    ('subject = "id"', "subject = 3", 8, "subject", "must be a text, not a number"),
    ('subject = "id"', 'subject = ""', 8, "subject", "is empty"),
    ('{ mask = "name" }', '{ mask = "nmae" }', 11, "mask", 'no mask "nmae"'),
    ('{ mask = "name" }', '"nmae"', 11, "name", 'no mask "nmae"'),
    ('{ mask = "name" }', '{ domain = "x" }', 11, "name", "does not name a mask"),
    ('{ mask = "name" }', "[1]", 11, "name", "must be a table of keys, not a list"),
    ('{ mask = "name" }', '{ mask = "name", keep_last = 2 }', 11, "keep_last", "is not a key"),
    ('{ mask = "name" }', '{ mask = "clear", lookup = true }', 11, "lookup", "is not a key"),
    ('{ mask = "name" }', '{ mask = "constant" }', 11, "name", 'mask "constant" needs value'),
    ('{ mask = "name" }', '{ mask = "constant", value = [1] }', 11, "value", "must be a single value"),
    ("lookup = true", "lookup = 3", 12, "lookup", 'must be true, false or "token"'),
    ('domain = "email"', "domain = 1", 12, "domain", "must be a text"),
    ("keep_last = 2", 'keep_last = "2"', 14, "keep_last", "must be a whole number, not a text"),
    ("keep_last = 2", "keep_last = -1", 14, "keep_last", "must not be negative"),
    ("keep_last = 2", "keep_last = true", 14, "keep_last", "must be a whole number"),
    ("min = 1950-01-01", "min = 2010-01-01", 15, "min", "is after max"),
    ("min = 1950-01-01", 'min = "soon"', 15, "min", "must be a day"),
    ('"$.theme"', '"theme"', 16, "paths", "no path of object keys"),
    ('"$.theme"', '"$.a[0]"', 16, "paths", "no path of object keys"),
    ('"$.theme"', '"$.contact"', 16, "paths", "lies below a path that has a rule"),
    ('of = "city"', 'of = "town"', 17, "of", 'no mask "town"'),
    (', expression = "left(value, 0)"', "", 19, "short", 'mask "sql" needs expression'),
    ("left(value, 0)", "left(value, ", 19, "expression", "is no SQL expression"),
    ("left(value, 0)", "value FROM t", 19, "expression", "not a query"),
    ("left(value, 0)", "value, 1", 19, "expression", "exactly one"),
    ("left(value, 0)", "(SELECT 1)", 19, "expression", "SubLink"),
    ("left(value, 0)", "name", 19, "expression", "refers to name"),
    ("left(value, 0)", "value IN ('a')", 19, "expression", "NULLIF, IN, BETWEEN"),
    ("left(value, 0)", "CASE value WHEN 'a' THEN 1 END", 19, "expression", "CASE x WHEN y"),
    ("left(value, 0)", "pg_read_file(value)", 19, "expression", "reads files of the server"),
    ("left(value, 0)", "current_setting('devinprod.key')", 19, "expression", "current_setting"),
    ("left(value, 0)", "count(*)", 19, "expression", "aggregates"),
    ("left(value, 0)", "value; DROP TABLE t", 19, "expression", "not a query"),
    ('bigint)" = "safe"', 'bigint)" = "ok"', 26, "public.order_total(bigint)", 'must be "safe" or "masked"'),
    ("public.order_total(bigint)", "order_total(bigint)", 26, "order_total(bigint)", "argument types"),
    (
        "public.order_total(bigint)",
        "public.who(integer,text)",
        27,
        "public.Who( integer , text )",
        "the same",
    ),
    ("[roles.support.tables", "[roles.support.table", 29, "table", "is not a key"),
    ("[functions]", "[functions", 25, None, "Expected"),
]


@pytest.mark.parametrize(("old", "new", "line", "key", "words"), WRONG)
def test_errors_name_file_line_and_key(old: str, new: str, line: int, key: str | None, words: str) -> None:
    assert old in POLICY
    with pytest.raises(PolicyInvalid) as caught:
        load_policy(POLICY.replace(old, new, 1), "etc/policy.toml")
    error = caught.value
    assert (error.file, error.line, error.key) == ("etc/policy.toml", line, key)
    assert words in str(error)
    assert str(error).startswith(f"etc/policy.toml:{line}:")


def test_a_near_miss_is_suggested() -> None:
    with pytest.raises(PolicyInvalid) as caught:
        load_policy(POLICY.replace('"name" }', '"emial" }'), "p")
    assert caught.value.refusal.hint == "Did you mean email?"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("public.customers", ("public", "customers")),
        ("Public.Customers", ("public", "customers")),
        ('"My Schema"."T.""q"""', ("My Schema", 'T."q"')),
        ("public.größe", ("public", "größe")),
        ("customers", None),
        ("a.b.c", None),
        ("public.a b", None),
    ],
)
def test_table_keys(text: str, key: tuple[str, str] | None) -> None:
    assert table_key(text) == key


def test_function_keys() -> None:
    assert function_key("public.f()") == "public.f()"
    assert (
        function_key('public."F"(character  varying, "S"."T"[])') == 'public."F"(character varying,"S"."T"[])'
    )
    assert function_key("f(int)") is None


@pytest.mark.parametrize(
    "expression", ["value || '-' || fake", "substring(value from 1 for 2)", "value::date + 1"]
)
def test_expressions_are_qualified(expression: str) -> None:
    text = POLICY.replace("left(value, 0)", expression)
    shown = load_policy(text, "p").column("developer", "public", "customers", "short").option("expression")
    assert "pg_catalog." in str(shown)
