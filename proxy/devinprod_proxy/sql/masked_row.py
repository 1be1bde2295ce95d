"""How does an expression see the row that is being written?  As its masked self, or not at all.

The table that is written cannot be a subquery, so it gets a name that no client can know
(``__t``), and every expression that could read a masked column of it is put into

    (SELECT <expression> FROM (SELECT __t.id, <mask> AS email) AS users)

where the *server* resolves the names: ``users.email`` and a bare ``email`` find the masked row
first and never get further out. An expression that names no masked column stays bare, so that
indexes work; it may keep bare column names, since ``__t`` has every column of the table.

Never a self-join: a row that another transaction changes meanwhile would be lost or stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from devinprod_proxy.sql import tree
from devinprod_proxy.sql.catalog import SYSTEM_COLUMNS, Catalog, Column, Relation
from devinprod_proxy.sql.masked_columns import MaskedColumns
from devinprod_proxy.sql.parse import ENUM, Message, Node

_EXPR_SUBLINK = ENUM["EXPR_SUBLINK"]


@dataclass(slots=True)
class MaskedRow:
    """The row of one written table. *names* maps what the client calls it to what it is called now.

    ``old`` and ``new`` stand in it only inside RETURNING.
    """

    relation: Relation
    alias: str
    target: str
    sight: MaskedColumns
    catalog: Catalog
    names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names[self.alias] = self.target

    # -- the judgement -------------------------------------------------------------------------

    def see(self, place: Message) -> None:
        """Let the expression in *place* see the masked row; wraps it only where it must."""
        columns = self._references(place)
        if columns is None:
            self.wrap(place)
            return
        for reference, inner in columns:
            _rename(reference, inner)

    def bare(self, place: Message) -> bool:
        """True when the expression can stay outside of a subquery; it is then changed to do so."""
        columns = self._references(place)
        if columns is None:
            return False
        for reference, inner in columns:
            _rename(reference, inner)
        return True

    def condition(self, place: Message) -> None:
        """As :meth:`see` for a WHERE or ON: the parts of an AND on clear columns stay bare."""
        bare: list[Message] = []
        masked: list[Message] = []
        for part in tree.conjuncts(place):
            (bare if self.bare(part) else masked).append(part)
        if not masked:
            return
        together = Node()
        together.MergeFromString(tree.all_of(masked).SerializeToString())
        self.wrap(together)
        whole = tree.all_of([*bare, together])
        tree.put(place, whole)

    def wrap(self, place: Message) -> None:
        """Put the expression in *place* into a subquery over the masked row."""
        inner = tree.new_select()
        tree_target = inner.target_list.add().res_target
        tree_target.location = -1
        tree_target.val.MergeFromString(place.SerializeToString())
        used = set(_names(place))
        for shown, actual in self.names.items():
            if shown != self.alias and shown not in used:
                continue
            if shown == self.alias:
                inner.from_clause.add().MergeFromString(self.rows(actual, shown, place))
        others = [s for s in self.names if s != self.alias and s in used]
        if others:
            # One level further out, so that a bare name still means the row itself.
            outer = tree.new_select()
            outer_target = outer.target_list.add().res_target
            outer_target.location = -1
            _sublink(outer_target.val, inner)
            for shown in others:
                outer.from_clause.add().MergeFromString(self.rows(self.names[shown], shown, place))
            inner = outer
        place.Clear()
        _sublink(place, inner)

    def rows(self, actual: str, shown: str, place: Message | None) -> bytes:
        """``(SELECT __t.id, <mask> AS email) AS users``, with the columns that *place* can mean."""
        node = Node()
        sub = node.range_subselect
        select = tree.new_select()
        names = None if place is None else self._needed(place, shown)
        for column in self.relation.columns:
            if names is None or column.name in names:
                select.target_list.add().MergeFromString(self.sight.item(self.relation, column, actual))
        for name in sorted((names or set()) & SYSTEM_COLUMNS):
            select.target_list.add().MergeFromString(tree.target(f"{actual}.{name}"))
        sub.subquery.select_stmt.MergeFromString(select.SerializeToString())
        sub.alias.aliasname = shown
        raw: bytes = node.SerializeToString()
        return raw

    def _needed(self, place: Message, shown: str) -> set[str] | None:
        names: set[str] = set()
        for reference in tree.find(place, "ColumnRef"):
            last = reference.fields[-1]
            if last.WhichOneof("node") != "string":
                if len(reference.fields) > 1 and reference.fields[-2].string.sval == shown:
                    return None
                continue
            names.add(last.string.sval)
        return None if shown in names else names

    def _references(self, place: Message) -> list[tuple[Message, str]] | None:
        """The references to rename so that *place* can stay bare; None when it cannot."""
        masked = self.sight.masks(self.relation)
        found: list[tuple[Message, str]] = []
        for reference, shadowed in _scoped_references(place, frozenset()):
            fields = reference.fields
            last = fields[-1]
            star = last.WhichOneof("node") != "string"
            name = "*" if star else last.string.sval
            if len(fields) == 1:
                if name in masked or (name in self.names and name not in shadowed):
                    return None
                continue
            qualifier = fields[-2].string.sval
            if len(fields) > 2 and not (
                qualifier == self.alias == self.relation.name
                and fields[-3].string.sval == self.relation.schema
            ):
                continue
            actual = self.names.get(qualifier)
            if actual is None or (len(fields) == 2 and qualifier in shadowed):
                continue
            if star or name in masked:
                return None
            found.append((reference, actual))
        return found

    # -- values --------------------------------------------------------------------------------

    def assign(self, column: Column | None, place: Message) -> None:
        """A value for a column. The fake of the row's own value leaves the value alone.

        ``CASE WHEN <mask of the old value> = v THEN <old value> ELSE v END``: an ORM that saves the
        object it loaded does not write fakes over customers.
        """
        kind = place.WhichOneof("node")
        if kind == "set_to_default":
            return
        self.see(place)
        kind = place.WhichOneof("node")
        if column is None or column.name not in self.sight.masks(self.relation):
            return
        if kind == "a_const" and place.a_const.isnull:
            return
        raw = place.SerializeToString()
        choice = self._choice(column)
        if kind == "column_ref" or kind in ("a_const", "param_ref"):
            value = tree.node(raw)
            if kind != "column_ref":
                value = self._cast(value, column)
            self._fill(choice, value)
            tree.put(place, choice)
            return
        select = tree.new_select()
        select.target_list.add().res_target.location = -1
        self._fill(choice, tree.column("__v", "v"))
        select.target_list[0].res_target.val.MergeFromString(choice.SerializeToString())
        inner = tree.new_select()
        item = inner.target_list.add().res_target
        item.name, item.location = "v", -1
        item.val.MergeFromString(self._cast(tree.node(raw), column).SerializeToString())
        source = select.from_clause.add().range_subselect
        source.subquery.select_stmt.MergeFromString(inner.SerializeToString())
        source.alias.aliasname = "__v"
        place.Clear()
        _sublink(place, select)

    def choice(self, column: Column, value: Message) -> Message:
        """The CASE of :meth:`assign` around a value that has the column's type already."""
        made = self._choice(column)
        self._fill(made, value)
        return made

    def _choice(self, column: Column) -> Message:
        return tree.node(self.sight.choice(self.relation, column, self.target))

    @staticmethod
    def _fill(choice: Message, value: Message) -> None:
        """Put the value into the two places that wait for it."""
        case = choice.case_expr
        compared = case.args[0].case_when.expr.a_expr.rexpr
        if compared.WhichOneof("node") == "type_cast":
            compared = compared.type_cast.arg
        raw = value.SerializeToString()
        for place in (compared, case.defresult):
            assert place.column_ref.fields[0].string.sval == "__value"
            place.ParseFromString(raw)

    def _cast(self, value: Message, column: Column) -> Message:
        """The value as the column's type without its length, so that too long a value still fails."""
        found = self.catalog.types.get(column.type_oid)
        if found is None:
            return value
        made = Node()
        made.type_cast.location = -1
        made.type_cast.type_name.typemod = -1
        made.type_cast.type_name.location = -1
        tree.set_strings(made.type_cast.type_name.names, (found.schema, found.name))
        made.type_cast.arg.MergeFromString(value.SerializeToString())
        return made


def _sublink(place: Message, select: Message) -> None:
    place.sub_link.sub_link_type = _EXPR_SUBLINK
    place.sub_link.location = -1
    place.sub_link.subselect.select_stmt.MergeFromString(select.SerializeToString())


def _rename(reference: Message, actual: str) -> None:
    last = reference.fields[-1].string.sval
    tree.set_strings(reference.fields, (actual, last))


def _names(place: Message) -> Iterator[str]:
    """The first names of references: what stands before a dot, or the name itself."""
    for reference in tree.find(place, "ColumnRef"):
        for part in reference.fields:
            if part.WhichOneof("node") == "string":
                yield part.string.sval


def _scoped_references(
    message: Message, shadowed: frozenset[str]
) -> Iterator[tuple[Message, frozenset[str]]]:
    """Every column reference, with the names that queries further in give to other things."""
    kind = message.DESCRIPTOR.name
    if kind == "ColumnRef":
        yield message, shadowed
        return
    if kind in ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"):
        shadowed |= frozenset(_aliases(message))
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        for part in value if descriptor.is_repeated else (value,):
            yield from _scoped_references(part, shadowed)


def _aliases(statement: Message) -> Iterator[str]:
    stack: list[Message] = []
    for name in ("from_clause", "using_clause"):
        stack.extend(getattr(statement, name, ()))
    if statement.DESCRIPTOR.name != "SelectStmt":
        stack.append(statement.relation)
    while stack:
        item = stack.pop()
        if item.DESCRIPTOR.name == "RangeVar":
            yield item.alias.aliasname or item.relname
            continue
        kind = item.WhichOneof("node")
        inner = getattr(item, kind)
        if kind == "range_var":
            yield inner.alias.aliasname or inner.relname
        elif kind == "join_expr":
            stack += [inner.larg, inner.rarg]
            if inner.alias.aliasname:
                yield inner.alias.aliasname
        elif kind == "range_table_sample":
            stack.append(inner.relation)
        elif inner.alias.aliasname:
            yield inner.alias.aliasname
