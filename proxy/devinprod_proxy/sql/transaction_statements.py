"""What do BEGIN, COMMIT, SAVEPOINT, SET, RESET, SHOW, DISCARD and their kind ask of the session?

The session carries these out by itself, so most have nothing to send. Each function gets the
message and gives the fields of the :class:`~devinprod_proxy.sql.statement.Statement`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from devinprod_proxy.policy.facts import SettingUse
from devinprod_proxy.sql import tree
from devinprod_proxy.sql.parse import ENUM, Message
from devinprod_proxy.sql.statement import Kind, Setting, TransactionMode


@dataclass(slots=True)
class SessionStatement:
    """The fields of a statement that the session answers. ``sends``: it goes upstream all the same."""

    kind: Kind
    name: str | None = None
    mode: TransactionMode | None = None
    settings: tuple[Setting, ...] = ()
    uses: list[SettingUse] = field(default_factory=list)
    details: set[str] = field(default_factory=set)
    payload: str | None = None
    sends: bool = False
    returns_rows: bool = False
    reads_only: bool = True
    unclear: str | None = None


_TRANSACTION_KINDS = {
    ENUM["TRANS_STMT_BEGIN"]: Kind.BEGIN, ENUM["TRANS_STMT_START"]: Kind.BEGIN,
    ENUM["TRANS_STMT_COMMIT"]: Kind.COMMIT, ENUM["TRANS_STMT_ROLLBACK"]: Kind.ROLLBACK,
    ENUM["TRANS_STMT_SAVEPOINT"]: Kind.SAVEPOINT, ENUM["TRANS_STMT_RELEASE"]: Kind.RELEASE,
    ENUM["TRANS_STMT_ROLLBACK_TO"]: Kind.ROLLBACK_TO,
}  # fmt: skip
_DISCARDED = {
    ENUM["DISCARD_ALL"]: "ALL", ENUM["DISCARD_PLANS"]: "PLANS", ENUM["DISCARD_SEQUENCES"]: "SEQUENCES",
    ENUM["DISCARD_TEMP"]: "TEMP",
}  # fmt: skip
_QUOTED_LISTS = frozenset({
    "search_path", "session_preload_libraries", "shared_preload_libraries", "local_preload_libraries",
    "temp_tablespaces", "unix_socket_directories",
})  # fmt: skip
"""Settings of kind GUC_LIST_QUOTE: each element is an identifier."""
_PLAIN = re.compile("[a-z_][a-z0-9_$]*")


def transaction(stmt: Message) -> SessionStatement:
    """BEGIN, COMMIT, SAVEPOINT and their kind; two-phase commit is left for ``decide`` to refuse."""
    kind = _TRANSACTION_KINDS.get(stmt.kind)
    if kind is None:
        return SessionStatement(Kind.COMMIT, details={"prepared_transaction"})
    if kind in (Kind.SAVEPOINT, Kind.RELEASE, Kind.ROLLBACK_TO):
        return SessionStatement(kind, name=stmt.savepoint_name, sends=True)
    return SessionStatement(kind, mode=_mode(stmt.options, chain=stmt.chain))


def set_variable(stmt: Message) -> SessionStatement:
    """SET and RESET in every spelling (manual, SET)."""
    name = stmt.name.lower()
    kind = stmt.kind
    if kind == ENUM["VAR_RESET_ALL"]:
        return SessionStatement(Kind.RESET, uses=[SettingUse("all", None, "reset", stmt.location)])
    if kind == ENUM["VAR_RESET"]:
        uses = [SettingUse(name, None, "reset", stmt.location)]
        return SessionStatement(Kind.RESET, name=name, settings=(Setting(name, None),), uses=uses)
    if kind == ENUM["VAR_SET_MULTI"]:
        return _set_several(stmt, name)
    local = bool(stmt.is_local)
    if kind == ENUM["VAR_SET_DEFAULT"]:
        uses = [SettingUse(name, None, "reset", stmt.location)]
        return SessionStatement(Kind.SET, name=name, settings=(Setting(name, None, local),), uses=uses)
    if kind != ENUM["VAR_SET_VALUE"]:
        return SessionStatement(Kind.SET, unclear="SET ... FROM CURRENT")
    value = _value(name, stmt.args)
    if value is None:
        return SessionStatement(Kind.SET, unclear=f"the value of SET {name}")
    uses = [SettingUse(name, value, "set", stmt.location)]
    return SessionStatement(Kind.SET, name=name, settings=(Setting(name, value, local),), uses=uses)


def show(stmt: Message) -> SessionStatement:
    """SHOW name and SHOW ALL."""
    name = stmt.name.lower()
    uses = [SettingUse(name, None, "show")]
    return SessionStatement(Kind.SHOW, name=name, uses=uses, sends=True, returns_rows=True)


def discard(stmt: Message) -> SessionStatement:
    """DISCARD: the name says what."""
    return SessionStatement(Kind.DISCARD, name=_DISCARDED.get(stmt.target, "ALL"))


def listen(stmt: Message) -> SessionStatement:
    """LISTEN: delivered inside the session."""
    return SessionStatement(Kind.LISTEN, name=stmt.conditionname)


def unlisten(stmt: Message) -> SessionStatement:
    """UNLISTEN name; ``*`` has no name."""
    return SessionStatement(Kind.UNLISTEN, name=stmt.conditionname or None)


def notify(stmt: Message) -> SessionStatement:
    """NOTIFY with its payload."""
    return SessionStatement(Kind.NOTIFY, name=stmt.conditionname, payload=stmt.payload, reads_only=False)


def deallocate(stmt: Message) -> SessionStatement:
    """DEALLOCATE name; ALL has no name."""
    return SessionStatement(Kind.DEALLOCATE, name=stmt.name or None, sends=bool(stmt.name))


def close(stmt: Message) -> SessionStatement:
    """CLOSE name; ALL has no name."""
    return SessionStatement(Kind.CLOSE, name=stmt.portalname or None, sends=bool(stmt.portalname))


def fetch(stmt: Message) -> SessionStatement:
    """FETCH and MOVE from a cursor that DECLARE made, and so judged then."""
    return SessionStatement(Kind.FETCH, name=stmt.portalname, sends=True, returns_rows=not stmt.ismove)


def constraints(stmt: Message) -> SessionStatement:
    """SET CONSTRAINTS, inside the client's transaction."""
    return SessionStatement(Kind.SET_CONSTRAINTS, sends=True)


SESSION_STATEMENTS: dict[str, Callable[[Message], SessionStatement]] = {
    "transaction_stmt": transaction, "variable_set_stmt": set_variable, "variable_show_stmt": show,
    "discard_stmt": discard, "listen_stmt": listen, "unlisten_stmt": unlisten, "notify_stmt": notify,
    "deallocate_stmt": deallocate, "close_portal_stmt": close, "fetch_stmt": fetch,
    "constraints_set_stmt": constraints,
}  # fmt: skip


def _set_several(stmt: Message, name: str) -> SessionStatement:
    """SET TRANSACTION ..., SET SESSION CHARACTERISTICS AS TRANSACTION ..."""
    if name == "transaction":
        return SessionStatement(Kind.SET, name=name, mode=_mode(stmt.args))
    if name == "session characteristics":
        mode = _mode(stmt.args)
        values = {
            "default_transaction_isolation": mode.isolation,
            "default_transaction_read_only": _on_off(mode.read_only),
            "default_transaction_deferrable": _on_off(mode.deferrable),
        }
        settings = tuple(Setting(n, v) for n, v in values.items() if v is not None)
        uses = [SettingUse(s.name, s.value, "set", stmt.location) for s in settings]
        return SessionStatement(Kind.SET, name=name, mode=mode, settings=settings, uses=uses)
    return SessionStatement(Kind.SET, unclear=f"SET {name}")


def _on_off(flag: bool | None) -> str | None:
    return None if flag is None else "on" if flag else "off"


def _mode(options: list[Message], *, chain: bool = False) -> TransactionMode:
    isolation: str | None = None
    read_only: bool | None = None
    deferrable: bool | None = None
    for node in options:
        option = node.def_elem
        constant = option.arg.a_const
        if option.defname == "transaction_isolation":
            isolation = constant.sval.sval.lower()
        elif option.defname == "transaction_read_only":
            read_only = bool(constant.ival.ival)
        elif option.defname == "transaction_deferrable":
            deferrable = bool(constant.ival.ival)
    return TransactionMode(isolation, read_only, deferrable, chain)


def _value(name: str, arguments: list[Message]) -> str | None:
    """The value as the server flattens it (guc_funcs.c, flatten_set_variable_args)."""
    texts: list[str] = []
    for node in arguments:
        text = _text(node)
        if text is None:
            return None
        quoted = name in _QUOTED_LISTS and not _PLAIN.fullmatch(text)
        texts.append(tree.identifier(text) if quoted else text)
    return ", ".join(texts)


def _text(node: Message) -> str | None:
    kind = node.WhichOneof("node")
    if kind == "a_const":
        value = node.a_const.WhichOneof("val")
        if value == "sval":
            return str(node.a_const.sval.sval)
        if value == "ival":
            return str(node.a_const.ival.ival)
        if value == "fval":
            return str(node.a_const.fval.fval)
        return None
    if kind == "type_cast" and node.type_cast.type_name.names[-1].string.sval == "interval":
        # SET TIME ZONE INTERVAL '+02:00' HOUR TO MINUTE
        text = _text(node.type_cast.arg)
        return None if text is None else f"INTERVAL '{text.replace(chr(39), chr(39) * 2)}'"
    return None
