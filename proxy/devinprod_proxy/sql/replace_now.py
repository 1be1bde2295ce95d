"""Pass: let ``now()`` and its kind be the start of the client's transaction.

The outer transaction is hours old, and so is the server's ``now()``. The session keeps the start of
the client's own transaction in the setting ``devinprod.txn_start`` (epoch seconds; empty outside of
one, where the start of the statement is right). The type of every form stays what it was.
"""

from __future__ import annotations

from devinprod_proxy.sql import tree
from devinprod_proxy.sql.call_facts import constant
from devinprod_proxy.sql.column_names import column_name
from devinprod_proxy.sql.parse import ENUM, Message
from devinprod_proxy.sql.reading import Reading

MOMENT = (
    "COALESCE(pg_catalog.to_timestamp((CASE WHEN pg_catalog.current_setting('devinprod.txn_start', true)"
    " OPERATOR(pg_catalog.<>) ''::pg_catalog.text THEN"
    " pg_catalog.current_setting('devinprod.txn_start', true) END)::pg_catalog.float8),"
    " pg_catalog.statement_timestamp())"
)
"""The start of the client's transaction, a timestamptz. STABLE, so an index can use it."""

_MIDNIGHT = f"pg_catalog.date_trunc('day', {MOMENT})"
_WORDS = {
    "now": MOMENT,
    "today": _MIDNIGHT,
    "tomorrow": f"({_MIDNIGHT} OPERATOR(pg_catalog.+) '1 day'::pg_catalog.interval)",
    "yesterday": f"({_MIDNIGHT} OPERATOR(pg_catalog.-) '1 day'::pg_catalog.interval)",
}
_VALUE_FUNCTIONS = {
    ENUM[f"SVFOP_{name}"]: type_name
    for name, type_name in {
        "CURRENT_DATE": "date", "CURRENT_TIME": "timetz", "CURRENT_TIME_N": "timetz",
        "CURRENT_TIMESTAMP": "timestamptz", "CURRENT_TIMESTAMP_N": "timestamptz", "LOCALTIME": "time",
        "LOCALTIME_N": "time", "LOCALTIMESTAMP": "timestamp", "LOCALTIMESTAMP_N": "timestamp",
    }.items()
}  # fmt: skip


def replace_now(reading: Reading) -> None:
    """Change every form of the start of the transaction that the walk found."""
    if not reading.moments:
        return
    unnamed = [(item, column_name(item.val)) for item in reading.unnamed_results()]
    for node in reading.moments:
        _replace(node)
    for item, name in unnamed:
        if column_name(item.val) != name:
            item.name = name


def _replace(node: Message) -> None:
    kind = node.WhichOneof("node")
    if kind == "func_call":
        call = node.func_call
        if call.args:  # age(x): from midnight of today
            midnight = tree.expression(f"{_MIDNIGHT}::pg_catalog.timestamp")
            argument = call.args[0].SerializeToString()
            tree.set_strings(call.funcname, ("pg_catalog", "age"))
            call.args[0].ParseFromString(midnight)
            call.args.add().MergeFromString(argument)
        else:
            node.ParseFromString(tree.expression(MOMENT))
    elif kind == "sqlvalue_function":
        function = node.sqlvalue_function
        type_name = _VALUE_FUNCTIONS[function.op]
        digits = f"({function.typmod})" if function.typmod >= 0 else ""
        node.ParseFromString(tree.expression(f"({MOMENT})::{_spelled(type_name, digits)}"))
    else:
        cast = node.type_cast
        word = (constant(cast.arg) or "").strip().lower()
        cast.arg.ParseFromString(tree.expression(_WORDS[word]))


def _spelled(type_name: str, digits: str) -> str:
    # pg_catalog.timestamptz(3) is read as a type with a modifier, qualified like every other.
    return f"pg_catalog.{type_name}{digits}"
