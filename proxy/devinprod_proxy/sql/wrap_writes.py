"""Pass: let the expressions of a write see the masked row, and write what the client means.

INSERT, UPDATE, DELETE and MERGE of a table with masked columns keep that table as their target,
under a name that the statement does not contain, and every expression that could read it goes
through :class:`~devinprod_proxy.sql.masked_row.MaskedRow`. RETURNING keeps its columns, names and
count; ``old`` and ``new`` (PostgreSQL 18) are given names of their own by ``RETURNING WITH``.
"""

from __future__ import annotations

from devinprod_proxy.errors import Refusal
from devinprod_proxy.sql import tree
from devinprod_proxy.sql.catalog import Catalog
from devinprod_proxy.sql.masked_columns import MaskedColumns
from devinprod_proxy.sql.masked_row import MaskedRow
from devinprod_proxy.sql.parse import ENUM, Message, Node
from devinprod_proxy.sql.reading import Reading, Target

_MATCHED_KINDS = (ENUM["MERGE_WHEN_MATCHED"], ENUM["MERGE_WHEN_NOT_MATCHED_BY_SOURCE"])
_OLD = ENUM["RETURNING_OPTION_OLD"]
_NEW = ENUM["RETURNING_OPTION_NEW"]


def wrap_writes(reading: Reading, catalog: Catalog, sight: MaskedColumns, asked: bytes) -> None:
    """Change every write to a table with masked columns. *asked* is the client's tree, serialized."""
    if not any(sight.masked(target.relation) for target in reading.targets):
        return
    number = unused_number(asked)
    # Innermost first: a write in WITH is complete before the statement around it is looked at.
    for target in reversed(reading.targets):
        if sight.masked(target.relation) and target.statement.DESCRIPTOR.name != "CopyStmt":
            _Write(reading, target, catalog, sight, number).change()


def unused_number(asked: bytes) -> str:
    """What to add to ``__t``, ``__o`` and ``__n`` so that the client's text contains none of them.

    >>> unused_number(b"select __t.x"), unused_number(b"select 1")
    ('0', '')
    """
    number = -1
    while any(f"{name}{number if number >= 0 else ''}".encode() in asked for name in ("__t", "__o", "__n")):
        number += 1
    return "" if number < 0 else str(number)


class _Write:
    def __init__(
        self, reading: Reading, target: Target, catalog: Catalog, sight: MaskedColumns, number: str
    ) -> None:
        self.reading = reading
        self.target = target
        self.statement = target.statement
        self.relation = target.relation
        self.number = number
        self.row = MaskedRow(target.relation, target.alias, f"__t{number}", sight, catalog)

    def change(self) -> None:
        statement = self.statement
        if self.target.alias == "excluded":
            self._refuse('the name "excluded" for a table that is written')
            return
        if self.target.verb == "insert":
            if statement.HasField("on_conflict_clause"):
                clause = statement.on_conflict_clause
                self._assignments(clause.target_list)
                if clause.HasField("where_clause"):
                    self.row.condition(clause.where_clause)
        elif self.target.verb == "merge":
            self.row.condition(statement.join_condition)
            for node in statement.merge_when_clauses:
                clause = node.merge_when_clause
                if clause.match_kind in _MATCHED_KINDS:
                    if clause.HasField("condition"):
                        self.row.condition(clause.condition)
                    self._assignments(clause.target_list)
        else:
            if self.target.verb == "update":
                self._assignments(statement.target_list)
            if statement.HasField("where_clause"):
                self.row.condition(statement.where_clause)
        if statement.HasField("returning_clause"):
            self._returning(statement.returning_clause)
        statement.relation.alias.aliasname = self.row.target

    def _refuse(self, what: str, hint: str | None = None) -> None:
        message = f"devinprod cannot mask {what}, so it does not run"
        self.reading.refuse(Refusal("0A000", message, hint), self.statement.relation.location)

    # -- SET -----------------------------------------------------------------------------------

    def _assignments(self, targets: Message) -> None:
        """The SET list. Several columns from one source are taken apart where they must be."""
        position = 0
        made: list[Message] = []
        changed = False
        while position < len(targets):
            node = targets[position]
            value = node.res_target.val
            if value.WhichOneof("node") != "multi_assign_ref":
                self._one(node)
                made.append(node)
                position += 1
                continue
            count = value.multi_assign_ref.ncolumns
            group = list(targets[position : position + count])
            position += count
            made += self._several(group)
            changed = True
        if changed:
            raw = [n.SerializeToString() for n in made]
            del targets[:]
            for each in raw:
                targets.add().MergeFromString(each)

    def _one(self, node: Message) -> None:
        target = node.res_target
        column = None if target.indirection else self.relation.by_name.get(target.name)
        for part in target.indirection:
            if part.WhichOneof("node") == "a_indices":
                for bound in ("lidx", "uidx"):
                    if part.a_indices.HasField(bound):
                        self.row.see(getattr(part.a_indices, bound))
        self.row.assign(column, target.val)

    def _several(self, group: list[Message]) -> list[Message]:
        """``(a, b) = ROW(x, y)`` is two assignments; ``(a, b) = (SELECT ...)`` chooses column by column."""
        source = group[0].res_target.val.multi_assign_ref.source
        if source.WhichOneof("node") == "row_expr":
            values = [Node.FromString(a.SerializeToString()) for a in source.row_expr.args]
            if len(values) != len(group):
                self._refuse("this SET list: the number of columns and of values differ")
                return group
            for node, value in zip(group, values, strict=True):
                tree.put(node.res_target.val, value)
                self._one(node)
            return group
        if source.WhichOneof("node") != "sub_link" or any(n.res_target.indirection for n in group):
            self._refuse("this source of several columns", "Assign the columns one by one.")
            return group
        select = self._choices(group, source.sub_link.subselect)
        for node in group:
            tree.put(node.res_target.val.multi_assign_ref.source.sub_link.subselect, select)
        return group

    def _choices(self, group: list[Message], subselect: Message) -> Message:
        """``SELECT <choice of c1>, ... FROM (<masked row>) AS users, LATERAL (...) AS __v(c1, ...)``"""
        made = Node()
        select = made.select_stmt
        select.MergeFromString(tree.new_select().SerializeToString())
        masked = self.row.sight.masks(self.relation)
        names = [f"c{number}" for number in range(1, len(group) + 1)]
        for node, name in zip(group, names, strict=True):
            column = self.relation.by_name.get(node.res_target.name)
            value = tree.column("__v", name)
            if column is not None and column.name in masked:
                value = self.row.choice(column, self.row._cast(value, column))
            select.target_list.add().MergeFromString(tree.res_target(value).SerializeToString())
        select.from_clause.add().MergeFromString(self.row.rows(self.row.target, self.target.alias, subselect))
        lateral = select.from_clause.add().range_subselect
        lateral.lateral = True
        lateral.subquery.MergeFromString(subselect.SerializeToString())
        lateral.alias.aliasname = "__v"
        tree.set_strings(lateral.alias.colnames, names)
        return made

    # -- RETURNING -----------------------------------------------------------------------------

    def _returning(self, clause: Message) -> None:
        old, new = "old", "new"
        for node in clause.options:
            option = node.returning_option
            if option.option == _OLD:
                old = option.value
            else:
                new = option.value
        taken = {item.alias for item in self.target.scope.items}
        renamed: dict[str, tuple[int, str]] = {}
        mentioned = {
            part.string.sval
            for node in clause.exprs
            for reference in tree.find(node, "ColumnRef")
            for part in reference.fields[:1]
            if part.WhichOneof("node") == "string"
        }
        for shown, option, actual in ((old, _OLD, "__o"), (new, _NEW, "__n")):
            if shown in mentioned and shown not in taken:
                renamed[shown] = (option, f"{actual}{self.number}")
                self.row.names[shown] = f"{actual}{self.number}"
        made: list[Message] = []
        for node in clause.exprs:
            made += self._returned(node)
        for shown in renamed:
            del self.row.names[shown]
        raw = [n.SerializeToString() for n in made]
        del clause.exprs[:]
        for each in raw:
            clause.exprs.add().MergeFromString(each)
        del clause.options[:]
        for option, actual in renamed.values():
            added = clause.options.add().returning_option
            added.option, added.value, added.location = option, actual, -1

    def _returned(self, node: Message) -> list[Message]:
        """What one item of RETURNING becomes: itself, or all the columns that a star means."""
        value = node.res_target.val
        if value.WhichOneof("node") == "column_ref":
            fields = value.column_ref.fields
            if fields[-1].WhichOneof("node") == "a_star":
                if len(fields) == 1:
                    return self._everything()
                qualifier = fields[-2].string.sval
                if qualifier in self.row.names:
                    return self._columns(self.row.names[qualifier])
                return [node]
            if len(fields) == 1 or (len(fields) == 2 and fields[0].string.sval in self.row.names):
                column = self.relation.by_name.get(fields[-1].string.sval)
                if column is not None:
                    return [self._column(node, column, fields)]
        self.row.see(value)
        return [node]

    def _column(self, node: Message, column: Message, fields: Message) -> Message:
        actual = self.row.target if len(fields) == 1 else self.row.names[fields[0].string.sval]
        name = node.res_target.name or column.name
        made = Node()
        made.res_target.location = node.res_target.location
        made.res_target.val.ParseFromString(self.row.sight.value(self.relation, column, actual))
        made.res_target.name = name
        return made

    def _columns(self, actual: str) -> list[Message]:
        return [
            tree.node(self.row.sight.item(self.relation, column, actual)) for column in self.relation.columns
        ]

    def _everything(self) -> list[Message]:
        """``*``: the table's columns and those of the other items, in the server's order."""
        others = [item for item in self.target.scope.items if item.target is not self.target]
        if others and (self.target.scope.joined or not all(item.alias for item in others)):
            self._refuse("RETURNING * of a join", "Name the columns.")
        stars: list[Message] = []
        for item in others:
            star = Node()
            reference = star.res_target.val.column_ref
            star.res_target.location = reference.location = -1
            reference.fields.add().string.sval = item.alias
            reference.fields.add().a_star.SetInParent()
            stars.append(star)
        own = self._columns(self.row.target)
        return [*stars, *own] if self.target.verb == "merge" else [*own, *stars]
