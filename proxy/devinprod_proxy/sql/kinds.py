"""What is a statement to the session?  Its kind, its name, whether it reads only and returns rows."""

from __future__ import annotations

from dataclasses import dataclass

from devinprod_proxy.sql.gather_utility import analyzes, holdable
from devinprod_proxy.sql.parse import Message, ParseResult, deparse
from devinprod_proxy.sql.reading import Reading
from devinprod_proxy.sql.statement import Kind, Setting

_QUERIES = frozenset({"select_stmt", "insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"})
_KINDS = {
    "truncate_stmt": Kind.WRITE, "lock_stmt": Kind.UTILITY, "call_stmt": Kind.WRITE,
    "vacuum_stmt": Kind.UTILITY, "reindex_stmt": Kind.UTILITY, "cluster_stmt": Kind.UTILITY,
    "refresh_mat_view_stmt": Kind.WRITE, "prepare_stmt": Kind.PREPARE, "execute_stmt": Kind.EXECUTE,
    "declare_cursor_stmt": Kind.DECLARE, "explain_stmt": Kind.EXPLAIN,
}  # fmt: skip
_WRITES_BY_CALL = frozenset({"nextval", "setval", "pg_notify", "setseed", "set_config"})


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a statement that follow from its node."""

    kind: Kind
    returns_rows: bool = False
    reads_only: bool = True
    name: str | None = None
    holdable: bool = False
    parameter_types: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()


def shape(kind: str, stmt: Message, reading: Reading) -> Shape:
    """The shape of a statement that goes upstream."""
    quiet = not (
        reading.locks_rows
        or reading.creates
        or any(True for _ in reading.written())
        or any(use.name in _WRITES_BY_CALL or use.schema != "pg_catalog" for use in reading.functions)
    )
    if kind in _QUERIES:
        return Shape(
            _query_kind(kind, reading), returns_rows(kind, stmt), quiet, reading.cursor,
            settings=set_by_calls(reading),
        )  # fmt: skip
    if kind == "copy_stmt":
        return Shape(Kind.COPY_IN if stmt.is_from else Kind.COPY_OUT, reads_only=quiet and not stmt.is_from)
    if kind == "explain_stmt":
        inner = stmt.query.WhichOneof("node")
        name = stmt.query.execute_stmt.name if inner == "execute_stmt" else None
        runs = analyzes(stmt)
        return Shape(Kind.EXPLAIN, True, (quiet and inner != "execute_stmt") or not runs, name)
    if kind == "prepare_stmt":
        return Shape(Kind.PREPARE, name=stmt.name, parameter_types=tuple(map(_type_text, stmt.argtypes)))
    if kind == "execute_stmt":
        return Shape(Kind.EXECUTE, True, False, stmt.name)
    if kind == "declare_cursor_stmt":
        return Shape(Kind.DECLARE, False, quiet, stmt.portalname, holdable(stmt))
    return Shape(_KINDS.get(kind, Kind.DDL), False, False)


def nested_node(kind: str, stmt: Message) -> Message | None:
    """The Node of the statement inside of PREPARE, DECLARE, EXPLAIN."""
    return stmt.query if kind in ("prepare_stmt", "declare_cursor_stmt", "explain_stmt") else None


def returns_rows(kind: str, stmt: Message) -> bool:
    """True for SELECT without INTO, and for what has RETURNING."""
    if kind == "select_stmt":
        while stmt.HasField("larg"):
            stmt = stmt.larg
        return not stmt.HasField("into_clause")
    return bool(stmt.returning_clause.exprs)


def set_by_calls(reading: Reading) -> tuple[Setting, ...]:
    """What ``SELECT set_config('name', 'value', local)`` sets."""
    return tuple(reading.set_calls)


def _query_kind(kind: str, reading: Reading) -> Kind:
    if reading.creates:
        return Kind.DDL  # SELECT INTO: the catalog has a new table
    return Kind.READ if kind == "select_stmt" and not reading.targets else Kind.WRITE


def _type_text(node: Message) -> str:
    """A type's name as SQL."""
    tree = ParseResult()
    tree.version = 180_000
    cast = tree.stmts.add().stmt.select_stmt.target_list.add().res_target.val.type_cast
    cast.arg.a_const.isnull = True
    cast.type_name.MergeFromString(node.type_name.SerializeToString())
    select = tree.stmts[0].stmt.select_stmt
    select.limit_option, select.op = 1, 1
    return deparse(tree).partition("::")[2]
