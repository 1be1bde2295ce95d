"""What do COPY, EXPLAIN, PREPARE, DECLARE, TRUNCATE, LOCK, CALL say?  Statements around a statement."""

from __future__ import annotations

from collections.abc import Callable

from devinprod_proxy.policy import statements
from devinprod_proxy.sql import tree
from devinprod_proxy.sql.gather_facts import QUERY_KINDS
from devinprod_proxy.sql.gather_schema import SchemaGatherer
from devinprod_proxy.sql.parse import Message
from devinprod_proxy.sql.reading import CopyTarget, Scope
from devinprod_proxy.sql.replace_relations import qualify

_EXPLAINED = QUERY_KINDS | {"create_table_as_stmt", "declare_cursor_stmt", "execute_stmt"}
_UNREAD = statements.KNOWN - statements.OPAQUE
"""What is not read here but in no list of ``decide`` that refuses it: opaque and never allowed kinds are."""
_HOLD = 0x0020
"""CURSOR_OPT_HOLD of parsenodes.h."""


class StatementGatherer(SchemaGatherer):
    """The walk over any statement that goes upstream."""

    def whole(self, kind: str, stmt: Message, node: Message) -> None:
        """Walk a whole statement; what is not known is not understood."""
        self.reading.node = kind
        if kind in QUERY_KINDS:
            self.reading.top = self.query(node, None)
        elif kind in _UTILITY:
            _UTILITY[kind](self, stmt)
        elif not self.schema(kind, stmt) and not self.hides_nothing and kind in _UNREAD:
            self.reading.unclear(kind.removesuffix("_stmt").replace("_", " ").upper())

    def copy(self, stmt: Message) -> None:
        scope = Scope(None, stmt)
        self.options(stmt.options, scope)
        if stmt.is_program:
            self.reading.details.add("copy_program")
        elif stmt.filename:
            self.reading.details.add("copy_file")
        if stmt.HasField("query"):
            self.reading.top = self.query(stmt.query, None)
            return
        if not stmt.is_from:
            relation = self.resolve(stmt.relation)
            if relation is None:
                return
            copied = CopyTarget(stmt, relation)
            if isinstance(relation, tuple):
                self.reading.use(*relation, "catalog", "read", False, stmt.relation.location)
            else:
                self.used(relation, "read", stmt.relation.location)
            self.reading.copies.append(copied)
            return
        self.write("insert", stmt, stmt.relation, scope)
        for target in self.reading.targets:
            qualify(stmt.relation, target.relation)
        if stmt.HasField("where_clause"):
            self.expression(stmt.where_clause, scope)

    def truncate(self, stmt: Message) -> None:
        for node in stmt.relations:
            relation = self.changed(node.range_var, access="truncate")
            if relation is not None:
                self.triggers(relation, "truncate", node.range_var.location)
                self.reading.truncated.append(relation)

    def lock(self, stmt: Message) -> None:
        for node in stmt.relations:
            self.changed(node.range_var, access="lock")
        self.reading.locks_rows = True

    def call_procedure(self, stmt: Message) -> None:
        scope = Scope(None, stmt)
        names = tree.strings(stmt.funccall.funcname)
        self.call(names, (), stmt.funccall.location)
        if any(self.closes(f.identity) for f in self.candidates(names)):
            self.reading.unclear(f"how to mask what {names[-1]}() gives", stmt.funccall.location)
        for argument in stmt.funccall.args:
            self.expression(argument, scope)
        self.reading.locks_rows = True

    def explain(self, stmt: Message) -> None:
        self.options(stmt.options, Scope(None, stmt))
        kind = stmt.query.WhichOneof("node")
        if kind not in _EXPLAINED:
            self.reading.unclear("EXPLAIN of this statement")
            return
        self.nested(kind, stmt.query)

    def prepare(self, stmt: Message) -> None:
        for node in stmt.argtypes:
            self.type_name(node.type_name)
        kind = stmt.query.WhichOneof("node")
        if kind not in QUERY_KINDS:
            self.reading.unclear("PREPARE of this statement")
            return
        self.nested(kind, stmt.query)

    def execute(self, stmt: Message) -> None:
        for node in stmt.params:
            self.expression(node, Scope(None, stmt))

    def declare(self, stmt: Message) -> None:
        if stmt.query.WhichOneof("node") not in QUERY_KINDS:
            self.reading.unclear("DECLARE of this statement")
            return
        self.nested(stmt.query.WhichOneof("node"), stmt.query)

    def nested(self, kind: str, node: Message) -> None:
        """Walk the statement within; the kind that ``decide`` judges stays that of the outer one."""
        outer = self.reading.node
        self.whole(kind, getattr(node, kind), node)
        self.reading.node = outer


def holdable(stmt: Message) -> bool:
    """DECLARE ... WITH HOLD."""
    return bool(stmt.options & _HOLD)


def analyzes(stmt: Message) -> bool:
    """EXPLAIN that runs its statement: ANALYZE, unless it is switched off (manual, EXPLAIN)."""
    chosen = False
    for node in stmt.options:
        option = node.def_elem
        if option.defname != "analyze":
            continue
        word = ""
        if option.HasField("arg"):
            kind = option.arg.WhichOneof("node")
            if kind == "string":
                word = option.arg.string.sval.lower()
            elif kind == "integer":
                word = str(option.arg.integer.ival)
            elif kind == "boolean":
                word = str(option.arg.boolean.boolval).lower()
        chosen = word not in ("off", "false", "0", "no")
    return chosen


_UTILITY: dict[str, Callable[[StatementGatherer, Message], None]] = {
    "copy_stmt": StatementGatherer.copy,
    "truncate_stmt": StatementGatherer.truncate,
    "lock_stmt": StatementGatherer.lock,
    "call_stmt": StatementGatherer.call_procedure,
    "explain_stmt": StatementGatherer.explain,
    "prepare_stmt": StatementGatherer.prepare,
    "execute_stmt": StatementGatherer.execute,
    "declare_cursor_stmt": StatementGatherer.declare,
}
