"""Whose data does a statement look at?  The tables with a subject, and how their people are counted.

A person is counted under the table whose own key it is: ``orders.customer_id`` that references
``customers.id`` is the customer. A statement is *pinned* to a person where every row that it shows is
under ``AND key = constant``, directly or by an equality with such a key.
"""

from __future__ import annotations

from collections.abc import Iterator

from devinprod_proxy.sql import tree
from devinprod_proxy.sql.catalog import Catalog, Column, Relation
from devinprod_proxy.sql.masked_columns import MaskedColumns
from devinprod_proxy.sql.outputs import Outputs
from devinprod_proxy.sql.parse import ENUM, Message, Node, ParseResult
from devinprod_proxy.sql.reading import Reading, Scope
from devinprod_proxy.sql.statement import PROBE_LIMIT, FixedKey, People, SubjectUse
from devinprod_proxy.sql.world import World

_AGGREGATES = frozenset(
    """
    sum avg min max string_agg array_agg json_agg jsonb_agg json_agg_strict jsonb_agg_strict json_object_agg
    jsonb_object_agg json_object_agg_strict jsonb_object_agg_strict json_object_agg_unique
    jsonb_object_agg_unique xmlagg any_value bool_and bool_or every bit_and bit_or bit_xor range_agg
    range_intersect_agg stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp
    regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy mode
    percentile_cont percentile_disc first_value last_value nth_value lag lead
    """.split()  # noqa: SIM905
)
_INNER = ENUM["JOIN_INNER"]
_Origin = tuple[int, int]


def people_of(reading: Reading, outputs: Outputs, world: World, sight: MaskedColumns) -> People | None:
    """How the people of a statement are counted; None when it looks at nobody's data."""
    uses: list[SubjectUse] = []
    places: list[tuple[Scope, str, str, str]] = []
    pinned: dict[int, dict[_Origin, tuple[FixedKey, ...]]] = {}
    grouped = True
    for scope, alias, relation, column in _subjects(reading, sight):
        origin = (relation.oid, column.attnum)
        table = _person(relation, column, world.catalog, sight)
        if id(scope) not in pinned:
            pinned[id(scope)] = _pinned(scope, outputs)
        uses.append(SubjectUse(table, *origin, fixed=pinned[id(scope)].get(origin, ())))
        grouped = grouped and _grouped_by(scope, origin, outputs)
        if alias:
            places.append((scope, alias, column.name, table))
    if not uses:
        return None
    aggregates = not grouped and _aggregates(reading, world.catalog)
    if aggregates:
        reading.probed = [place[:3] for place in places if place[3] == uses[0].table]
        reading.names |= {name for _, _, name in reading.probed}
    return People(tuple(dict.fromkeys(uses)), aggregates)


def probe(reading: Reading, run: Message) -> Message | None:
    """The count of the people that an aggregate scans, of the rewritten statement *run*.

    The statement itself stands behind ``true OR``, where it is not run but gives the parameters
    their types.
    """
    select = run if run.DESCRIPTOR.name == "SelectStmt" else None
    scopes = _addressable(reading)
    parts = [p for p in reading.probed if id(p[0]) in scopes]
    if select is None or not parts or reading.targets or reading.creates:
        return None
    union: Message | None = None
    for scope, alias, name in parts:
        each = tree.new_select()
        key = Node()
        key.type_cast.location = -1
        key.type_cast.type_name.typemod = -1
        tree.set_strings(key.type_cast.type_name.names, ("pg_catalog", "text"))
        key.type_cast.arg.MergeFromString(tree.column(alias, name).SerializeToString())
        item = each.target_list.add().res_target
        item.name, item.location = "k", -1
        item.val.MergeFromString(key.SerializeToString())
        for node in scope.statement.from_clause:
            each.from_clause.add().MergeFromString(node.SerializeToString())
        if scope.statement.HasField("where_clause"):
            each.where_clause.MergeFromString(scope.statement.where_clause.SerializeToString())
        if union is None:
            union = each
        else:
            both = tree.new_select()
            both.op = ENUM["SETOP_UNION"]
            both.larg.MergeFromString(union.SerializeToString())
            both.rarg.MergeFromString(each.SerializeToString())
            union = both
    assert union is not None
    if len(parts) == 1:
        union.distinct_clause.add()
    if select.HasField("with_clause"):
        union.with_clause.MergeFromString(select.with_clause.SerializeToString())
    union.limit_count.a_const.ival.ival = PROBE_LIMIT
    union.limit_option = ENUM["LIMIT_OPTION_COUNT"]
    whole = tree.statement(
        "SELECT pg_catalog.count(*) FROM (SELECT 1) AS __p WHERE true OR EXISTS (SELECT 1)"
    )
    whole.from_clause[0].range_subselect.subquery.select_stmt.CopyFrom(union)
    whole.where_clause.bool_expr.args[1].sub_link.subselect.select_stmt.CopyFrom(select)
    made = ParseResult()
    made.version = 180_000
    made.stmts.add().stmt.select_stmt.CopyFrom(whole)
    return made


# -- whose ---------------------------------------------------------------------------------------


def _subjects(reading: Reading, sight: MaskedColumns) -> Iterator[tuple[Scope, str, Relation, Column]]:
    """Every use of a table with a subject: in FROM, inside of views, as COPY's table, in RETURNING."""
    for site in reading.sites:
        if site.view is not None:
            for scope, _, relation, column in _subjects(site.view.reading, sight):
                yield scope, "", relation, column
        elif site.relation is not None:
            subject = _subject(site.relation, sight)
            if subject is not None:
                yield site.scope, site.alias, site.relation, subject
    for target in reading.targets:
        subject = _subject(target.relation, sight)
        copies = target.statement.DESCRIPTOR.name == "CopyStmt"
        if subject is not None and not copies and target.statement.returning_clause.exprs:
            yield target.scope, "", target.relation, subject
    for copied in reading.copies:
        if isinstance(copied.relation, Relation):
            subject = _subject(copied.relation, sight)
            if subject is not None:
                yield Scope(None, copied.statement), "", copied.relation, subject


def _subject(relation: Relation, sight: MaskedColumns) -> Column | None:
    return None if sight.own(relation) else sight.subject(relation)


def _person(relation: Relation, column: Column, catalog: Catalog, sight: MaskedColumns) -> str:
    """The table whose own key the subject is, along foreign keys."""
    seen: set[int] = set()
    while relation.oid not in seen:
        seen.add(relation.oid)
        for key in catalog.referenced_by.get(relation.oid, ()):
            other = catalog.relations.get(key.referenced)
            if other is None or key.columns != (column.attnum,):
                continue
            subject = sight.subject(other)
            if subject is not None and key.referenced_columns == (subject.attnum,):
                relation, column = other, subject
                break
    return relation.full_name


# -- pinned --------------------------------------------------------------------------------------


def _pinned(scope: Scope, outputs: Outputs) -> dict[_Origin, tuple[FixedKey, ...]]:
    """The columns of a query level that are under AND equal to constants or parameters."""
    statement = scope.statement
    if statement.DESCRIPTOR.name == "CopyStmt":
        return {}
    equal: list[tuple[_Origin, _Origin]] = []
    found: dict[_Origin, tuple[FixedKey, ...]] = {}
    for part in _conjuncts(statement):
        if part.WhichOneof("node") != "a_expr":
            continue
        expression = part.a_expr
        if tree.strings(expression.name) != ["="] or expression.kind not in _EQUALS:
            continue
        left = _origin(expression.lexpr, scope, outputs)
        right = _origin(expression.rexpr, scope, outputs)
        if left is not None and right is not None:
            equal.append((left, right))
            continue
        for origin, other in ((left, expression.rexpr), (right, expression.lexpr)):
            keys = None if origin is None else _keys(expression.kind, other)
            if origin is not None and keys is not None:
                found.setdefault(origin, keys)
    for _ in equal:
        for left, right in equal:
            if left in found:
                found.setdefault(right, found[left])
            elif right in found:
                found.setdefault(left, found[right])
    return found


_EQUALS = frozenset({ENUM["AEXPR_OP"], ENUM["AEXPR_IN"], ENUM["AEXPR_OP_ANY"]})


def _conjuncts(statement: Message) -> Iterator[Message]:
    if "where_clause" in statement.DESCRIPTOR.fields_by_name and statement.HasField("where_clause"):
        yield from tree.conjuncts(statement.where_clause)
    stack = list(getattr(statement, "from_clause", ()))
    while stack:
        node = stack.pop()
        if node.WhichOneof("node") == "join_expr" and node.join_expr.jointype == _INNER:
            stack += [node.join_expr.larg, node.join_expr.rarg]
            if node.join_expr.HasField("quals"):
                yield from tree.conjuncts(node.join_expr.quals)


def _origin(node: Message, scope: Scope, outputs: Outputs) -> _Origin | None:
    if node.WhichOneof("node") != "column_ref":
        return None
    # Two uses of one table cannot be told apart by origin: then nothing is pinned.
    origin = outputs.origin(node.column_ref, scope)
    if origin is None:
        return None
    uses = sum(
        1 for item in scope.items if any(column.origin == origin for column in outputs.item(item) or ())
    )
    return origin if uses == 1 else None


def _keys(kind: int, node: Message) -> tuple[FixedKey, ...] | None:
    """The constants and parameters that a key is equal to; None when there is anything else."""
    if kind == ENUM["AEXPR_OP"]:
        items = [node]
    elif kind == ENUM["AEXPR_IN"]:
        items = list(node.list.items)
    elif node.WhichOneof("node") == "a_array_expr":
        items = list(node.a_array_expr.elements)
    else:
        return None
    found = [_key(item) for item in items]
    return tuple(f for f in found if f is not None) if items and None not in found else None


def _key(node: Message) -> FixedKey | None:
    kind = node.WhichOneof("node")
    if kind == "type_cast":
        return _key(node.type_cast.arg)
    if kind == "param_ref":
        return FixedKey(parameter=node.param_ref.number)
    if kind == "a_const":
        value = node.a_const.WhichOneof("val")
        if value == "ival":
            return FixedKey(literal=str(node.a_const.ival.ival))
        if value == "sval":
            return FixedKey(literal=node.a_const.sval.sval)
        if value == "fval":
            return FixedKey(literal=node.a_const.fval.fval)
    return None


# -- aggregates ----------------------------------------------------------------------------------


def _aggregates(reading: Reading, catalog: Catalog) -> bool:
    """True when one row of the result may speak of many people."""
    for node, name, own in reading.calls:
        if name in _AGGREGATES or any(f.kind == "a" for f in own):
            return True
        call = node.func_call
        if name != "count" and (call.agg_distinct or call.agg_order or call.HasField("agg_filter")):
            return True
    return reading.collects or any(
        site.view is not None and _aggregates(site.view.reading, catalog) for site in reading.sites
    )


def _grouped_by(scope: Scope, origin: _Origin, outputs: Outputs) -> bool:
    """True when each row of this level is about one person: grouped by the key."""
    if scope.statement.DESCRIPTOR.name != "SelectStmt":
        return False
    targets = scope.statement.target_list
    for node in scope.statement.group_clause:
        if node.WhichOneof("node") == "a_const":
            position = node.a_const.ival.ival
            if 0 < position <= len(targets):
                node = targets[position - 1].res_target.val
        if node.WhichOneof("node") == "column_ref" and outputs.origin(node.column_ref, scope) == origin:
            return True
    return False


def _addressable(reading: Reading) -> set[int]:
    """The query levels whose FROM and WHERE mean the same on their own: no outer names in them."""
    found: set[int] = set()
    stack = [reading.top] if reading.top is not None else []
    stack += [cte.query for cte in reading.ctes if cte.query is not None]
    while stack:
        scope = stack.pop()
        if id(scope) in found or scope.statement.DESCRIPTOR.name != "SelectStmt":
            continue
        found.add(id(scope))
        stack += scope.parts
        stack += [item.query for item in scope.items if item.query is not None and not item.lateral]
    return found
