"""What does a change of the schema do?  DDL, judged by what it could take from under a rule.

A migration may be tried: tables, columns, indexes, constraints, types come and go inside the
session. But an expression over a masked column is an oracle even if nothing shows it (an index that
fails on one value, a CHECK that holds or not), and renaming, moving, attaching or inheriting takes a
column from under the name that its rule goes by. Every kind of ALTER TABLE that is known to be
harmless is in :data:`_HARMLESS`; the words for the others are those of ``policy/decide.py``.

Nothing in here runs at a moment, so ``now()`` in a DEFAULT stays what it is. Above 400 lines because
one table of what DDL is understood is one thing to review.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from devinprod_proxy.errors import Refusal
from devinprod_proxy.policy.facts import Access
from devinprod_proxy.sql import tree
from devinprod_proxy.sql.catalog import Relation
from devinprod_proxy.sql.gather_facts import QUERY_KINDS, Gatherer
from devinprod_proxy.sql.parse import ENUM, Message
from devinprod_proxy.sql.reading import Scope
from devinprod_proxy.sql.replace_relations import qualify


def _subtypes(*names: str) -> frozenset[int]:
    return frozenset(ENUM[f"AT_{name}"] for name in names)


_HARMLESS = _subtypes(
    "AddColumn", "ColumnDefault", "DropNotNull", "SetNotNull", "SetExpression", "DropExpression",
    "SetStatistics", "SetOptions", "ResetOptions", "SetStorage", "SetCompression", "DropColumn",
    "AddConstraint", "AlterConstraint", "ValidateConstraint", "DropConstraint", "ClusterOn", "DropCluster",
    "SetLogged", "SetUnLogged", "SetRelOptions", "ResetRelOptions", "ReplaceRelOptions", "EnableTrig",
    "EnableAlwaysTrig", "EnableReplicaTrig", "DisableTrig", "EnableTrigAll", "DisableTrigAll",
    "EnableTrigUser", "DisableTrigUser", "AddIdentity", "SetIdentity", "DropIdentity", "AddColumnToView",
    "AddIndexConstraint",
)  # fmt: skip
_DETAIL = {
    ENUM[f"AT_{name}"]: f"alter:{detail}"
    for name, detail in {
        "AlterColumnType": "type", "ChangeOwner": "owner", "AddInherit": "inherit", "DropInherit": "inherit",
        "AttachPartition": "attach", "DetachPartition": "detach", "DetachPartitionFinalize": "detach",
        "AddOf": "type_of", "DropOf": "type_of", "ReplicaIdentity": "replica_identity",
        "EnableRowSecurity": "row_security", "DisableRowSecurity": "row_security",
        "ForceRowSecurity": "row_security", "NoForceRowSecurity": "row_security", "EnableRule": "rule",
        "EnableAlwaysRule": "rule", "EnableReplicaRule": "rule", "DisableRule": "rule",
    }.items()
}  # fmt: skip
_TABLE_LIKE = frozenset(
    ENUM[f"OBJECT_{n}"] for n in ("TABLE", "VIEW", "MATVIEW", "FOREIGN_TABLE", "INDEX", "SEQUENCE")
)
_DROPPED = _TABLE_LIKE | frozenset(
    ENUM[f"OBJECT_{n}"]
    for n in (
        "TYPE", "DOMAIN", "SCHEMA", "TRIGGER", "FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE",
        "STATISTIC_EXT", "POLICY", "RULE", "COLLATION",
    )
)  # fmt: skip
_RENAMED_FREELY = frozenset(
    ENUM[f"OBJECT_{n}"]
    for n in ("INDEX", "SEQUENCE", "TABCONSTRAINT", "DOMCONSTRAINT", "TRIGGER", "ATTRIBUTE", "POLICY")
)
_RENAMED_WITH_CARE = frozenset(
    ENUM[f"OBJECT_{n}"] for n in ("TABLE", "COLUMN", "VIEW", "MATVIEW", "FOREIGN_TABLE")
)
_UNORDERED = frozenset({"hash", "gin", "brin"})
_REINDEXED = frozenset(ENUM[f"REINDEX_OBJECT_{n}"] for n in ("INDEX", "TABLE"))


class SchemaGatherer(Gatherer):
    """The walk over one DDL statement."""

    def schema(self, kind: str, stmt: Message) -> bool:
        """Walk a DDL statement; False when it is none that is known here."""
        read = _SCHEMA.get(kind)
        if read is None:
            return False
        read(self, stmt, Scope(None, stmt))
        return True

    @property
    def hides_nothing(self) -> bool:
        """The policy masks nothing at all, so there is nothing to take from under a rule."""
        return self.world.policy.hides_nothing

    # -- parts ---------------------------------------------------------------------------------

    def timeless(self, node: Message, scope: Scope) -> None:
        """Walk an expression that is stored and not run."""
        moments = len(self.reading.moments)
        self.expression(node, scope)
        del self.reading.moments[moments:]

    def over(self, relation: Relation | None, nodes: Iterable[Message], scope: Scope) -> None:
        """Walk stored expressions over a relation's columns, and see whether they mention masked ones."""
        for node in nodes:
            self.timeless(node, scope)
            if relation is not None and mentions(node, relation, set(self.sight.masks(relation))):
                self.reading.details.add("ddl_expression")

    def changed(self, var: Message, *, missing_ok: bool = False, access: Access = "ddl") -> Relation | None:
        """The relation that is changed; with IF EXISTS it may be missing."""
        if missing_ok and self.find(var) is None:
            return None
        relation = self.own_relation(var)
        if relation is not None:
            self.used(relation, access, var.location)
            qualify(var, relation)
        return relation

    def options(self, nodes: Iterable[Message], scope: Scope) -> None:
        """Options of some object: names and constants."""
        for node in nodes:
            for message in tree.messages(node):
                if message.DESCRIPTOR.name in ("SelectStmt", "RangeVar", "FuncCall", "ColumnRef"):
                    self.reading.unclear("an option of this statement")

    def column(self, relation: Relation | None, definition: Message, scope: Scope) -> None:
        """One column definition."""
        if definition.HasField("type_name"):
            self.type_name(definition.type_name)
        if definition.HasField("raw_default"):
            self.over(relation, [definition.raw_default], scope)
        for node in definition.constraints:
            self.constraint(relation, node.constraint, scope)
        self.options(definition.fdwoptions, scope)

    def constraint(self, relation: Relation | None, message: Message, scope: Scope) -> None:
        """One constraint: CHECK, DEFAULT, GENERATED, EXCLUDE and foreign keys have something to say."""
        for part in ("raw_expr", "where_clause"):
            if message.HasField(part):
                self.over(relation, [getattr(message, part)], scope)
        for exclusion in message.exclusions:
            self.over(relation, exclusion.list.items[:1], scope)
        self.options(message.options, scope)
        excluded = [exclusion.list.items[0].index_elem.name for exclusion in message.exclusions]
        if message.keys or excluded:
            partial = bool(excluded) or message.HasField("where_clause")
            self.ordering(relation, [*tree.strings(message.keys), *excluded], partial, message.location)
        if not message.HasField("pktable"):
            return
        # A foreign key asks for every value of one column whether the other has it.
        masked = set() if relation is None else set(self.sight.masks(relation))
        if masked & set(tree.strings(message.fk_attrs)):
            self.reading.details.add("ddl_expression")
        referenced = self.own_relation(message.pktable)
        if referenced is None:
            return
        self.used(referenced, "read", message.pktable.location)
        qualify(message.pktable, referenced)
        keys = set(tree.strings(message.pk_attrs)) or {
            c.name for c in referenced.columns if c.attnum in referenced.primary_key
        }
        if keys & set(self.sight.masks(referenced)):
            self.reading.details.add("ddl_expression")

    def elements(self, nodes: Iterable[Message], scope: Scope, parent: Relation | None = None) -> None:
        """What stands between the parentheses of CREATE TABLE; a partition gets rows of its *parent*."""
        for node in nodes:
            kind = node.WhichOneof("node")
            if kind == "column_def":
                self.column(parent, node.column_def, scope)
            elif kind == "constraint":
                self.constraint(parent, node.constraint, scope)
            elif kind == "table_like_clause":
                like = node.table_like_clause.relation
                relation = self.own_relation(like)
                if relation is not None:
                    self.used(relation, "read", like.location)
                    qualify(like, relation)
                    self.copied_expressions(relation, scope)
            else:
                self.reading.unclear(f"{kind} in CREATE TABLE")

    def copied_expressions(self, relation: Relation, scope: Scope) -> None:
        """LIKE copies generated columns: in a table of the session's own they would compute anew."""
        for column in relation.columns:
            if column.generated and column.default:
                path, self.path, self.stored = self.path, ("pg_catalog",), True
                self.timeless(tree.node(tree.expression(column.default)), scope)
                self.path, self.stored = path, False

    def bound(self, message: Message, scope: Scope) -> None:
        """The bounds of a partition."""
        for part in (message.listdatums, message.lowerdatums, message.upperdatums):
            for node in part:
                self.timeless(node, scope)

    def opaque(self, stmt: Message, scope: Scope) -> None:
        """Plants something that runs later, unseen."""
        self.reading.details.add("opaque_body")

    # -- CREATE --------------------------------------------------------------------------------

    def create_table(self, stmt: Message, scope: Scope) -> None:
        self.created_name(stmt.relation)
        partitioned = stmt.inh_relations[0].range_var if stmt.HasField("partbound") else None
        parent_of_rows = None if partitioned is None else self.find(partitioned)
        self.elements(stmt.table_elts, scope, parent_of_rows)
        self.elements(stmt.constraints, scope, parent_of_rows)
        self.options(stmt.options, scope)
        for node in stmt.inh_relations:
            parent = self.own_relation(node.range_var)
            if parent is None:
                continue
            self.used(parent, "read", node.range_var.location)
            qualify(node.range_var, parent)
            keys = self.catalog.partition_keys.get(parent.oid, ())
            masked = {parent.by_name[name].attnum for name in self.sight.masks(parent)}
            if stmt.HasField("partbound") and masked and (0 in keys or masked & set(keys)):
                self.reading.details.add("ddl_expression")
        if stmt.HasField("partbound"):
            self.bound(stmt.partbound, scope)
        for node in stmt.partspec.part_params:
            if node.partition_elem.HasField("expr"):
                self.timeless(node.partition_elem.expr, scope)
        if stmt.HasField("of_typename"):
            self.type_name(stmt.of_typename)

    def create_as(self, stmt: Message, scope: Scope) -> None:
        if stmt.query.WhichOneof("node") not in QUERY_KINDS:
            self.reading.unclear("CREATE TABLE AS EXECUTE")
            return
        self.into(stmt.into, scope)
        self.query(stmt.query, None)

    def view(self, stmt: Message, scope: Scope) -> None:
        self.created_name(stmt.view)
        self.options(stmt.options, scope)
        self.query(stmt.query, None)

    def index(self, stmt: Message, scope: Scope) -> None:
        relation = self.changed(stmt.relation)
        if stmt.concurrent:
            self.reading.details.add("concurrently")
        for node in (*stmt.index_params, *stmt.index_including_params):
            if node.index_elem.HasField("expr"):
                self.over(relation, [node.index_elem.expr], scope)
            self.options(node.index_elem.opclassopts, scope)
        if stmt.HasField("where_clause"):
            self.over(relation, [stmt.where_clause], scope)
        self.options(stmt.options, scope)
        keys = [node.index_elem.name for node in stmt.index_params]
        if stmt.access_method not in _UNORDERED:
            self.ordering(relation, keys, stmt.HasField("where_clause"), stmt.relation.location)

    def ordering(self, relation: Relation | None, keys: list[str], partial: bool, location: int) -> None:
        """An index that a condition on clear columns can use gives rows in the order of its masked keys.

        The order of a masked column alone is of no use to the planner.
        """
        if relation is None or not self.sight.masks(relation).keys() & set(keys):
            return
        if partial or len(keys) > 1:
            self.reading.refuse(
                Refusal(
                    "42501",
                    "an index of a masked column with others would give rows in the order of its values",
                    hint="Index the masked column alone and without WHERE, or USING hash.",
                ),
                location,
            )

    def sequence(self, stmt: Message, scope: Scope) -> None:
        self.created_name(stmt.sequence)
        self.options(stmt.options, scope)

    def alter_sequence(self, stmt: Message, scope: Scope) -> None:
        relation = self.changed(stmt.sequence, missing_ok=stmt.missing_ok)
        if relation is not None and not self.sight.own(relation):
            self.reading.refuse(
                Refusal(
                    "42501",
                    f"sequence {relation.full_name} is production's: altering it would make others wait",
                    hint="The sequences of a session stand far above production's: nextval() is free to use.",
                ),
                stmt.sequence.location,
            )
        self.options(stmt.options, scope)

    def create_schema(self, stmt: Message, scope: Scope) -> None:
        if stmt.schema_elts:
            self.reading.unclear("CREATE SCHEMA with elements")

    def names_only(self, stmt: Message, scope: Scope) -> None:
        """Nothing in it can read anything."""
        self.options(getattr(stmt, "options", ()), scope)

    def domain(self, stmt: Message, scope: Scope) -> None:
        self.type_name(stmt.type_name)
        for node in stmt.constraints:
            self.constraint(None, node.constraint, scope)

    def alter_domain(self, stmt: Message, scope: Scope) -> None:
        name = tree.strings(stmt.type_name)[-1]
        hidden = any(
            self._made_of(relation.by_name[column].type_oid, name)
            for relation in self.catalog.relations.values()
            for column in self.sight.masks(relation)
        )
        # The server looks at every column of the domain: whether that succeeds tells about values.
        if hidden and stmt.subtype in ("C", "V", "O"):
            self.reading.details.add("ddl_expression")
        if stmt.HasField("def"):
            definition = getattr(stmt, "def")
            if definition.WhichOneof("node") == "constraint":
                self.constraint(None, definition.constraint, scope)
            else:
                self.timeless(definition, scope)

    def _made_of(self, oid: int, name: str) -> bool:
        """Whether a type is, or is built on, a type of that name: domains over domains, arrays of them."""
        seen: set[int] = set()
        while oid and oid not in seen:
            seen.add(oid)
            found = self.catalog.types.get(oid)
            if found is None:
                return False  # one of PostgreSQL's own
            if found.name == name or found.kind == "c":  # what a row type holds is not looked at: it counts
                return True
            oid = found.base or found.element
        return False

    def composite(self, stmt: Message, scope: Scope) -> None:
        self.created_name(stmt.typevar)
        for node in stmt.coldeflist:
            self.column(None, node.column_def, scope)

    def statistics(self, stmt: Message, scope: Scope) -> None:
        for node in stmt.relations:
            relation = self.changed(node.range_var)
            if relation is None:
                continue
            masked = self.sight.masks(relation)
            for expression in stmt.exprs:
                element = expression.stats_elem
                if element.name in masked:
                    self.reading.details.add("ddl_expression")
                if element.HasField("expr"):
                    self.over(relation, [element.expr], scope)

    # -- ALTER, DROP ---------------------------------------------------------------------------

    def alter_table(self, stmt: Message, scope: Scope) -> None:
        relation = self.changed(stmt.relation, missing_ok=stmt.missing_ok)
        for node in stmt.cmds:
            self.command(relation, node.alter_table_cmd, scope)

    def command(self, relation: Relation | None, command: Message, scope: Scope) -> None:
        """One command of ALTER TABLE."""
        detail = _DETAIL.get(command.subtype)
        if detail is None and command.subtype not in _HARMLESS:
            self.reading.unclear("this form of ALTER")
            return
        definition: Message = getattr(command, "def")
        kind: str | None = definition.WhichOneof("node")
        masked = {} if relation is None else self.sight.masks(relation)
        if detail == "alter:type":
            if command.name not in masked:
                detail = None  # the type of a clear column; what USING says is looked at below
            else:
                kind = None
        if detail is not None:
            self.reading.details.add(detail)
        if kind is None:
            return
        if kind == "column_def":
            self.column(relation, definition.column_def, scope)
        elif kind == "constraint":
            self.constraint(relation, definition.constraint, scope)
        elif kind == "range_var":
            self.changed(definition.range_var)
        elif kind == "partition_cmd":
            self.changed(definition.partition_cmd.name)
            if definition.partition_cmd.concurrent:
                self.reading.details.add("concurrently")
            self.bound(definition.partition_cmd.bound, scope)
        elif kind in ("list", "def_elem", "string", "integer", "float", "boolean", "replica_identity_stmt"):
            self.options([definition], scope)
        elif kind == "type_name":
            self.type_name(definition.type_name)
        else:
            self.over(relation, [definition], scope)

    def rename(self, stmt: Message, scope: Scope) -> None:
        if stmt.HasField("relation"):
            relation = self.changed(stmt.relation, missing_ok=stmt.missing_ok)
            moved = stmt.rename_type in _RENAMED_WITH_CARE - {ENUM["OBJECT_COLUMN"]}
            takes_row = (
                moved
                and relation is not None
                and any(
                    relation.row_type in function.arguments
                    for overloads in self.catalog.functions.values()
                    for function in overloads
                    if relation.row_type
                )
            )
            if takes_row and not self.hides_nothing:
                # The policy knows a function by its arguments' types, and those by their names.
                self.reading.unclear("renaming a table whose rows a function takes")
        if stmt.rename_type in _RENAMED_FREELY:
            return
        if stmt.rename_type in _RENAMED_WITH_CARE:
            self.reading.details.add("alter:rename")
        elif not self.hides_nothing:
            self.reading.unclear("renaming this kind of object")

    def move(self, stmt: Message, scope: Scope) -> None:
        self.reading.details.add("alter:set_schema")
        if stmt.HasField("relation"):
            self.changed(stmt.relation, missing_ok=stmt.missing_ok)
        elif not self.hides_nothing:
            self.reading.unclear("moving this kind of object")

    def owner(self, stmt: Message, scope: Scope) -> None:
        self.reading.details.add("alter:owner")
        if stmt.HasField("relation"):
            self.changed(stmt.relation)
        elif not self.hides_nothing:
            self.reading.unclear("changing the owner of this kind of object")

    def drop(self, stmt: Message, scope: Scope) -> None:
        if stmt.remove_type not in _DROPPED:
            self.reading.unclear("dropping this kind of object")
            return
        if stmt.concurrent:
            self.reading.details.add("concurrently")
        if stmt.remove_type not in _TABLE_LIKE:
            return
        for node in stmt.objects:
            names = tree.strings(node.list.items)
            relation = self.look_up(names)
            if relation is not None:
                self.used(relation, "ddl", -1)
                schema = "pg_temp" if relation.persistence == "t" else relation.schema
                tree.set_strings(node.list.items, (schema, relation.name))
            elif not stmt.missing_ok:
                what = ".".join(names)
                self.reading.refuse(Refusal("42P01", f'relation "{what}" does not exist'))

    def grant(self, stmt: Message, scope: Scope) -> None:
        self.reading.details.add("grant")
        if stmt.targtype != ENUM["ACL_TARGET_OBJECT"] and not self.hides_nothing:
            self.reading.unclear("GRANT on all objects of a schema")
        for node in stmt.objects:
            if node.WhichOneof("node") == "range_var":
                self.changed(node.range_var)

    def refresh(self, stmt: Message, scope: Scope) -> None:
        self.changed(stmt.relation)
        if stmt.concurrent:
            self.reading.details.add("concurrently")

    def reindex(self, stmt: Message, scope: Scope) -> None:
        if stmt.kind not in _REINDEXED:
            self.reading.unclear("REINDEX of more than one table")
            return
        self.changed(stmt.relation)
        if any(n.def_elem.defname == "concurrently" for n in stmt.params):
            self.reading.details.add("concurrently")

    def cluster(self, stmt: Message, scope: Scope) -> None:
        if not stmt.HasField("relation"):
            self.reading.unclear("CLUSTER of all tables")
            return
        relation = self.changed(stmt.relation)
        if relation is not None and self.sight.masked(relation):
            self.reading.refuse(
                Refusal("42501", "CLUSTER would put the rows into the order of masked values"),
                stmt.relation.location,
            )

    def analyze(self, stmt: Message, scope: Scope) -> None:
        """ANALYZE writes statistics that no rollback undoes, except for the session's own tables."""
        if stmt.is_vacuumcmd:
            self.reading.details.add("vacuum")
            return
        relations = [self.changed(n.vacuum_relation.relation) for n in stmt.rels]
        own = relations and all(r is not None and self.sight.own(r) for r in relations)
        if not own and self.reading.refusal is None:
            self.reading.refuse(
                Refusal(
                    "42501",
                    "ANALYZE changes statistics of the server in a way that no rollback undoes",
                    hint="ANALYZE the tables that you made in this session, by name.",
                )
            )


def mentions(node: Message, relation: Relation, masked: set[str]) -> bool:
    """True when an expression over a relation names a masked column or the whole row."""
    if not masked:
        return False
    for reference in tree.find(node, "ColumnRef"):
        last = reference.fields[-1]
        if last.WhichOneof("node") != "string":
            return True
        if last.string.sval in masked or last.string.sval == relation.name:
            return True
    return False


_SCHEMA: dict[str, Callable[[SchemaGatherer, Message, Scope], None]] = {
    "create_stmt": SchemaGatherer.create_table,
    "create_table_as_stmt": SchemaGatherer.create_as,
    "view_stmt": SchemaGatherer.view,
    "index_stmt": SchemaGatherer.index,
    "create_seq_stmt": SchemaGatherer.sequence,
    "alter_seq_stmt": SchemaGatherer.alter_sequence,
    "create_schema_stmt": SchemaGatherer.create_schema,
    "create_enum_stmt": SchemaGatherer.names_only,
    "alter_enum_stmt": SchemaGatherer.names_only,
    "comment_stmt": SchemaGatherer.names_only,
    "create_domain_stmt": SchemaGatherer.domain,
    "alter_domain_stmt": SchemaGatherer.alter_domain,
    "composite_type_stmt": SchemaGatherer.composite,
    "create_stats_stmt": SchemaGatherer.statistics,
    "alter_table_stmt": SchemaGatherer.alter_table,
    "rename_stmt": SchemaGatherer.rename,
    "alter_object_schema_stmt": SchemaGatherer.move,
    "alter_owner_stmt": SchemaGatherer.owner,
    "drop_stmt": SchemaGatherer.drop,
    "grant_stmt": SchemaGatherer.grant,
    "refresh_mat_view_stmt": SchemaGatherer.refresh,
    "reindex_stmt": SchemaGatherer.reindex,
    "cluster_stmt": SchemaGatherer.cluster,
    "vacuum_stmt": SchemaGatherer.analyze,
    "rule_stmt": SchemaGatherer.opaque,
    "create_trig_stmt": SchemaGatherer.opaque,
    "create_policy_stmt": SchemaGatherer.opaque,
    "alter_policy_stmt": SchemaGatherer.opaque,
}
