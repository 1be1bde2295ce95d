"""Pass: give INSERT the time-valued defaults explicitly.

``created_at timestamptz DEFAULT now()`` would be the start of the outer transaction, which is hours
old. Where an INSERT leaves such a column out, or says DEFAULT, it gets ``now()`` of the client's own
transaction, by the column's own default expression. COPY FROM cannot be given a default per row:
there the server's stands (KNOWN_LIMITATIONS).
"""

from __future__ import annotations

from devinprod_proxy.errors import Refusal
from devinprod_proxy.sql import tree
from devinprod_proxy.sql.call_facts import moments_of
from devinprod_proxy.sql.catalog import Column, Relation
from devinprod_proxy.sql.parse import ENUM, Message, Node, parse
from devinprod_proxy.sql.reading import Reading, Target

_NO_SETOP = ENUM["SETOP_NONE"]
_WORDS = ("now(", "CURRENT_", "LOCALTIME", "transaction_timestamp", "'now'", "'today'")


def fill_time_defaults(reading: Reading) -> None:
    """Complete the INSERTs into tables with time-valued defaults."""
    for target in reading.targets:
        timed = [(c, e) for c in target.relation.columns if (e := _timed(c)) is not None]
        if not timed:
            continue
        if target.verb == "insert" and target.statement.DESCRIPTOR.name == "InsertStmt":
            _insert(reading, target, {c.name: e for c, e in timed})
        elif target.verb == "merge":
            for node in target.statement.merge_when_clauses:
                clause = node.merge_when_clause
                if clause.command_type == ENUM["CMD_INSERT"]:
                    _merge(reading, target.relation, clause, {c.name: e for c, e in timed})


def _timed(column: Column) -> bytes | None:
    """The default expression of a column whose value is the moment, as a Node; None for others."""
    default = column.default
    if default is None or column.generated or not any(word in default for word in _WORDS):
        return None
    parsed = parse(f"SELECT {default}")
    if isinstance(parsed, Refusal):
        return None
    value = tree.scrub(parsed.stmts[0].stmt.select_stmt.target_list[0].res_target.val)
    raw: bytes = value.SerializeToString()
    return raw if moments_of(value) else None


def _add(reading: Reading, place: Message, expression: bytes) -> None:
    """Put a default expression into a tree, and note its moments for replace_now."""
    place.MergeFromString(expression)
    reading.moments += moments_of(place)


def _insert(reading: Reading, target: Target, timed: dict[str, bytes]) -> None:
    statement, relation = target.statement, target.relation
    if not statement.HasField("select_stmt"):  # DEFAULT VALUES
        select = statement.select_stmt.select_stmt
        select.MergeFromString(tree.new_select().SerializeToString())
        row = select.values_lists.add().list
        for name, expression in timed.items():
            _column(statement, name)
            _add(reading, row.items.add(), expression)
        return
    source = statement.select_stmt.select_stmt
    named = [n.res_target.name for n in statement.cols]
    if not named:
        width = _width(source)
        if width is None or width > len(relation.columns):
            return
        named = [c.name for c in relation.columns[:width]]
    missing = [n for n in timed if n not in named]
    leaves = _leaves(source)
    for leaf in leaves:
        for row in leaf.values_lists:
            for name, value in zip(named, row.list.items, strict=False):
                if name in timed and value.WhichOneof("node") == "set_to_default":
                    value.Clear()
                    _add(reading, value, timed[name])
    if not missing or any(not leaf.values_lists and not leaf.target_list for leaf in leaves):
        return
    if not statement.cols:
        for name in named:
            _column(statement, name)
    for name in missing:
        _column(statement, name)
        for leaf in leaves:
            for row in leaf.values_lists:
                _add(reading, row.list.items.add(), timed[name])
            if not leaf.values_lists:
                item = leaf.target_list.add().res_target
                item.location = -1
                _add(reading, item.val, timed[name])


def _merge(reading: Reading, relation: Relation, clause: Message, timed: dict[str, bytes]) -> None:
    named = [n.res_target.name for n in clause.target_list]
    values = clause.values
    if not named and values:
        named = [c.name for c in relation.columns[: len(values)]]
        for name in named:
            added = clause.target_list.add().res_target
            added.name, added.location = name, -1
    elif not values:
        return  # INSERT DEFAULT VALUES
    for name, value in zip(named, values, strict=False):
        if name in timed and value.WhichOneof("node") == "set_to_default":
            value.Clear()
            _add(reading, value, timed[name])
    for name, expression in timed.items():
        if name not in named:
            added = clause.target_list.add().res_target
            added.name, added.location = name, -1
            _add(reading, clause.values.add(), expression)


def _column(statement: Message, name: str) -> None:
    made = Node()
    made.res_target.name, made.res_target.location = name, -1
    statement.cols.add().MergeFromString(made.SerializeToString())


def _leaves(select: Message) -> list[Message]:
    """The SELECTs and VALUES of a set operation."""
    if select.op == _NO_SETOP:
        return [select]
    return _leaves(select.larg) + _leaves(select.rarg)


def _width(select: Message) -> int | None:
    """How many columns a query has; None when a star hides it."""
    leaf = _leaves(select)[0]
    if leaf.values_lists:
        return len(leaf.values_lists[0].list.items)
    for node in leaf.target_list:
        value = node.res_target.val
        if value.WhichOneof("node") == "column_ref" and (
            value.column_ref.fields[-1].WhichOneof("node") == "a_star"
        ):
            return None
    return len(leaf.target_list)
