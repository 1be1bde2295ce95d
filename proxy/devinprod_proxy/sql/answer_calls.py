"""Pass: answer the calls that may not reach the server as they stand.

- Functions whose result would show what is closed (``pg_get_functiondef``) give NULL.
- ``setval`` of production's sequence gives its value and is not carried out: no rollback undoes it.
  On a sequence that this session made, given by a constant, it is carried out.
- Advisory locks are granted to everybody: the backend is shared, a lock would outlive a client, and
  others outside would wait for it.
- The result of an own function that the policy calls ``masked`` is closed.
- A computed name of a setting is looked at by the server (:mod:`hide_settings`).

One sweep, innermost calls first: a call that is changed takes copies of its arguments, and what
stands in them would be out of reach afterwards.
"""

from __future__ import annotations

from devinprod_proxy.errors import Refusal
from devinprod_proxy.policy.decide import Allowed
from devinprod_proxy.policy.masks import mask_sql
from devinprod_proxy.policy.model import CLOSED
from devinprod_proxy.sql import tree
from devinprod_proxy.sql.call_facts import constant
from devinprod_proxy.sql.catalog import Catalog, Column, Function, Relation
from devinprod_proxy.sql.column_names import column_name
from devinprod_proxy.sql.hide_settings import hide_setting
from devinprod_proxy.sql.masked_columns import MaskedColumns, masked_column
from devinprod_proxy.sql.parse import Message, Node
from devinprod_proxy.sql.reading import Reading

_NOTHING = "pg_catalog.pg_sleep(0)"
GRANTED = {
    "pg_advisory_lock": _NOTHING, "pg_advisory_lock_shared": _NOTHING, "pg_advisory_unlock_all": _NOTHING,
    "pg_advisory_xact_lock": _NOTHING, "pg_advisory_xact_lock_shared": _NOTHING,
    "pg_try_advisory_lock": "true", "pg_try_advisory_lock_shared": "true", "pg_advisory_unlock": "true",
    "pg_advisory_unlock_shared": "true", "pg_try_advisory_xact_lock": "true",
    "pg_try_advisory_xact_lock_shared": "true",
}  # fmt: skip


def answer_calls(
    reading: Reading, allowed: Allowed, catalog: Catalog, sight: MaskedColumns, path: tuple[str, ...]
) -> None:
    """Change the calls that ``decide`` allowed on a condition."""
    answered = allowed.null | allowed.session
    if not (answered or allowed.masked or any(name == "current_setting" for _, name, _ in reading.calls)):
        return
    unnamed = reading.unnamed_results()
    names = [column_name(item.val) for item in unnamed]
    from_items = {id(n) for n in reading.from_calls}
    for node, name, found in reversed(reading.calls):
        if name == "current_setting":
            hide_setting(node.func_call)
        elif name in answered:
            made = _answer(node.func_call, name, catalog, sight, path, null=name in allowed.null)
            if made is not None:
                node.ParseFromString(made)
        elif any(f.identity in allowed.masked for f in found):
            if id(node) in from_items or len({f.return_type for f in found}) != 1:
                reading.refuse(
                    Refusal("0A000", f"the result of {found[0].name}() cannot be masked here"),
                    node.func_call.location,
                )
                continue
            _close(node, found[0], catalog)
    for item, name in zip(unnamed, names, strict=True):
        if column_name(item.val) != name:
            item.name = name


def _answer(
    call: Message, name: str, catalog: Catalog, sight: MaskedColumns, path: tuple[str, ...], *, null: bool
) -> bytes | None:
    if null:
        return tree.expression("NULL::pg_catalog.text")
    if name in GRANTED:
        return tree.expression(GRANTED[name])
    if name == "setval" and len(call.args) >= 2:
        sequence = _sequence(constant(call.args[0]), catalog, path)
        if sequence is not None and sight.own(sequence):
            # By its number: a name could mean another one by the time a stored text runs.
            call.args[0].ParseFromString(tree.expression(f"'{sequence.oid}'::pg_catalog.regclass"))
            return None
        value = Node.FromString(tree.expression("0::pg_catalog.int8"))
        value.type_cast.arg.ParseFromString(call.args[1].SerializeToString())
        raw: bytes = value.SerializeToString()
        return raw
    return None


def _sequence(text: str | None, catalog: Catalog, path: tuple[str, ...]) -> Relation | None:
    """The sequence of a regclass constant written in the plain way; None where in doubt."""
    if text is None:
        return None
    parts = text.split(".")
    if len(parts) > 2 or not all(p.replace("_", "a").isalnum() and p == p.lower() for p in parts):
        return None
    schemas = (catalog.schema_named(parts[0]),) if len(parts) == 2 else path
    for schema in schemas:
        found = catalog.names.get((schema, parts[-1]))
        if found is not None:
            return found
    return None


def _close(node: Message, function: Function, catalog: Catalog) -> None:
    """``(SELECT <closed value of f.v> FROM (SELECT f(...) AS v) AS f)``"""
    kind = catalog.types.get(function.return_type)
    # format_type's text is not in the catalog for every type: its own name is what the masks know.
    name = "text"
    if kind is not None:
        name = kind.name if kind.schema == "pg_catalog" else f"{kind.schema}.{kind.name}"
    column = Column(1, function.name, function.return_type, name, -1, False, False, False, None)
    holder = Relation(0, function.schema, function.name, "r", "p", (column,), by_name={column.name: column})
    sql = mask_sql(CLOSED, masked_column(catalog, holder, column), "__f.v")
    made = Node.FromString(tree.expression(f"(SELECT {sql} FROM (SELECT 1 AS v) AS __f)"))
    inner = made.sub_link.subselect.select_stmt.from_clause[0].range_subselect.subquery.select_stmt
    inner.target_list[0].res_target.val.ParseFromString(node.SerializeToString())
    node.ParseFromString(made.SerializeToString())
