"""How does a statement mean another name?  Names of cursors, prepared statements and savepoints.

The session keeps the clients' names apart: two clients may both have a cursor ``c``.
"""

from __future__ import annotations

from devinprod_proxy.sql import tree
from devinprod_proxy.sql.parse import Message

_FIELDS = {
    "prepare_stmt": "name", "execute_stmt": "name", "deallocate_stmt": "name",
    "declare_cursor_stmt": "portalname", "fetch_stmt": "portalname", "close_portal_stmt": "portalname",
    "transaction_stmt": "savepoint_name",
}  # fmt: skip


def rename(node: Message, name: str) -> None:
    """Replace the name that a statement gives or means; for UPDATE and DELETE that of CURRENT OF.

    Raises :class:`ValueError` for a statement without a name.
    """
    kind = node.WhichOneof("node")
    message = getattr(node, kind)
    if kind in _FIELDS:
        setattr(message, _FIELDS[kind], name)
        return
    if kind in ("explain_stmt",):
        rename(message.query, name)
        return
    found = list(tree.find(message, "CurrentOfExpr"))
    if not found:
        raise ValueError(f"{kind} has no name to replace")
    for current in found:
        current.cursor_name = name
