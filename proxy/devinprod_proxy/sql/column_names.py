"""What does the server call a result column that has no AS?  parse_target.c, FigureColname.

A pass that replaces an expression keeps its column's name: drivers find columns by it.
"""

from __future__ import annotations

from devinprod_proxy.sql.parse import ENUM, Message

_VALUE_FUNCTIONS = {
    ENUM[f"SVFOP_{name}"]: name.removesuffix("_N").lower()
    for name in (
        "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIME_N", "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP_N",
        "LOCALTIME", "LOCALTIME_N", "LOCALTIMESTAMP", "LOCALTIMESTAMP_N", "CURRENT_ROLE", "CURRENT_USER",
        "USER", "SESSION_USER", "CURRENT_CATALOG", "CURRENT_SCHEMA",
    )
}  # fmt: skip
_FIXED = {
    "grouping_func": "grouping", "merge_support_func": "merge_action", "a_array_expr": "array",
    "row_expr": "row", "coalesce_expr": "coalesce", "xml_serialize": "xmlserialize",
    "json_parse_expr": "json", "json_scalar_expr": "json_scalar", "json_serialize_expr": "json_serialize",
    "json_object_constructor": "json_object", "json_array_constructor": "json_array",
    "json_array_query_constructor": "json_array", "json_object_agg": "json_objectagg",
    "json_array_agg": "json_arrayagg",
}  # fmt: skip
_XML = {
    ENUM["IS_XMLCONCAT"]: "xmlconcat", ENUM["IS_XMLELEMENT"]: "xmlelement", ENUM["IS_XMLFOREST"]: "xmlforest",
    ENUM["IS_XMLPARSE"]: "xmlparse", ENUM["IS_XMLPI"]: "xmlpi", ENUM["IS_XMLROOT"]: "xmlroot",
}  # fmt: skip
_JSON = {
    ENUM["JSON_EXISTS_OP"]: "json_exists", ENUM["JSON_QUERY_OP"]: "json_query",
    ENUM["JSON_VALUE_OP"]: "json_value",
}  # fmt: skip


def column_name(node: Message) -> str:
    """The name of a result column of this expression.

    >>> from devinprod_proxy.sql.parse import parse
    >>> select = parse("select a.b, f(1)::int, 1::int, 2").stmts[0].stmt.select_stmt
    >>> [column_name(t.res_target.val) for t in select.target_list]
    ['b', 'f', 'int4', '?column?']
    """
    return _figure(node)[0] or "?column?"


def _figure(node: Message) -> tuple[str | None, int]:
    kind: str = node.WhichOneof("node")
    message: Message = getattr(node, kind)
    if kind == "column_ref":
        last = message.fields[-1]
        return (last.string.sval, 2) if last.WhichOneof("node") == "string" else (None, 0)
    if kind == "a_indirection":
        for part in reversed(message.indirection):
            if part.WhichOneof("node") == "string":
                return part.string.sval, 2
        return _figure(message.arg)
    if kind == "func_call":
        return message.funcname[-1].string.sval, 2
    if kind == "a_expr":
        return ("nullif", 2) if message.kind == ENUM["AEXPR_NULLIF"] else (None, 0)
    if kind == "type_cast":
        name, strength = _figure(message.arg)
        if strength <= 1 and message.type_name.names:
            return message.type_name.names[-1].string.sval, 1
        return name, strength
    if kind == "collate_clause":
        return _figure(message.arg)
    if kind == "sub_link":
        return _sublink(message)
    if kind == "case_expr":
        name, strength = _figure(message.defresult) if message.HasField("defresult") else (None, 0)
        return (name, strength) if strength > 1 else ("case", 1)
    if kind == "min_max_expr":
        return ("greatest" if message.op == ENUM["IS_GREATEST"] else "least"), 2
    if kind == "sqlvalue_function":
        return _VALUE_FUNCTIONS.get(message.op), 2
    if kind == "xml_expr":
        return _XML.get(message.op), 2
    if kind == "json_func_expr":
        return _JSON.get(message.op), 2
    if kind in _FIXED:
        return _FIXED[kind], 2
    return None, 0


def _sublink(message: Message) -> tuple[str | None, int]:
    if message.sub_link_type == ENUM["EXISTS_SUBLINK"]:
        return "exists", 2
    if message.sub_link_type == ENUM["ARRAY_SUBLINK"]:
        return "array", 2
    if message.sub_link_type == ENUM["EXPR_SUBLINK"]:
        select = message.subselect.select_stmt
        while select.op != ENUM["SETOP_NONE"]:
            select = select.larg
        if select.target_list:
            first = select.target_list[0].res_target
            return first.name or column_name(first.val), 2
        if select.values_lists:
            return "column1", 2
    return None, 0
