"""What does a query do?  One walk over SELECT, INSERT, UPDATE, DELETE, MERGE and all inside them.

Names are resolved as the server resolves them (manual 5.10.3 and 7.8; parse_relation.c): an
unqualified name in FROM is a WITH query of this level or an outer one before it is a relation, a
write's target never is one, and relations are looked up along ``search_path`` with ``pg_temp`` and
``pg_catalog`` in front.

Every kind of node that may stand in a query is in :data:`_HANDLERS`; what is not there is not
understood, and ``decide`` refuses it. Above 250 lines because the table of node kinds is one thing.
"""

from __future__ import annotations

from collections.abc import Callable

from devinprod_proxy.errors import Refusal
from devinprod_proxy.sql import tree
from devinprod_proxy.sql.catalog import Relation
from devinprod_proxy.sql.expand_views import ViewBodies, merge_body
from devinprod_proxy.sql.masked_columns import MaskedColumns
from devinprod_proxy.sql.parse import ENUM, Message
from devinprod_proxy.sql.reading import Cte, Item, Reading, Scope, Site
from devinprod_proxy.sql.relation_facts import KINDS, RelationFacts
from devinprod_proxy.sql.world import World

_NO_SETOP = ENUM["SETOP_NONE"]
_ARRAY = ENUM["ARRAY_SUBLINK"]
_SAMPLE_METHODS = frozenset({"bernoulli", "system"})
_PLAIN_VALUE = frozenset({
    "Node", "A_Const", "ParamRef", "A_Expr", "TypeCast", "TypeName", "String", "Integer", "Float",
})  # fmt: skip


class Gatherer(RelationFacts):
    """One walk. *path* is the list of schemas that unqualified names are looked up in."""

    def query(self, node: Message, parent: Scope | None) -> Scope | None:
        """Walk a statement that may stand in WITH or FROM; its scope, None if it is something else."""
        kind = node.WhichOneof("node")
        read = _STATEMENTS.get(kind)
        if read is None:
            self.reading.unclear(f"{kind} inside a query")
            return None
        return read(self, getattr(node, kind), parent)

    def select(self, stmt: Message, parent: Scope | None) -> Scope:
        """Walk one SELECT, VALUES or set operation."""
        scope = Scope(parent, stmt)
        self.reading.queries.append(scope)
        expression = self.expression
        if stmt.op != _NO_SETOP:
            if stmt.HasField("with_clause"):
                self.with_clause(stmt.with_clause, scope)
            scope.parts = [self.select(stmt.larg, scope), self.select(stmt.rarg, scope)]
        elif stmt.HasField("with_clause"):
            self.with_clause(stmt.with_clause, scope)
        for item in stmt.from_clause:
            self.from_item(item, scope)
        for descriptor, value in stmt.ListFields():
            if descriptor.message_type is None or descriptor.name in _SELECT_APART:
                continue
            if descriptor.is_repeated:
                for node in value:
                    expression(node, scope)
            else:
                expression(value, scope)
        if stmt.group_clause:
            self.reading.grouped.append(scope)
        if stmt.locking_clause:
            self.reading.locks_rows = True
        if stmt.HasField("into_clause"):
            self.into(stmt.into_clause, scope)
        return scope

    def into(self, clause: Message, scope: Scope) -> None:
        """SELECT INTO and CREATE TABLE AS: a new table."""
        self.reading.creates = True
        self.created_name(clause.rel)
        for option in clause.options:
            self.expression(option, scope)

    def created_name(self, var: Message) -> None:
        """Note a relation that the statement makes."""
        if var.catalogname:
            var.catalogname = ""
        self.reading.use(
            self.catalog.schema_named(var.schemaname) or "",
            var.relname,
            "session",
            "ddl",
            False,
            var.location,
        )

    def with_clause(self, clause: Message, scope: Scope) -> None:
        """WITH: each query sees the ones before it, all of them when RECURSIVE."""
        known: list[Cte] = []
        for node in clause.ctes:
            message = node.common_table_expr
            cte = Cte(message.ctename, message, columns=tuple(tree.strings(message.aliascolnames)))
            known.append(cte)
            self.reading.ctes.append(cte)
            if clause.recursive:
                scope.ctes[cte.name] = cte
        for cte in known:
            cte.query = self.query(cte.message.ctequery, scope)
            for part in ("search_clause", "cycle_clause"):
                if cte.message.HasField(part):
                    self.inside(getattr(cte.message, part), scope)
            scope.ctes[cte.name] = cte

    def insert(self, stmt: Message, parent: Scope | None) -> Scope:
        """Walk one INSERT."""
        scope = Scope(parent, stmt)
        if stmt.HasField("with_clause"):
            self.with_clause(stmt.with_clause, scope)
        self.write("insert", stmt, stmt.relation, scope)
        if stmt.HasField("select_stmt"):
            self.query(stmt.select_stmt, scope)
        for column in stmt.cols:
            self.expression(column, scope)
        if stmt.HasField("on_conflict_clause"):
            clause = stmt.on_conflict_clause
            if clause.target_list:
                self.triggers_of("update", scope)
            self.inside(clause, scope)
        self.returning(stmt, scope)
        return scope

    def update(self, stmt: Message, parent: Scope | None) -> Scope:
        """Walk one UPDATE."""
        scope = Scope(parent, stmt)
        if stmt.HasField("with_clause"):
            self.with_clause(stmt.with_clause, scope)
        self.write("update", stmt, stmt.relation, scope)
        for item in stmt.from_clause:
            self.from_item(item, scope)
        for node in stmt.target_list:
            self.expression(node, scope)
        if stmt.HasField("where_clause"):
            self.expression(stmt.where_clause, scope)
        self.returning(stmt, scope)
        return scope

    def delete(self, stmt: Message, parent: Scope | None) -> Scope:
        """Walk one DELETE."""
        scope = Scope(parent, stmt)
        if stmt.HasField("with_clause"):
            self.with_clause(stmt.with_clause, scope)
        self.write("delete", stmt, stmt.relation, scope)
        for item in stmt.using_clause:
            self.from_item(item, scope)
        if stmt.HasField("where_clause"):
            self.expression(stmt.where_clause, scope)
        self.returning(stmt, scope)
        return scope

    def merge(self, stmt: Message, parent: Scope | None) -> Scope:
        """Walk one MERGE."""
        scope = Scope(parent, stmt)
        if stmt.HasField("with_clause"):
            self.with_clause(stmt.with_clause, scope)
        self.write("merge", stmt, stmt.relation, scope)
        self.from_item(stmt.source_relation, scope)
        if stmt.HasField("join_condition"):
            self.expression(stmt.join_condition, scope)
        for node in stmt.merge_when_clauses:
            self.inside(node.merge_when_clause, scope)
        self.returning(stmt, scope)
        return scope

    def returning(self, stmt: Message, scope: Scope) -> None:
        """Walk a RETURNING list."""
        if stmt.HasField("returning_clause"):
            written = next((item.target for item in scope.items if item.target is not None), None)
            names = [node.returning_option.value for node in stmt.returning_clause.options]
            scope.versions = [Item(name, target=written) for name in (*names, "old", "new")]
            for node in stmt.returning_clause.exprs:
                self.expression(node, scope)

    # -- FROM ----------------------------------------------------------------------------------

    def from_item(self, node: Message, scope: Scope) -> None:
        """Walk one item of FROM and add what it names to the scope."""
        kind = node.WhichOneof("node")
        if kind == "range_var":
            self.from_relation(node, node.range_var, scope)
        elif kind == "join_expr":
            join = node.join_expr
            self.from_item(join.larg, scope)
            self.from_item(join.rarg, scope)
            if join.HasField("quals"):
                self.expression(join.quals, scope)
            if join.using_clause:
                self.reading.names.update(tree.strings(join.using_clause))
                scope.joined = True
            if join.is_natural or join.alias.aliasname:
                scope.joined = scope.star = True
        elif kind == "range_subselect":
            sub = node.range_subselect
            inner = self.query(sub.subquery, scope)
            scope.items.append(
                Item(
                    sub.alias.aliasname,
                    query=inner,
                    lateral=sub.lateral,
                    columns=tuple(tree.strings(sub.alias.colnames)),
                )
            )
        elif kind == "range_table_sample":
            sample = node.range_table_sample
            method = tree.strings(sample.method)
            if method[-1] not in _SAMPLE_METHODS or len(method) > 1:
                self.call(method, (), sample.location)
            for size in (*sample.args, sample.repeatable):
                # It is copied with its relation, so nothing in it can be replaced later on.
                if any(m.DESCRIPTOR.name not in _PLAIN_VALUE for m in tree.messages(size)):
                    self.reading.unclear("TABLESAMPLE with more than numbers and parameters", sample.location)
            self.from_relation(node, sample.relation.range_var, scope)
            self.inside_but(sample, scope, "relation")
        elif kind in ("range_function", "range_table_func", "json_table"):
            message = getattr(node, kind)
            before = len(self.reading.calls)
            self.inside(message, scope)
            self.reading.from_calls += [call[0] for call in self.reading.calls[before:]]
            scope.items.append(Item(message.alias.aliasname))
        else:
            self.reading.unclear(f"{kind} in FROM")

    def from_relation(self, node: Message, var: Message, scope: Scope) -> None:
        """A name in FROM: a WITH query, or a relation."""
        alias = var.alias.aliasname or var.relname
        columns = tuple(tree.strings(var.alias.colnames)) if var.alias.colnames else ()
        if not var.schemaname:
            cte = scope.cte(var.relname)
            if cte is not None:
                cte.uses.append(var)
                scope.items.append(Item(alias, cte=cte, columns=columns))
                return
        relation = self.resolve(var)
        if relation is None:
            return
        if isinstance(relation, Relation):
            if relation.kind not in KINDS:
                self.reading.refuse(Refusal("42809", f'cannot open relation "{relation.name}"'), var.location)
                return
            site = Site(node, var, relation.schema, relation.name, relation, scope, alias)
            if relation.kind == "v" and not self.sight.own(relation):
                site.view = self.views.body(relation)
                merge_body(self.reading, site.view, var.location)
            self.used(relation, "read", var.location)
        else:
            site = Site(node, var, relation[0], relation[1], None, scope, alias)
            self.reading.use(relation[0], relation[1], "catalog", "read", False, var.location)
        self.reading.sites.append(site)
        scope.items.append(Item(alias, site=site, columns=columns))

    # -- relations -----------------------------------------------------------------------------
    # -- expressions ---------------------------------------------------------------------------

    def expression(self, node: Message, scope: Scope) -> None:
        """Walk one node of an expression."""
        kind = node.WhichOneof("node")
        handler = _HANDLERS.get(kind)
        if handler is None:
            if kind is not None:  # an empty place in a list, as in ROWS FROM
                self.reading.unclear(str(kind))
        else:
            handler(self, node, getattr(node, kind), scope)

    def inside(self, message: Message, scope: Scope) -> None:
        """Walk every node under a message that is not itself a Node."""
        for descriptor, value in message.ListFields():
            kind = descriptor.message_type
            if kind is None:
                continue
            name = kind.name
            if name == "Node":
                if descriptor.is_repeated:
                    for node in value:
                        self.expression(node, scope)
                else:
                    self.expression(value, scope)
            elif name == "TypeName":
                self.type_name(value)
            elif name == "Alias":
                continue
            elif name in _PLAIN_MESSAGES:
                self.inside(value, scope)
            elif name not in _LEAF_MESSAGES:
                self.reading.unclear(name)

    def inside_but(self, message: Message, scope: Scope, skipped: str) -> None:
        """As :meth:`inside`, without one field."""
        for descriptor, value in message.ListFields():
            if descriptor.message_type is not None and descriptor.name != skipped:
                for node in value if descriptor.is_repeated else (value,):
                    self.expression(node, scope)


def _plain(self: Gatherer, node: Message, message: Message, scope: Scope) -> None:
    self.inside(message, scope)


def _leaf(self: Gatherer, node: Message, message: Message, scope: Scope) -> None:
    pass


def _column(self: Gatherer, node: Message, message: Message, scope: Scope) -> None:
    fields = message.fields
    count = len(fields)
    last = fields[count - 1]
    if last.WhichOneof("node") == "a_star":
        if count == 1:
            scope.star = True
        else:
            scope.starred.add(fields[count - 2].string.sval)
    else:
        name = last.string.sval
        self.reading.names.add(name)
        if count > 1:
            self.attribute(name, message.location)
    if count > 2:
        self.reading.long_names.append(message)


def _call(self: Gatherer, node: Message, message: Message, scope: Scope) -> None:
    settings = len(self.reading.set_calls)
    self.function_call(node, message)
    if len(self.reading.set_calls) > settings and not _alone(scope):
        self.reading.unclear("set_config() in the middle of a query", message.location)
    self.inside(message, scope)


def _alone(scope: Scope) -> bool:
    """A SELECT that runs exactly once: no FROM, no condition, nothing around it."""
    statement = scope.statement
    return (
        scope.parent is None
        and statement.DESCRIPTOR.name == "SelectStmt"
        and {d.name for d, _ in statement.ListFields()} <= {"target_list", "limit_option", "op"}
    )


def _operator(self: Gatherer, node: Message, message: Message, scope: Scope) -> None:
    self.operator(message.name, message.location, message.kind)
    if message.HasField("lexpr"):
        self.expression(message.lexpr, scope)
    if message.HasField("rexpr"):
        self.expression(message.rexpr, scope)


def _cast(self: Gatherer, node: Message, message: Message, scope: Scope) -> None:
    self.cast(node, message)
    self.expression(message.arg, scope)


def _indirection(self: Gatherer, node: Message, message: Message, scope: Scope) -> None:
    for part in message.indirection:
        if part.WhichOneof("node") == "string":
            self.value_attribute(part.string.sval)
    self.inside(message, scope)


def _sort(self: Gatherer, node: Message, message: Message, scope: Scope) -> None:
    if message.use_op:
        self.operator(message.use_op, message.location)
    self.expression(message.node, scope)


def _sublink(self: Gatherer, node: Message, message: Message, scope: Scope) -> None:
    if message.oper_name:
        self.operator(message.oper_name, message.location)
    if message.HasField("testexpr"):
        self.expression(message.testexpr, scope)
    if message.sub_link_type == _ARRAY:
        self.reading.collects = True
    self.query(message.subselect, scope)


def _select(self: Gatherer, node: Message, message: Message, scope: Scope) -> None:
    self.select(message, scope)


def _moment(self: Gatherer, node: Message, message: Message, scope: Scope) -> None:
    self.value_function(node, message)


def _parameter(self: Gatherer, node: Message, message: Message, scope: Scope) -> None:
    if message.number > self.reading.parameters:
        self.reading.parameters = message.number


def _collects(self: Gatherer, node: Message, message: Message, scope: Scope) -> None:
    self.reading.collects = True
    self.inside(message, scope)


def _current_of(self: Gatherer, node: Message, message: Message, scope: Scope) -> None:
    self.reading.cursor = message.cursor_name


_Handler = Callable[[Gatherer, Message, Message, Scope], None]
_HANDLERS: dict[str, _Handler] = {
    "column_ref": _column, "a_const": _leaf, "param_ref": _parameter, "func_call": _call, "a_expr": _operator,
    "type_cast": _cast, "sub_link": _sublink, "select_stmt": _select, "sqlvalue_function": _moment,
    "a_indirection": _indirection,
    "json_object_agg": _collects, "json_array_agg": _collects, "json_array_query_constructor": _collects,
    "sort_by": _sort, "string": _leaf, "integer": _leaf, "float": _leaf,
    "boolean": _leaf, "bit_string": _leaf, "a_star": _leaf, "set_to_default": _leaf,
    "current_of_expr": _current_of,
    "type_name": lambda self, _node, message, _scope: self.type_name(message),
} | dict.fromkeys(
    (
        "bool_expr", "res_target", "a_array_expr", "case_expr", "case_when", "coalesce_expr", "min_max_expr",
        "row_expr", "null_test", "boolean_test", "list", "a_indices", "collate_clause", "named_arg_expr",
        "window_def", "grouping_set", "grouping_func", "multi_assign_ref", "infer_clause", "index_elem",
        "column_def", "merge_support_func",
        "xml_expr", "xml_serialize", "range_table_func_col",
        "json_func_expr", "json_object_constructor", "json_array_constructor",
        "json_agg_constructor", "json_is_predicate", "json_value_expr",
        "json_key_value", "json_parse_expr", "json_scalar_expr", "json_serialize_expr", "json_argument",
        "json_table_column", "json_table_path_spec", "json_behavior", "json_output", "json_format",
        "json_returning",
    ),
    _plain,
)  # fmt: skip
_PLAIN_MESSAGES = frozenset({
    "WindowDef", "InferClause", "CollateClause", "CaseWhen", "GroupingSet", "SortBy", "ResTarget", "List",
    "JsonOutput", "JsonReturning", "JsonFormat", "JsonValueExpr", "JsonAggConstructor", "JsonBehavior",
    "JsonTablePathSpec", "JsonArgument", "JsonKeyValue",
})  # fmt: skip
_LEAF_MESSAGES = frozenset({"String", "Integer", "Float", "Boolean", "BitString"})
_SELECT_APART = frozenset({"with_clause", "from_clause", "larg", "rarg", "into_clause", "locking_clause"})

_STATEMENTS: dict[str, Callable[[Gatherer, Message, Scope | None], Scope]] = {
    "select_stmt": Gatherer.select, "insert_stmt": Gatherer.insert, "update_stmt": Gatherer.update,
    "delete_stmt": Gatherer.delete, "merge_stmt": Gatherer.merge,
}  # fmt: skip
QUERY_KINDS = frozenset(_STATEMENTS)


def walk_view(
    world: World, sight: MaskedColumns, views: ViewBodies, path: tuple[str, ...], node: Message
) -> tuple[Reading, Scope | None]:
    """The walk over a view's definition, with a name resolution of its own."""
    gatherer = Gatherer(world, sight, views, path)
    gatherer.stored = True
    scope = gatherer.query(node, None)
    return gatherer.reading, scope
