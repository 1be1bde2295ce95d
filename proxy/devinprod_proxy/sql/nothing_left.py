"""Did every pass reach what it was to change?  A last look at the tree that is going to be printed.

Passes hold on to nodes that the walk found. A pass that copies a part of the tree leaves the others
with nodes that nobody prints, and what they were to change goes upstream as it came. So whatever the
client wrote (its nodes have positions, those that passes make have none) is looked at once more.
"""

from __future__ import annotations

from devinprod_proxy.sql import tree
from devinprod_proxy.sql.answer_calls import GRANTED
from devinprod_proxy.sql.call_facts import bare_constant
from devinprod_proxy.sql.catalog import Catalog
from devinprod_proxy.sql.masked_columns import MaskedColumns
from devinprod_proxy.sql.parse import Message

_READ_FROM = {
    "SelectStmt": ("from_clause",), "UpdateStmt": ("from_clause",), "DeleteStmt": ("using_clause",),
    "MergeStmt": ("source_relation",), "JoinExpr": ("larg", "rarg"), "RangeTableSample": ("relation",),
}  # fmt: skip


_LEAVES = frozenset({"column_ref", "a_const", "param_ref", "string", "integer", "type_name", "a_star"})


def left(root: Message, catalog: Catalog, sight: MaskedColumns, null: frozenset[str]) -> str | None:
    """What no pass has reached, in words; None if all is well. Masks are not gone into: they are ours."""
    stack = [root]
    while stack:
        message = stack.pop()
        kind = message.DESCRIPTOR.name
        if kind == "FuncCall" and message.location >= 0 and _answers(message, null):
            return f"the call of {message.funcname[-1].string.sval}()"
        if kind == "SubLink" and message.sub_link_id == tree.MADE_MASK:
            continue
        for name in _READ_FROM.get(kind, ()):
            found = getattr(message, name)
            for node in found if name.endswith("clause") else (found,):
                if node.WhichOneof("node") == "range_var" and _shows(node.range_var, catalog, sight):
                    return f"the table {node.range_var.relname}"
        for descriptor, value in message.ListFields():
            inner = descriptor.message_type
            if inner is None or inner.name in ("TypeName", "Alias"):
                continue
            parts = value if descriptor.is_repeated else (value,)
            if inner.name != "Node":
                stack.extend(parts)
                continue
            for node in parts:
                which = node.WhichOneof("node")
                if which is not None and which not in _LEAVES:
                    stack.append(getattr(node, which))
    return None


def _answers(call: Message, null: frozenset[str]) -> bool:
    """A call that is never sent as a client writes it."""
    names = tree.strings(call.funcname)
    name = names[-1]
    if len(names) > 1 and names[-2] != "pg_catalog":
        return False
    if name == "current_setting":
        first = call.args[0] if call.args else None
        hidden = first is not None and first.WhichOneof("node") == "sub_link" and first.sub_link.location < 0
        return first is not None and not hidden and bare_constant(first) is None
    if name == "setval":
        first = call.args[0] if call.args else None
        return first is None or first.WhichOneof("node") != "type_cast" or first.type_cast.location >= 0
    return name in GRANTED or name in null


def _shows(var: Message, catalog: Catalog, sight: MaskedColumns) -> bool:
    """A relation as the client wrote it, with masked columns or without a schema."""
    if var.location < 0:
        return False
    if not var.schemaname:
        return var.relname in catalog.relation_names
    found = catalog.names.get((var.schemaname, var.relname))
    return found is not None and sight.masked(found)
