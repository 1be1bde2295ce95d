"""Statements and results on a real PostgreSQL: positions, limits, exact values, errors, both roads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pandas as pd
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from devinprod_jupyter.driver_errors import from_psycopg
from devinprod_jupyter.errors import CommandFailed, NotConnected, SqlError
from devinprod_jupyter.limit import PREFIX, limited
from devinprod_jupyter.parameters import bind, tokens
from devinprod_jupyter.results import to_arrow, to_frame
from devinprod_jupyter.settings import Place
from devinprod_jupyter.wire import BULK_ROWS, Result, Wire

ROLE, PASSWORD = "demo/wire", "not to be seen"
BULK = BULK_ROWS + 1


@pytest.fixture(scope="module")
def place(make_cluster: Any) -> Iterator[Place]:
    """A database that lets a user called demo/wire in, as the proxy does."""
    schema = """
        CREATE TYPE mood AS ENUM ('glad', 'sad');
        CREATE DOMAIN amount AS numeric(10,2);
        CREATE FUNCTION refuse() RETURNS int LANGUAGE plpgsql AS
          $$ BEGIN RAISE 'too many' USING ERRCODE = '53400', DETAIL = 'Three.', HINT = 'Ask for two.'; END $$;
        CREATE TABLE t (id int PRIMARY KEY, name text, mood mood, price numeric(10,2), at timestamptz);
        INSERT INTO t
          SELECT n, 'name ' || n, 'glad', n / 100.0, '2026-01-01Z'::timestamptz + n * '1s'::interval
          FROM generate_series(1, 50000) n;
    """
    cluster = make_cluster(schema, with_replica=False)
    address = conninfo_to_dict(cluster.primary_dsn)
    with psycopg.connect(cluster.primary_dsn, autocommit=True) as admin:
        admin.execute(f"""CREATE ROLE "{ROLE}" SUPERUSER LOGIN PASSWORD '{PASSWORD}'""")
    return Place(
        host=str(address["host"]),
        port=int(str(address["port"])),
        control="",
        user="demo",
        password=PASSWORD,
        token="",
        target=str(address["dbname"]),
    )


@pytest.fixture
def wire(place: Place) -> Iterator[Wire]:
    wire = Wire(place, "wire")
    yield wire
    wire.close()


def run(wire: Wire, sql: str, limit: int = 100, **names: Any) -> Result:
    return wire.run(bind(sql, names), limit)


def values(result: Result) -> list[list[Any]]:
    assert result.columns is not None
    return [
        column.values if isinstance(column.values, list) else column.values.to_pylist()
        for column in result.columns
    ]


EXACT: list[tuple[str, str, Any]] = [
    ("1::int2", "int16", 1),
    ("1::int4", "int32", 1),
    ("9223372036854775807", "int64", 9223372036854775807),
    ("NULL::int8", "Int64", None),
    ("true", "bool", True),
    ("NULL::bool", "boolean", None),
    ("1.5::float4", "float32", 1.5),
    ("0.1::float8", "float64", 0.1),
    ("'Zoë'::text", "str", "Zoë"),
    ("'ab'::char(4)", "str", "ab  "),
    ("NULL", "str", None),
    ("'\\x00ff'::bytea", "object", b"\x00\xff"),
    (
        "12345678901234567890.12::numeric(22,2)",
        "decimal128(22, 2)[pyarrow]",
        Decimal("12345678901234567890.12"),
    ),
    ("1.50::amount", "decimal128(10, 2)[pyarrow]", Decimal("1.50")),
    ("1.500", "object", Decimal("1.500")),
    ("'NaN'::numeric(5,2)", "object", Decimal("NaN")),
    ("date '2026-11-24'", "date32[day][pyarrow]", dt.date(2026, 11, 24)),
    ("timestamp '2026-11-24 10:00:00.000001'", "datetime64[us]", dt.datetime(2026, 11, 24, 10, 0, 0, 1)),
    (
        "timestamptz '2026-11-24 10:00+01'",
        "datetime64[us, UTC]",
        dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC),
    ),
    ("date 'infinity'", "object", "infinity"),
    ("date '-infinity'", "object", "-infinity"),
    ("timestamp '-infinity'", "object", "-infinity"),
    ("timestamptz 'infinity'", "object", "infinity"),
    ("timestamp '12345-01-02 03:04:05'", "object", "12345-01-02 03:04:05"),
    ("date '0044-03-15 BC'", "object", "0044-03-15 BC"),
    ("'glad'::mood", "str", "glad"),
    ("'6ec7bb06-7e35-4bd1-9f61-9df8bb9d3a3b'::uuid", "object", UUID("6ec7bb06-7e35-4bd1-9f61-9df8bb9d3a3b")),
]
ONLY_ROWS: list[tuple[str, Any]] = [
    ("array[[1,2],[3,4]]", [[1, 2], [3, 4]]),
    ("'12.34'::money", "$12.34"),
    ("4294967295::oid", 4294967295),
    ("'{\"a\": [1]}'::jsonb", {"a": [1]}),
    ("interval '1 mon 2 days'", "1 mon 2 days"),
    ("interval '2 days'", dt.timedelta(days=2)),
    ("time '10:00'", dt.time(10)),
    ("time '24:00'", "24:00:00"),
    ("B'101'", "101"),
    ("'public'::regnamespace", "public"),
]


@pytest.mark.parametrize("limit", [100, BULK], ids=["rows", "columnar"])
@pytest.mark.parametrize(("sql", "dtype", "value"), EXACT, ids=[case[0] for case in EXACT])
def test_each_value_is_exact_on_both_roads(wire: Wire, limit: int, sql: str, dtype: str, value: Any) -> None:
    result = run(wire, f"SELECT {sql} AS x", limit)
    ((got,),) = values(result)
    if isinstance(value, Decimal):
        assert str(got) == str(value)  # NaN is not equal to itself, and the scale counts
    else:
        assert got == value
    assert (wire._bulk is not None) == (limit == BULK)
    frame = to_frame(result.columns or [])
    assert str(frame["x"].dtype) == dtype
    assert to_arrow(result.columns or []).num_rows == 1


@pytest.mark.parametrize(("sql", "value"), ONLY_ROWS, ids=[case[0] for case in ONLY_ROWS])
def test_what_the_columnar_road_gets_wrong_does_not_take_it(wire: Wire, sql: str, value: Any) -> None:
    result = run(wire, f"SELECT {sql} AS x", 0)
    assert values(result) == [[value]]
    assert wire._bulk is None
    assert to_arrow(result.columns or []).num_rows == 1


def test_the_dtypes_of_both_roads_are_the_same(wire: Wire) -> None:
    few = run(wire, "SELECT * FROM t ORDER BY id", 500)
    many = run(wire, "SELECT * FROM t ORDER BY id", 0)
    assert wire._bulk is not None
    assert (few.rows, few.cut, many.rows, many.cut) == (500, True, 50_000, False)
    pd.testing.assert_frame_equal(to_frame(few.columns or []), to_frame(many.columns or []).head(500))


@pytest.mark.parametrize("limit", [100, 0], ids=["rows", "columnar"])
def test_parameters_of_many_types(wire: Wire, limit: int) -> None:
    result = run(
        wire,
        "SELECT id FROM t WHERE id IN :ids AND name = :name AND mood = :mood AND price = :price AND at >= :at"
        " AND id <> ALL(:none) AND :nothing::text IS NULL",
        limit,
        ids=[3, 4],
        name="name 3",
        mood="glad",
        price=Decimal("0.03"),
        at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        none=[],
        nothing=None,
    )
    assert values(result) == [[3]]


@pytest.mark.parametrize("limit", [100, 0], ids=["rows", "columnar"])
def test_an_empty_list_is_in_nothing(wire: Wire, limit: int) -> None:
    assert run(wire, "SELECT id FROM t WHERE id IN :ids", limit, ids=[]).rows == 0
    assert values(run(wire, "SELECT count(*) FROM t WHERE id NOT IN (:ids)", limit, ids=[])) == [[50_000]]


def test_rows_are_cut_and_it_is_known(wire: Wire) -> None:
    assert (run(wire, "SELECT * FROM t", 10).rows, run(wire, "SELECT * FROM t", 10).cut) == (10, True)
    assert not run(wire, "SELECT * FROM t LIMIT 10", 10).cut
    assert run(wire, "SELECT * FROM t LIMIT 11 -- eleven", 10).cut
    assert run(wire, "WITH x AS (SELECT * FROM t) SELECT * FROM x ORDER BY id DESC; -- all", 10).rows == 10
    assert run(wire, "VALUES (1), (2), (3)", 2).cut
    assert run(wire, "TABLE t", 2).cut


def test_order_and_double_names_survive_the_limit(wire: Wire) -> None:
    result = run(wire, "SELECT id, id + 1 AS id FROM t ORDER BY t.id DESC", 2)
    assert values(result) == [[50_000, 49_999], [50_001, 50_000]]
    assert list(to_frame(result.columns or []).columns) == ["id", "id"]


def test_writes_are_never_cut_or_run_twice(wire: Wire) -> None:
    run(wire, "CREATE TEMP TABLE w (n int)")
    result = run(wire, "INSERT INTO w SELECT generate_series(1, 50) RETURNING n", 10)
    assert (result.rows, result.cut) == (50, False)
    result = run(wire, "WITH gone AS (DELETE FROM w RETURNING n) SELECT n FROM gone", 10)
    assert result.rows == 50
    assert values(run(wire, "SELECT count(*) FROM w")) == [[0]]


def test_own_state_keeps_everything_on_one_connection(wire: Wire) -> None:
    run(wire, "SET search_path = pg_catalog")
    run(wire, "CREATE TEMP TABLE only_here (n int)")
    assert run(wire, "SELECT * FROM only_here", 0).rows == 0
    assert wire._bulk is None


@pytest.mark.parametrize(
    ("sql", "sqlstate", "at"),
    [
        ("SELECT nmae FROM t", "42703", "nmae"),
        ("SELECT :a, id FROM nowhere WHERE id IN :ids", "42P01", "nowhere"),
        ("SELECT *\nFORM t", "42601", "FORM"),
        ("SELECT 'Zoë', wrong FROM t", "42703", "wrong"),
    ],
)
def test_the_caret_stands_in_what_the_user_wrote(wire: Wire, sql: str, sqlstate: str, at: str) -> None:
    with pytest.raises(SqlError) as caught:
        run(wire, sql, a=1, ids=[1])
    assert caught.value.sqlstate == sqlstate
    assert caught.value.sql == sql
    assert caught.value.position == sql.index(at) + 1


@pytest.mark.parametrize("limit", [100, 0], ids=["rows", "columnar"])
def test_an_error_while_running_has_its_sqlstate(wire: Wire, limit: int) -> None:
    with pytest.raises(SqlError) as caught:
        run(wire, "SELECT 1 / (id - id) AS x FROM t", limit)
    assert (caught.value.sqlstate, caught.value.message) == ("22012", "division by zero")
    assert run(wire, "SELECT 1").rows == 1


@pytest.mark.parametrize("limit", [100, 0], ids=["rows", "columnar"])
def test_an_error_keeps_what_to_do_about_it(wire: Wire, limit: int) -> None:
    with pytest.raises(SqlError) as caught:
        run(wire, "SELECT refuse() AS x FROM t", limit)
    assert (wire._bulk is not None) == (limit == 0)
    error = caught.value
    assert (error.message, error.detail, error.hint) == ("too many", "Three.", "Ask for two.")


def test_a_position_in_the_wrapped_text_is_moved_back(wire: Wire) -> None:
    bound = bind("SELECT 1,\n wrong FROM t", {})
    sent = limited(bound.text, tokens(bound.text), 10)
    assert sent is not None
    with pytest.raises(psycopg.Error) as caught:
        wire.connection().execute(sent.encode())
    error = from_psycopg(caught.value, bound, shift=len(PREFIX))
    assert isinstance(error, SqlError)
    assert error.position == bound.asked.index("wrong") + 1


def test_the_only_cast_is_pointed_at(wire: Wire) -> None:
    sql = "SELECT id,\n  name::int FROM t -- a::b"
    with pytest.raises(SqlError) as caught:
        run(wire, sql)
    assert (caught.value.sqlstate, caught.value.position) == ("22P02", sql.index("::") + 1)
    with pytest.raises(SqlError) as caught:
        run(wire, "SELECT CAST(name AS int), id::text FROM t")
    assert caught.value.position is None


def test_a_variable_is_no_table(wire: Wire) -> None:
    with pytest.raises(SqlError) as caught:
        run(wire, "SELECT * FROM :t", t="t")
    assert caught.value.hint == "A variable stands for a value, not for the name of a table or a column."
    assert caught.value.position == len("SELECT * FROM ") + 1


def test_after_an_error_in_a_transaction_the_next_statement_works(wire: Wire) -> None:
    run(wire, "BEGIN")
    with pytest.raises(SqlError, match="rolled back"):
        run(wire, "SELECT 1/0 FROM t")
    assert wire.connection().info.transaction_status == TransactionStatus.IDLE
    assert run(wire, "SELECT 1").rows == 1


def test_a_lost_connection_says_so_and_comes_back(wire: Wire, place: Place) -> None:
    pid = wire.connection().info.backend_pid
    with psycopg.connect(autocommit=True, **wire.parameters()) as other:  # type: ignore[arg-type]
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(NotConnected, match="was lost"):
        run(wire, "SELECT 1")
    assert run(wire, "SELECT 1").rows == 1


def test_neither_address_nor_password_is_in_an_error(place: Place) -> None:
    from dataclasses import replace

    for wrong in (replace(place, password="other"), replace(place, port=1)):
        with pytest.raises(CommandFailed) as caught:
            Wire(wrong, "wire").run(bind("SELECT 1", {}), 10)
        screen = "\n".join(caught.value._render_traceback_())
        for secret in (place.host, str(place.port), PASSWORD, "other"):
            assert secret not in screen
    assert PASSWORD not in repr(place)
    assert place.host not in repr(place)
