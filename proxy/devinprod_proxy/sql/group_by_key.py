"""Pass: let ``GROUP BY id`` stand for the whole row, as it does for a table.

Grouped by a primary key, the server takes the table's other columns for given (manual, SELECT,
GROUP BY). It cannot see that through a subquery, so the columns that the statement uses are added to
GROUP BY: they depend on the key, and the groups stay the same. A column whose type has no equality
(json, xml, point ...) goes into ``any_value()`` instead (PostgreSQL 16 and later).
"""

from __future__ import annotations

from devinprod_proxy.sql import tree
from devinprod_proxy.sql.catalog import Catalog, Column, Relation
from devinprod_proxy.sql.column_names import column_name
from devinprod_proxy.sql.masked_columns import MaskedColumns
from devinprod_proxy.sql.parse import Message, Node
from devinprod_proxy.sql.reading import Item, Reading, Scope

_NO_EQUALITY = frozenset(
    """
    json xml point line lseg box path polygon circle jsonpath txid_snapshot pg_snapshot aclitem refcursor
    _json _xml _point _line _lseg _box _path _polygon _circle _jsonpath
    """.split()  # noqa: SIM905
)


def group_by_key(reading: Reading, catalog: Catalog, sight: MaskedColumns) -> None:
    """Complete GROUP BY wherever a table with masked columns is grouped by its primary key."""
    for scope in reading.grouped:
        for item in scope.items:
            site = item.site
            if site is None or site.relation is None or item.columns or not site.relation.primary_key:
                continue
            if sight.masked(site.relation) and _grouped_by_key(scope, item, site.relation):
                _complete(scope, item, site.relation, catalog)


def _grouped_by_key(scope: Scope, item: Item, relation: Relation) -> bool:
    keys = {c.name for c in relation.columns if c.attnum in relation.primary_key}
    for node in scope.statement.group_clause:
        if node.WhichOneof("node") == "grouping_set":
            return False
        named = _meant(node, scope)
        if named is not None:
            column = _column_of(named, scope, item, relation)
            if column is not None:
                keys.discard(column.name)
    return not keys


def _meant(node: Message, scope: Scope) -> Message | None:
    """The column reference that an item of GROUP BY is, also as an output's number or name."""
    targets = scope.statement.target_list
    kind = node.WhichOneof("node")
    if kind == "a_const" and node.a_const.WhichOneof("val") == "ival":
        position = node.a_const.ival.ival
        if 0 < position <= len(targets):
            value = targets[position - 1].res_target.val
            return value.column_ref if value.WhichOneof("node") == "column_ref" else None
        return None
    return node.column_ref if kind == "column_ref" else None


def _column_of(reference: Message, scope: Scope, item: Item, relation: Relation) -> Column | None:
    fields = reference.fields
    last = fields[-1]
    if last.WhichOneof("node") != "string":
        return None
    column = relation.by_name.get(last.string.sval)
    if column is None:
        return None
    if len(fields) > 1:
        return column if fields[-2].string.sval == item.alias else None
    for other in scope.items:
        if other is not item and (
            other.site is not None
            and other.site.relation is not None
            and column.name in other.site.relation.by_name
        ):
            return None
    return column


def _complete(scope: Scope, item: Item, relation: Relation, catalog: Catalog) -> None:
    statement = scope.statement
    _expand_stars(scope, item, relation, catalog)
    unnamed = [n.res_target for n in statement.target_list if not n.res_target.name]
    names = [column_name(target.val) for target in unnamed]
    _take_fields(statement, item, relation)
    added: dict[str, Message] = {}
    for node in _places(statement):
        if _whole_row(node.column_ref, item, relation):
            _any_value(node)
            continue
        column = _column_of(node.column_ref, scope, item, relation)
        if column is None or column.attnum in relation.primary_key:
            continue
        if _equality(column, catalog):
            added.setdefault(column.name, tree.column(item.alias, column.name))
        else:
            _any_value(node)
    for target, name in zip(unnamed, names, strict=True):
        if column_name(target.val) != name:
            target.name = name
    present = {
        named.fields[-1].string.sval
        for named in (_meant(n, scope) for n in statement.group_clause)
        if named is not None and _column_of(named, scope, item, relation) is not None
    }
    for name, reference in added.items():
        if name not in present:
            statement.group_clause.add().MergeFromString(reference.SerializeToString())


def _take_fields(statement: Message, item: Item, relation: Relation) -> None:
    """``(u).nick`` is ``u.nick``."""
    for node in tree.messages(statement):
        if node.DESCRIPTOR.name != "Node" or node.WhichOneof("node") != "a_indirection":
            continue
        row, parts = node.a_indirection.arg, node.a_indirection.indirection
        if len(parts) != 1 or parts[0].WhichOneof("node") != "string":
            continue
        if row.WhichOneof("node") == "column_ref" and _whole_row(row.column_ref, item, relation):
            tree.put(node, tree.column(item.alias, parts[0].string.sval))


def _whole_row(reference: Message, item: Item, relation: Relation) -> bool:
    """``u`` or, inside of an expression, ``u.*``."""
    fields = reference.fields
    if fields[-1].WhichOneof("node") != "string":
        return len(fields) == 2 and bool(fields[0].string.sval == item.alias)
    return len(fields) == 1 and fields[0].string.sval == item.alias and item.alias not in relation.by_name


def _equality(column: Column, catalog: Catalog) -> bool:
    base = catalog.base_type(column.type_oid)
    return base is None or base.name not in _NO_EQUALITY


def _places(statement: Message) -> list[Message]:
    """The Nodes of the output, HAVING and ORDER BY that are column references."""
    roots = [n.res_target.val for n in statement.target_list]
    if statement.HasField("having_clause"):
        roots.append(statement.having_clause)
    outputs = {n.res_target.name for n in statement.target_list if n.res_target.name}
    for node in statement.sort_clause:
        ordered = node.sort_by.node
        output = ordered.WhichOneof("node") == "column_ref" and len(ordered.column_ref.fields) == 1
        if not (output and ordered.column_ref.fields[0].string.sval in outputs):
            roots.append(ordered)
    return [
        message
        for root in roots
        for message in tree.messages(root)
        if message.DESCRIPTOR.name == "Node" and message.WhichOneof("node") == "column_ref"
    ]


def _any_value(node: Message) -> None:
    inner = node.SerializeToString()
    call = Node()
    tree.set_strings(call.func_call.funcname, ("pg_catalog", "any_value"))
    call.func_call.args.add().MergeFromString(inner)
    call.func_call.funcformat = 1
    call.func_call.location = -1
    node.ParseFromString(call.SerializeToString())


def _expand_stars(scope: Scope, item: Item, relation: Relation, catalog: Catalog) -> None:
    """``u.*`` of a table with a json column, column by column: only so can one be in any_value()."""
    targets = scope.statement.target_list
    # In their places: other passes hold on to the nodes beside.
    for node in list(targets):
        value = node.res_target.val
        fields = value.column_ref.fields if value.WhichOneof("node") == "column_ref" else []
        star = bool(fields) and fields[-1].WhichOneof("node") == "a_star"
        mine = star and (
            (len(fields) == 1 and len(scope.items) == 1)
            or (len(fields) > 1 and fields[-2].string.sval == item.alias)
        )
        if not mine:
            continue
        place = next(number for number, each in enumerate(targets) if each is node)
        for number, column in enumerate(relation.columns):
            name = "" if _equality(column, catalog) else column.name
            made = tree.res_target(tree.column(item.alias, column.name), name)
            if number == 0:
                tree.put(node, made)
            else:
                targets.insert(place + number, made)
