"""Is the operator's own mask expression sound, and what do its names mean whatever the search_path?

The expression sees the real value. A session may put objects of its own in front of pg_catalog's,
so every function, operator and type in it is qualified here, once, when the policy is loaded.
Constructs whose operators PostgreSQL looks up by itself (NULLIF, IN, BETWEEN, CASE x WHEN y) cannot
be qualified and are refused.
"""

from __future__ import annotations

from typing import Any

from pglast import ast, enums, parse_sql
from pglast.parser import ParseError
from pglast.stream import RawStream
from pglast.visitors import Visitor

from devinprod_proxy.policy import functions

NAMES = ("value", "fake")
"""What an expression may refer to: the real value, and 32 hexadecimal digits of its digest."""

_ALLOWED = (
    ast.A_ArrayExpr, ast.A_Const, ast.A_Expr, ast.A_Indices, ast.A_Indirection, ast.BoolExpr, ast.Boolean,
    ast.BooleanTest, ast.CaseExpr, ast.CaseWhen, ast.CoalesceExpr, ast.ColumnRef, ast.Float, ast.FuncCall,
    ast.Integer, ast.MinMaxExpr, ast.NullTest, ast.String, ast.TypeCast, ast.TypeName,
)  # fmt: skip


class ExpressionInvalid(ValueError):
    """The expression cannot be a mask; the message says which part and what to write instead."""


def qualified_expression(text: str) -> str:
    """The expression with every name qualified. Raises ExpressionInvalid.

    >>> qualified_expression("left(value, 0)")
    'pg_catalog."left"(value, 0)'
    """
    try:
        statements = parse_sql(f"SELECT {text}")
    except ParseError as error:
        raise ExpressionInvalid(f"is no SQL expression: {error.args[0]}") from None
    select = statements[0].stmt if len(statements) == 1 else None
    if not isinstance(select, ast.SelectStmt) or select != _only_targets(select):
        raise ExpressionInvalid("must be one expression, not a query")
    targets = select.targetList
    if not targets or len(targets) != 1 or targets[0].name is not None or targets[0].indirection:
        raise ExpressionInvalid("must be exactly one expression")
    node = targets[0].val
    _Qualify()(node)
    printed = str(RawStream()(node))
    again = parse_sql(f"SELECT {printed}")[0].stmt
    if not isinstance(again, ast.SelectStmt) or not again.targetList or again.targetList[0].val != node:
        raise ExpressionInvalid(
            "cannot be written with qualified names: put it into parentheses, or simplify it"
        )
    return printed


def _only_targets(select: ast.SelectStmt) -> ast.SelectStmt:
    bare = ast.SelectStmt(targetList=select.targetList, op=select.op, limitOption=select.limitOption)
    bare.groupDistinct, bare.all = select.groupDistinct, select.all
    return bare


class _Qualify(Visitor):
    def visit(self, ancestors: Any, node: Any) -> None:
        if not isinstance(node, _ALLOWED):
            raise ExpressionInvalid(f"uses {type(node).__name__}, which no mask may use")

    def visit_ColumnRef(self, ancestors: Any, node: ast.ColumnRef) -> None:
        fields = node.fields or ()
        names = [part.sval or "" for part in fields if isinstance(part, ast.String)]
        if len(names) != 1 or len(fields) != 1 or names[0] not in NAMES:
            raise ExpressionInvalid(
                f"refers to {'.'.join(names) or '*'}; it may refer to value and fake only"
            )

    def visit_FuncCall(self, ancestors: Any, node: ast.FuncCall) -> None:
        if node.over is not None or node.agg_order or node.agg_filter or node.agg_star or node.agg_distinct:
            raise ExpressionInvalid("aggregates; a mask sees one value")
        node.funcname = _in_pg_catalog(node.funcname)
        schema, name = node.funcname[0].sval, node.funcname[-1].sval
        if schema == "pg_catalog" and functions.treatment(schema, name) != "allowed":
            raise ExpressionInvalid(f"calls {name}(): it {functions.reason_against(name)[0]}")

    def visit_TypeName(self, ancestors: Any, node: ast.TypeName) -> None:
        if node.setof or node.pct_type:
            raise ExpressionInvalid("names a set or a type of a column")
        node.names = _in_pg_catalog(node.names)

    def visit_CaseExpr(self, ancestors: Any, node: ast.CaseExpr) -> None:
        if node.arg is not None:
            raise ExpressionInvalid("uses CASE x WHEN y; write CASE WHEN x = y")

    def visit_A_Expr(self, ancestors: Any, node: ast.A_Expr) -> None:
        if node.kind in (enums.A_Expr_Kind.AEXPR_LIKE, enums.A_Expr_Kind.AEXPR_ILIKE):
            node.kind = enums.A_Expr_Kind.AEXPR_OP
        if node.kind != enums.A_Expr_Kind.AEXPR_OP:
            raise ExpressionInvalid(
                "uses NULLIF, IN, BETWEEN, ANY or the like; write it with = and < instead"
            )
        node.name = _in_pg_catalog(node.name)


def _in_pg_catalog(names: Any) -> Any:
    return names if len(names) > 1 else (ast.String(sval="pg_catalog"), *names)
