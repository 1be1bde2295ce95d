"""Do masks give, on a real server, what they promise: type, NULL, equality, no key in sight?"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from devinprod_proxy.policy.masks import KINDS, MaskedColumn, mask_sql, misfit
from devinprod_proxy.policy.masks.expression import qualified_expression
from devinprod_proxy.policy.model import Mask

Connection = psycopg.Connection[Any]

# Type and two different values of it.
TYPES = {
    "text": ("'a b'", "'a  b'"),
    "character varying": ("'x'", "'y'"),
    "character varying(60)": ("'ab'", "'ac'"),
    "character varying(20)": ("'ab'", "'ac'"),
    "character varying(12)": ("'ab'", "'ac'"),
    "character varying(2)": ("'ab'", "'ac'"),
    "character(3)": ("'ab'", "'ac'"),
    "bpchar": ("'q'", "'r'"),
    "name": ("'n'", "'m'"),
    '"char"': ("'c'", "'d'"),
    "smallint": ("3", "4"),
    "integer": ("3", "4"),
    "bigint": ("3", "4"),
    "oid": ("3", "4"),
    "numeric": ("3.14", "3.15"),
    "numeric(10,2)": ("3.14", "3.15"),
    "numeric(3,5)": ("0.001", "0.002"),
    "numeric(3,-2)": ("300", "400"),
    "real": ("1.5", "2.5"),
    "double precision": ("1.5", "2.5"),
    "money": ("3", "4"),
    "boolean": ("true", "false"),
    "date": ("'2020-01-01'", "'2020-01-02'"),
    "timestamp without time zone": ("'2020-01-01 10:00'", "'2020-01-01 10:01'"),
    "timestamp(3) without time zone": ("'2020-01-01 10:00'", "'2020-01-01 10:01'"),
    "timestamp with time zone": ("'2020-01-01 10:00'", "'2020-01-01 10:01'"),
    "timestamp(0) with time zone": ("'2020-01-01 10:00'", "'2020-01-01 10:01'"),
    "time without time zone": ("'10:00'", "'10:01'"),
    "time(2) with time zone": ("'10:00+00'", "'10:01+00'"),
    "interval": ("'1 day'", "'2 days'"),
    "interval(3)": ("'1 day'", "'2 days'"),
    "interval day to second(3)": ("'1 day'", "'2 days'"),
    "uuid": ("'00000000-0000-4000-8000-000000000000'", "'00000000-0000-4000-8000-000000000001'"),
    "inet": ("'10.0.0.1'", "'10.0.0.2'"),
    "cidr": ("'10.0.0.0/8'", "'11.0.0.0/8'"),
    "macaddr": ("'08:00:2b:01:02:03'", "'08:00:2b:01:02:04'"),
    "macaddr8": ("'08:00:2b:01:02:03:04:05'", "'08:00:2b:01:02:03:04:06'"),
    "json": ("""'{"a": 1}'""", """'{"a": 2}'"""),
    "jsonb": ("""'{"a": 1}'""", """'{"a": 2}'"""),
    "bytea": (r"'\x01'", r"'\x02'"),
    "bit(40)": ("B'1'::bit(40)", "B'01'::bit(40)"),
    "bit varying(40)": ("B'1'", "B'01'"),
    "text[]": ("'{a}'", "'{b}'"),
    "integer[]": ("'{1,2}'", "'{3}'"),
    "character varying(10)[]": ("'{a}'", "'{b}'"),
    "numeric(10,2)[]": ("'{1}'", "'{2}'"),
    "int4range": ("'[1,2)'", "'[2,3)'"),
    "tstzmultirange": ("'{}'", "'{[2020-01-01,2020-01-02)}'"),
    "point": ("'(1,2)'", "'(2,3)'"),
    "line": ("'{1,2,3}'", "'{1,2,4}'"),
    "polygon": ("'((1,2))'", "'((1,3))'"),
    "tsvector": ("'a'", "'b'"),
    "pg_lsn": ("'0/1'", "'0/2'"),
    "jsonpath": ("'$.a'", "'$.b'"),
    "regclass": ("'pg_class'", "'pg_type'"),
    "xid": ("'1'", "'2'"),
    "public.colour": ("'red'", "'blue'"),
    "public.colour[]": ("'{red}'", "'{blue}'"),
    "public.pair": ("'(1,2)'", "'(2,3)'"),
}
OPTIONS: dict[str, tuple[tuple[str, object], ...]] = {
    "constant": (("value", "0"),),
    "json": (("paths", (("$.a", Mask("clear")), ("$.b.c", Mask("email")))),),
    "array": (("of", Mask("closed")),),
    "sql": (("expression", "NULL"),),
    "digits": (("keep_last", 2),),
}
# Types with one constant for all values (booleans, enums, shapes) and those with nothing to show.
CONSTANT = {
    "boolean", '"char"', "public.colour", "public.colour[]", "integer[]", "character varying(10)[]",
    "numeric(10,2)[]", "int4range", "tstzmultirange", "point", "line", "polygon", "tsvector", "pg_lsn",
    "jsonpath", "regclass", "xid",
}  # fmt: skip
NOTHING = {"public.pair"}

SCHEMA = """
CREATE TYPE public.colour AS ENUM ('red', 'blue');
CREATE TYPE public.pair AS (a int, b int);
"""


def column_of(connection: Connection, table: str, column: str, *, unique: bool = False) -> MaskedColumn:
    """The column as the catalog describes it."""
    row = connection.execute(
        """SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid::int,
                  a.atttypmod, COALESCE(format_type(NULLIF(t.typbasetype, 0), t.typtypmod), ''), a.attnotnull,
                  ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder)
             FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n
                  ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid
            WHERE a.attrelid = %s::regclass AND a.attname = %s""",
        (table, column),
    ).fetchone()
    assert row is not None
    schema, relation, name, type_name, oid, typmod, base, not_null, labels = row
    base = base or type_name
    return MaskedColumn(schema, relation, name, type_name, oid, typmod, base, unique, not_null, tuple(labels))


def values_table(connection: Connection, kind: str) -> MaskedColumn:
    """A table t with one column of the type: NULL, the first value twice, the second value."""
    if connection.execute("SELECT to_regtype('public.colour')").fetchone() == (None,):
        connection.execute(SCHEMA)
    connection.execute("SET LOCAL search_path = ''")
    connection.execute("DROP TABLE IF EXISTS public.t CASCADE")
    connection.execute(f"CREATE TABLE public.t (i int GENERATED ALWAYS AS IDENTITY, v {kind})")
    first, second = TYPES[kind]
    connection.execute(f"INSERT INTO public.t (v) VALUES (NULL), ({first}), ({first}), ({second})")
    return column_of(connection, "public.t", "v")


def fakes(connection: Connection, sql: str) -> list[str | None]:
    """The masked values of table t as text, in the order of its rows."""
    return [row[0] for row in connection.execute(f"SELECT {sql}::text FROM public.t ORDER BY t.i")]


@pytest.mark.parametrize("kind", TYPES)
def test_every_mask_keeps_type_null_and_equality(keyed: Connection, kind: str) -> None:
    base = values_table(keyed, kind)
    for mask_kind, unique in itertools.product(KINDS, (False, True)):
        column = replace(base, unique=unique)
        mask = Mask(mask_kind, options=OPTIONS.get(mask_kind, ()))
        if mask_kind == "constant" and kind not in ("text", "integer", "numeric(10,2)"):
            continue
        sql = mask_sql(mask, column, "t.v")
        keyed.execute(f"CREATE VIEW public.masked AS SELECT t.i, {sql} AS v FROM public.t")
        masked = column_of(keyed, "public.masked", "v")
        keyed.execute("DROP VIEW public.masked")
        assert masked.type_name == column.type_name, (mask_kind, sql)
        null, first, again, other = fakes(keyed, sql)
        assert null is None, mask_kind
        assert first == again, mask_kind
        if mask_kind == "clear":
            continue
        if mask_kind in ("null", "sql") or (kind in NOTHING):
            assert (first, other) == (None, None)
            continue
        assert first is not None, mask_kind
        closed = mask_kind == "closed" or misfit(mask, column) is not None
        if closed and kind in CONSTANT:
            assert first == other, mask_kind
        elif closed:
            assert first != other, mask_kind


@pytest.mark.parametrize("kind", TYPES)
def test_without_a_key_nothing_comes_from_the_value(keyless: Connection, kind: str) -> None:
    column = values_table(keyless, kind)
    for mask_kind in sorted(KINDS.keys() - {"clear", "constant", "json"}):
        mask = Mask(mask_kind, options=OPTIONS.get(mask_kind, ()))
        _, first, _, other = fakes(keyless, mask_sql(mask, column, "t.v"))
        if misfit(mask, column) is not None or mask_kind == "closed":
            assert first == other, mask_kind  # NULL, or the constant of its type
            assert kind in CONSTANT or first in (None, "{NULL}"), mask_kind
        elif mask_kind != "array":
            assert (first, other) == (None, None), mask_kind


def test_array_elements_without_a_key_are_null(keyless: Connection) -> None:
    column = values_table(keyless, "text[]")
    assert fakes(keyless, mask_sql(Mask("array"), column, "t.v"))[1] == "{NULL}"


@pytest.mark.parametrize(
    ("setting", "value", "kind"),
    [
        ("datestyle", "German, DMY", "date"),
        ("datestyle", "SQL", "timestamp with time zone"),
        ("timezone", "Pacific/Auckland", "timestamp with time zone"),
        ("intervalstyle", "iso_8601", "interval"),
        ("extra_float_digits", "-10", "double precision"),
        ("bytea_output", "escape", "bytea"),
        ("client_encoding", "LATIN1", "text"),
        ("client_encoding", "LATIN1", "jsonb"),
    ],
)
def test_a_client_setting_changes_no_fake(keyed: Connection, setting: str, value: str, kind: str) -> None:
    column = values_table(keyed, kind)
    if kind == "text":
        keyed.execute("UPDATE public.t SET v = 'Müller ' || v")
    sql = mask_sql(Mask("closed"), column, "t.v")
    keyed.execute(f"CREATE TABLE public.before AS SELECT t.i, {sql} AS v FROM public.t")
    keyed.execute(f"SET LOCAL {setting} = '{value}'")
    keyed.execute(f"CREATE TABLE public.after AS SELECT t.i, {sql} AS v FROM public.t")
    different = keyed.execute(
        "SELECT count(*) FROM public.before b JOIN public.after a USING (i)"
        " WHERE a.v::text IS DISTINCT FROM b.v::text"
    ).fetchone()
    assert different == (0,)


def test_equal_values_of_other_spelling_have_one_fake(keyed: Connection) -> None:
    column = values_table(keyed, "numeric")
    keyed.execute("UPDATE public.t SET v = CASE i WHEN 2 THEN 1.0 WHEN 3 THEN 1.00 ELSE v END")
    _, first, second, _ = fakes(keyed, mask_sql(Mask("closed"), column, "t.v"))
    assert first == second


def test_the_same_domain_gives_the_same_fake_across_tables(keyed: Connection) -> None:
    values_table(keyed, "text")
    keyed.execute("CREATE TABLE public.u AS SELECT 'a b'::varchar(50) AS w")
    here, there = column_of(keyed, "public.t", "v"), column_of(keyed, "public.u", "w")

    def fake(mask: Mask) -> tuple[object, object]:
        first = keyed.execute(f"SELECT {mask_sql(mask, here, 't.v')} FROM public.t WHERE i = 2").fetchone()
        second = keyed.execute(f"SELECT {mask_sql(mask, there, 'u.w')} FROM public.u").fetchone()
        assert first is not None
        assert second is not None
        return first[0], second[0]

    shared = fake(Mask("email", domain="email"))
    apart = fake(Mask("email"))
    other = fake(Mask("email", domain="other"))
    assert shared[0] == shared[1]
    assert apart[0] != apart[1]
    assert len({shared[0], apart[0], other[0]}) == 3


def test_another_key_gives_other_fakes(plain_dsn: str) -> None:
    column = MaskedColumn("public", "t", "v", "text", 25, -1, "text", False, False)
    sql = f"SELECT {mask_sql(Mask('email'), column, 't.v')} FROM (VALUES ('a'::text)) AS t(v)"
    seen = set()
    for key in ("00" * 32, "01" * 32):
        with psycopg.connect(plain_dsn, options=f"-c devinprod.key=\\\\x{key}") as connection:
            seen.add(connection.execute(sql).fetchone())
    assert len(seen) == 2


def test_names_and_texts_tell_nothing_of_the_length(keyed: Connection) -> None:
    column = values_table(keyed, "text")
    keyed.execute("UPDATE public.t SET v = repeat('x', 5000) WHERE i = 4")
    for kind in ("closed", "text", "email", "phone", "uuid", "number"):
        _, short, _, long = fakes(keyed, mask_sql(Mask(kind), column, "t.v"))
        assert short is not None
        assert long is not None
        assert len(short) == len(long), kind


def test_fakes_are_recognisable(keyed: Connection) -> None:
    column = values_table(keyed, "text")
    patterns = {
        "closed": r"masked:[0-9a-f]{16}",
        "email": r"u[0-9a-f]{16}@example\.com",
        "phone": r"\+999\d{12}",
        "name": r"[A-Z][a-z]+ [A-Z][a-z]+ ~[0-9a-f]{8}",
        "first_name": r"[A-Z][a-z]+ ~[0-9a-f]{8}",
        "last_name": r"[A-Z][a-z]+ ~[0-9a-f]{8}",
        "company": r"[A-Z][a-z]+ [A-Z][a-z]+ ~[0-9a-f]{8}",
        "address": r"1\d{3} [A-Z][A-Za-z ]+ ~[0-9a-f]{8}",
        "city": r"[A-Z][a-z]+ ~[0-9a-f]{8}",
        "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}",
        "ip": r"2[45]\d(\.\d+){3}",
        "text": r"Lorem ipsum dolor sit amet \[[0-9a-f]{16}\]",
    }
    for kind, pattern in patterns.items():
        fake = fakes(keyed, mask_sql(Mask(kind), column, "t.v"))[1]
        matched = keyed.execute("SELECT %s ~ %s", (fake, f"^({pattern})$")).fetchone()
        assert matched == (True,), (kind, fake)


@pytest.mark.parametrize(
    "kind", ["name", "email", "phone", "company", "address", "city", "closed", "uuid", "text"]
)
def test_a_unique_column_stays_unique(keyed: Connection, kind: str) -> None:
    values_table(keyed, "text")
    keyed.execute("INSERT INTO public.t (v) SELECT 'person ' || g FROM generate_series(1, 20000) g")
    column = replace(column_of(keyed, "public.t", "v"), unique=True)
    sql = mask_sql(Mask(kind), column, "t.v")
    row = keyed.execute(f"SELECT count(DISTINCT v), count(DISTINCT {sql}) FROM public.t").fetchone()
    assert row is not None
    assert row[0] == row[1]
    digits = keyed.execute(f"SELECT length(regexp_replace({sql}, '.*[~:@+u]?([0-9a-f]{{16}}).*', '\\1')) "
                           "FROM public.t WHERE v = 'person 1'").fetchone()  # fmt: skip
    assert digits is not None
    assert digits[0] >= 16  # 64 bits of the digest, or as many decimal digits


@pytest.mark.parametrize(
    ("value", "keep", "shape"),
    [
        ("+49 151-2345 67", 2, r"\+\d\d \d{3}-\d{4} 67"),
        ("DE89 3704", 0, r"XX\d\d \d{4}"),
        ("1234", 4, r"\d\d34"),  # never more than half
        ("call Bob Ümit", 2, "xxxx Xxx xxxx"),
        ("100% of 7%s", 1, r"\d\d\d% xx 7%x"),
        ("0123456789" * 20, 0, r"\d{200}"),
        ("7", 1, r"\d"),
        ("a1b2c3", 1, r"x\dx\dx3"),
        ("", 2, ""),
    ],
)
def test_digits_keep_the_format_and_no_letters(keyed: Connection, value: str, keep: int, shape: str) -> None:
    column = MaskedColumn("public", "t", "v", "text", 25, -1, "text", False, False)
    sql = mask_sql(Mask("digits", options=(("keep_last", keep),)), column, "t.v")
    row = keyed.execute(
        f"SELECT m, m ~ %s FROM (SELECT {sql.replace('%', '%%')} AS m FROM (VALUES (%s::text)) AS t(v)) AS x",
        (f"^{shape}$", value),
    ).fetchone()
    assert row is not None
    assert row[1], row[0]


def test_digits_do_not_tell_which_digits_are_equal(keyed: Connection) -> None:
    column = MaskedColumn("public", "t", "v", "text", 25, -1, "text", False, False)
    sql = mask_sql(Mask("digits"), column, "t.v")
    row = keyed.execute(f"SELECT {sql} FROM (VALUES (repeat('1', 30))) AS t(v)").fetchone()
    assert row is not None
    assert len(set(row[0])) > 4


def test_number_and_date_stay_in_their_bounds(keyed: Connection) -> None:
    import datetime

    values_table(keyed, "integer")
    keyed.execute("INSERT INTO public.t (v) SELECT g FROM generate_series(10, 3000) g")
    number = Mask("number", options=(("max", 9), ("min", 5)))
    sql = mask_sql(number, column_of(keyed, "public.t", "v"), "t.v")
    assert keyed.execute(f"SELECT min(x), max(x) FROM (SELECT {sql} AS x FROM public.t) s").fetchone() == (
        5,
        9,
    )
    first, last = datetime.date(1990, 1, 1), datetime.date(1990, 1, 31)
    for kind in ("date", "timestamp", "timestamptz"):
        keyed.execute("DROP TABLE public.t")
        keyed.execute(f"CREATE TABLE public.t AS SELECT '2020-01-01'::{kind} + '1 day'::interval * g AS v"
                      " FROM generate_series(1, 1000) g")  # fmt: skip
        keyed.execute(f"ALTER TABLE public.t ALTER v TYPE {kind}")
        column = column_of(keyed, "public.t", "v")
        mask = Mask("date", options=(("max", last), ("min", first)))
        sql = mask_sql(mask, column, "t.v")
        bounds = keyed.execute(
            f"SELECT min(x)::date, max(x)::date FROM (SELECT {sql} AS x FROM public.t) s"
        ).fetchone()
        assert bounds == (first, last), kind


def test_json_shows_only_the_paths_of_the_rule(keyed: Connection) -> None:
    column = MaskedColumn("public", "t", "v", "jsonb", 3802, -1, "jsonb", False, False)
    paths = (("$.theme", Mask("clear")), ("$.contact.email", Mask("email")), ("$.contact.ok", Mask("clear")))
    sql = mask_sql(Mask("json", options=(("paths", paths),)), column, "t.v")

    def shown(document: str) -> Any:
        row = keyed.execute(f"SELECT {sql} FROM (VALUES (%s::jsonb)) AS t(v)", (document,)).fetchone()
        assert row is not None
        return row[0]

    full = shown(
        '{"theme": {"dark": [1, null]}, "secret": 1, "contact": {"email": "a@b", "ok": null, "x": 1}}'
    )
    assert full["theme"] == {"dark": [1, None]}
    assert full["contact"].keys() == {"email", "ok"}
    assert full["contact"]["email"].endswith("@example.com")
    assert full["contact"]["ok"] is None
    assert "secret" not in full
    assert shown("{}") == {}
    assert shown('"bare text"') == {}
    assert shown("[1, 2]") == {}
    scalar = shown('{"contact": "bob@private"}')
    assert scalar["contact"].startswith("masked:")


def test_array_masks_each_element(keyed: Connection) -> None:
    column = values_table(keyed, "text[]")
    keyed.execute("UPDATE public.t SET v = '{b,a,b,NULL}' WHERE i = 4")
    sql = mask_sql(Mask("array", options=(("of", Mask("email")),)), column, "t.v")
    rows = [r[0] for r in keyed.execute(f"SELECT {sql} FROM public.t ORDER BY i")]
    assert rows[0] is None
    b, a, again, null = rows[3]
    assert b == again != a
    assert null is None
    assert rows[1] == [a]


def test_domains_give_their_base_type_without_their_check(keyed: Connection) -> None:
    keyed.execute("CREATE DOMAIN public.mail AS varchar(30) CHECK (VALUE LIKE '%@real.org')")
    keyed.execute("CREATE TABLE public.d (v public.mail)")
    keyed.execute("INSERT INTO public.d VALUES ('a@real.org')")
    column = column_of(keyed, "public.d", "v")
    assert column.base_type == "character varying(30)"
    for kind in ("email", "closed"):
        keyed.execute(
            f"CREATE VIEW public.m AS SELECT {mask_sql(Mask(kind), column, 'd.v')} AS v FROM public.d"
        )
        assert column_of(keyed, "public.m", "v").type_name == "character varying(30)"
        assert keyed.execute("SELECT count(v) FROM public.m").fetchone() == (1,)
        keyed.execute("DROP VIEW public.m")


def test_an_expression_of_the_operator_sees_value_and_fake(keyed: Connection) -> None:
    column = MaskedColumn("public", "t", "v", "character varying(8)", 1043, 12, "", False, False)
    expression = qualified_expression("upper(left(value, 1)) || '-' || fake")
    sql = mask_sql(Mask("sql", options=(("expression", expression),)), column, "t.v")
    rows = keyed.execute(f"SELECT {sql} FROM (VALUES ('bob'::varchar(8)), (NULL)) AS t(v)").fetchall()
    assert rows[0][0].startswith("B-")
    assert len(rows[0][0]) == 8
    assert rows[1] == (None,)


def test_nothing_of_a_session_stands_between(keyed: Connection) -> None:
    """Operators, functions and types of the same names in front of pg_catalog are never called."""
    column = values_table(keyed, "text")
    keyed.execute("""
        CREATE SCHEMA spy;
        CREATE FUNCTION spy.caught(text, text) RETURNS text LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'caught %, %', $1, $2; END $$;
        CREATE FUNCTION spy.same(text, text) RETURNS boolean LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'caught %, %', $1, $2; END $$;
        CREATE FUNCTION spy.caught(bytea, bytea) RETURNS bytea LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'caught %, %', $1, $2; END $$;
        CREATE FUNCTION spy.sha256(bytea) RETURNS bytea LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'caught %', $1; END $$;
        CREATE FUNCTION spy.convert_to(text, name) RETURNS bytea LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'caught %', $1; END $$;
        CREATE FUNCTION spy.current_setting(text, boolean) RETURNS text LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'caught %', $1; END $$;
        CREATE OPERATOR spy.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = spy.caught);
        CREATE OPERATOR spy.|| (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = spy.caught);
        CREATE OPERATOR spy.= (LEFTARG = text, RIGHTARG = text, FUNCTION = spy.same);
        CREATE OPERATOR spy.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = spy.same);
        CREATE OPERATOR spy.~ (LEFTARG = text, RIGHTARG = text, FUNCTION = spy.same);
        CREATE DOMAIN spy.text AS pg_catalog.text CHECK (false);
        CREATE DOMAIN spy.bytea AS pg_catalog.bytea CHECK (false);
        SET LOCAL search_path = spy, pg_catalog;
    """)
    with pytest.raises(psycopg.errors.RaiseException), keyed.transaction():
        keyed.execute("SELECT 'a'::pg_catalog.text || 'b'::pg_catalog.text")  # the spy does work
    expression = qualified_expression("CASE WHEN value ~ 'a' AND value = 'a b' THEN value || 'x' END")
    for kind in KINDS:
        options = (("expression", expression),) if kind == "sql" else OPTIONS.get(kind, ())
        sql = mask_sql(Mask(kind, options=options), column, "t.v")
        keyed.execute(f"SELECT {sql} FROM public.t").fetchall()


def test_the_key_is_in_no_plan_and_no_error(keyed: Connection) -> None:
    key = "ab" * 8
    column = values_table(keyed, "text")
    for kind in KINDS:
        sql = mask_sql(Mask(kind, options=OPTIONS.get(kind, ())), column, "t.v")
        for prefix in ("EXPLAIN (VERBOSE)", "EXPLAIN (VERBOSE, ANALYZE)"):
            plan = "\n".join(r[0] for r in keyed.execute(f"{prefix} SELECT {sql} FROM public.t"))
            assert key not in plan, kind
    sql = mask_sql(Mask("closed"), column, "t.v")
    with pytest.raises(psycopg.Error) as caught, keyed.transaction():
        keyed.execute(f"SELECT {sql}::pg_catalog.int4 FROM public.t").fetchall()
    assert key not in str(caught.value)


def test_masks_pull_up_into_the_plan_and_use_one_digest(keyed: Connection) -> None:
    values_table(keyed, "text")
    keyed.execute("ALTER TABLE public.t ADD PRIMARY KEY (i)")
    keyed.execute("INSERT INTO public.t (v) SELECT 'v' || g FROM generate_series(1, 3000) g")
    keyed.execute("ANALYZE public.t")
    column = column_of(keyed, "public.t", "v")
    for kind in KINDS.keys() - {"clear"}:
        sql = mask_sql(Mask(kind, options=OPTIONS.get(kind, ())), column, "t.v")
        assert sql.count("sha256") <= 1, kind
        query = f"SELECT m.v FROM (SELECT t.i, {sql} AS v FROM public.t) AS m WHERE m.i = 7"
        plan = "\n".join(r[0] for r in keyed.execute(f"EXPLAIN (VERBOSE) {query}"))
        assert "Index" in plan, kind
        assert plan.count("sha256") <= 1, (kind, plan)
        assert "CTE" not in plan


def test_a_mask_that_does_not_fit_closes_the_column() -> None:
    column = MaskedColumn("public", "t", "v", "integer", 23, -1, "integer", False, False)
    assert mask_sql(Mask("email"), column, "t.v") == mask_sql(Mask("closed"), column, "t.v")
    assert misfit(Mask("email"), column) is not None
    assert misfit(Mask("number"), column) is None
