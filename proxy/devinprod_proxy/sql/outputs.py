"""Which columns does a query have, and what do they carry?  By scope, as the server resolves names.

Nothing is protected by this: relations are replaced whatever is found here. It says which result
columns to mark as masked, and which carry the key of a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from devinprod_proxy.policy.model import Mask
from devinprod_proxy.sql import tree
from devinprod_proxy.sql.catalog import Relation
from devinprod_proxy.sql.column_names import column_name
from devinprod_proxy.sql.masked_columns import MaskedColumns
from devinprod_proxy.sql.parse import ENUM, Message
from devinprod_proxy.sql.reading import Item, Reading, Scope


@dataclass(frozen=True, slots=True)
class Source:
    """A masked column that a value comes from."""

    mask: str
    domain: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Output:
    """One column of a query. ``origin``: the table's column that it is, unchanged: (oid, attnum)."""

    name: str
    sources: frozenset[Source] = frozenset()
    origin: tuple[int, int] | None = None


_NONE: frozenset[Source] = frozenset()


def _sources(mask: Mask, relation: Relation, column: str) -> frozenset[Source]:
    return frozenset({Source(mask.kind, mask.domain, f"{relation.full_name}.{column}")})


_NO_VALUE = frozenset({"null_test", "a_const", "param_ref", "set_to_default"})


@dataclass(slots=True)
class Outputs:
    """The columns of the queries of one statement. Made on the tree as the client wrote it."""

    reading: Reading
    sight: MaskedColumns
    _known: dict[int, tuple[Output, ...] | None] = field(default_factory=dict)
    _scopes: dict[int, Scope] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._scopes = {id(scope.statement): scope for scope in self.reading.queries}

    def query(self, scope: Scope | None) -> tuple[Output, ...] | None:
        """The columns of a query; None when their number is not known (``*`` of a function)."""
        if scope is None:
            return None
        key = id(scope)
        if key not in self._known:
            self._known[key] = None  # a recursive WITH asks for itself: then nothing is known yet
            self._known[key] = self._query(scope)
        return self._known[key]

    def _query(self, scope: Scope) -> tuple[Output, ...] | None:
        statement = scope.statement
        if statement.DESCRIPTOR.name != "SelectStmt":
            return self._list(statement.returning_clause.exprs, scope)
        if scope.parts:
            return self._union(scope)
        if statement.values_lists:
            rows = [row.list.items for row in statement.values_lists]
            return tuple(
                Output(f"column{n + 1}", frozenset(s for row in rows for s in self.sources(row[n], scope)))
                for n in range(len(rows[0]))
            )
        return self._list(statement.target_list, scope)

    def _union(self, scope: Scope) -> tuple[Output, ...] | None:
        left, right = (self.query(part) for part in scope.parts)
        if left is None or right is None:
            known = left or right  # the recursive half adds no columns
            return known
        return tuple(Output(a.name, a.sources | b.sources) for a, b in zip(left, right, strict=False))

    def _list(self, targets: Message, scope: Scope) -> tuple[Output, ...] | None:
        found: list[Output] = []
        for node in targets:
            item = node.res_target
            value = item.val
            reference = value.column_ref if value.WhichOneof("node") == "column_ref" else None
            if reference is not None and reference.fields[-1].WhichOneof("node") == "a_star":
                starred = self._star(reference, scope)
                if starred is None:
                    return None
                found += starred
                continue
            if reference is None:
                found.append(Output(item.name or column_name(value), self.sources(value, scope)))
                continue
            meant = self._meant(reference, scope)
            name = item.name or reference.fields[-1].string.sval
            if isinstance(meant, Output):
                found.append(meant if meant.name == name else Output(name, meant.sources, meant.origin))
            else:
                found.append(Output(name, frozenset(s for column in meant for s in column.sources)))
        return tuple(found)

    # -- stars ---------------------------------------------------------------------------------

    def _star(self, reference: Message, scope: Scope) -> list[Output] | None:
        if len(reference.fields) > 1:
            qualifier = reference.fields[-2].string.sval
            item = self._item(qualifier, scope)
            if item is None:
                return None
            all_of_it = self.item(item)
            return None if all_of_it is None else list(all_of_it)
        statement = scope.statement
        items = iter([i for i in scope.items if i.target is None])
        own = [c for i in scope.items if i.target is not None for c in self.item(i) or ()]
        rest: list[Output] = []
        clause = "using_clause" if statement.DESCRIPTOR.name == "DeleteStmt" else "from_clause"
        nodes = (
            [statement.source_relation]
            if statement.DESCRIPTOR.name == "MergeStmt"
            else getattr(statement, clause, [])
        )
        for node in nodes:
            columns = self._from(node, items)
            if columns is None:
                return None
            rest += columns
        return rest + own if statement.DESCRIPTOR.name == "MergeStmt" else own + rest

    def _from(self, node: Message, items: Iterator[Item]) -> list[Output] | None:
        if node.WhichOneof("node") != "join_expr":
            item = next(items, None)
            columns = None if item is None else self.item(item)
            return None if columns is None else list(columns)
        join = node.join_expr
        left, right = self._from(join.larg, items), self._from(join.rarg, items)
        if left is None or right is None:
            return None
        merged = tree.strings(join.using_clause)
        if join.is_natural:
            names = {c.name for c in right}
            merged = [c.name for c in left if c.name in names]
        found = []
        for name in merged:
            both = [c for c in (*left, *right) if c.name == name]
            origin = both[0].origin if both else None
            found.append(Output(name, frozenset(s for c in both for s in c.sources), origin))
        return found + [c for c in (*left, *right) if c.name not in merged]

    # -- items and names -----------------------------------------------------------------------

    def item(self, item: Item) -> tuple[Output, ...] | None:
        """The columns of one item of FROM, or of the table that is written."""
        columns: tuple[Output, ...] | None = None
        if item.target is not None:
            columns = self.relation(item.target.relation)
        elif item.site is not None and item.site.relation is not None:
            view = item.site.view
            columns = self.relation(item.site.relation) if view is None else view.outputs
        elif item.site is not None:
            columns = None
        elif item.cte is not None:
            columns = renamed(self.query(item.cte.query), item.cte.columns)
        elif item.query is not None:
            columns = self.query(item.query)
        return renamed(columns, item.columns)

    def relation(self, relation: Relation) -> tuple[Output, ...]:
        """The columns of a table."""
        found = self.sight.described.get(relation.oid)
        if found is None:
            masks = self.sight.masks(relation)
            found = self.sight.described[relation.oid] = tuple(
                Output(
                    column.name,
                    _sources(masks[column.name][0], relation, column.name) if column.name in masks else _NONE,
                    (relation.oid, column.attnum),
                )
                for column in relation.columns
            )
        return found

    def named(self, relation: Relation) -> dict[str, Output]:
        """The columns of a table by name."""
        found = self.sight.described_by_name.get(relation.oid)
        if found is None:
            found = {column.name: column for column in self.relation(relation)}
            self.sight.described_by_name[relation.oid] = found
        return found

    def _item(self, name: str, scope: Scope) -> Item | None:
        level: Scope | None = scope
        while level is not None:
            for item in (*level.items, *level.versions):
                if item.alias == name:
                    return item
            level = level.parent
        return None

    def _meant(self, reference: Message, scope: Scope) -> Output | tuple[Output, ...]:
        """What a reference means: one column, or all of a whole row."""
        fields = reference.fields
        name = fields[-1].string.sval
        if len(fields) > 1:
            item = self._item(fields[-2].string.sval, scope)
            found = None if item is None else self._in(item, name)
            return found if found is not None else ()
        level: Scope | None = scope
        while level is not None:
            for item in level.items:
                found = self._in(item, name)
                if found is not None:
                    return found
            for item in level.items:
                if item.alias == name:
                    return self.item(item) or ()
            level = level.parent
        return ()

    def _in(self, item: Item, name: str) -> Output | None:
        if not item.columns:
            if item.target is not None:
                return self.named(item.target.relation).get(name)
            if item.site is not None and item.site.relation is not None and item.site.view is None:
                return self.named(item.site.relation).get(name)
        for column in self.item(item) or ():
            if column.name == name:
                return column
        return None

    def origin(self, reference: Message, scope: Scope) -> tuple[int, int] | None:
        """The table's column that a reference is, unchanged."""
        if reference.fields[-1].WhichOneof("node") == "a_star":
            return None
        meant = self._meant(reference, scope)
        return meant.origin if isinstance(meant, Output) else None

    # -- expressions ---------------------------------------------------------------------------

    def sources(self, node: Message, scope: Scope) -> frozenset[Source]:
        """The masked columns that go into the value of an expression; a count carries none."""
        kind = node.WhichOneof("node")
        if kind in _NO_VALUE:
            return frozenset()
        if kind == "column_ref":
            reference = node.column_ref
            if reference.fields[-1].WhichOneof("node") == "a_star":
                return frozenset(s for c in self._star(reference, scope) or () for s in c.sources)
            meant = self._meant(reference, scope)
            columns = (meant,) if isinstance(meant, Output) else meant
            return frozenset(s for c in columns for s in c.sources)
        if kind == "func_call" and node.func_call.funcname[-1].string.sval == "count":
            return frozenset()
        if kind == "sub_link":
            link = node.sub_link
            if link.sub_link_type == ENUM["EXISTS_SUBLINK"]:
                return frozenset()
            inner = self._scopes.get(id(link.subselect.select_stmt))
            found = frozenset(s for c in self.query(inner) or () for s in c.sources)
            if link.HasField("testexpr"):
                found |= self.sources(link.testexpr, scope)
            return found
        if kind is None:
            return frozenset()
        return self._inside(getattr(node, kind), scope)

    def _inside(self, message: Message, scope: Scope) -> frozenset[Source]:
        found: frozenset[Source] = frozenset()
        for descriptor, value in message.ListFields():
            if descriptor.message_type is None:
                continue
            for part in value if descriptor.is_repeated else (value,):
                if descriptor.message_type.name == "Node":
                    found |= self.sources(part, scope)
                elif descriptor.message_type.name not in ("TypeName", "Alias"):
                    found |= self._inside(part, scope)
        return found


def renamed(columns: tuple[Output, ...] | None, names: tuple[str, ...]) -> tuple[Output, ...] | None:
    """Columns under the names of an alias list, which may be shorter."""
    if columns is None or not names:
        return columns
    return tuple(
        Output(names[n], c.sources, c.origin) if n < len(names) else c for n, c in enumerate(columns)
    )
