"""Which functions, operators, casts and settings does an expression use?

A call is not always written as one. ``('/etc/passwd'::text).pg_read_file`` calls a function of one
argument (parse_func.c: attribute notation), ``row.f`` calls ``f(row)`` where the row has no column
``f``, an operator or a cast is a function behind a sign. All of them are noted here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from devinprod_proxy.policy import functions
from devinprod_proxy.policy.facts import FunctionUse, SettingUse
from devinprod_proxy.sql import tree
from devinprod_proxy.sql.catalog import Catalog, Function
from devinprod_proxy.sql.parse import ENUM, Message
from devinprod_proxy.sql.reading import Reading
from devinprod_proxy.sql.statement import Setting

_HIDDEN_OPERATORS = {
    ENUM[kind]: names
    for kind, names in {
        "AEXPR_BETWEEN": (">=", "<="), "AEXPR_NOT_BETWEEN": (">=", "<=", "<", ">"),
        "AEXPR_BETWEEN_SYM": (">=", "<="), "AEXPR_NOT_BETWEEN_SYM": (">=", "<=", "<", ">"),
        "AEXPR_DISTINCT": ("=",), "AEXPR_NOT_DISTINCT": ("=",), "AEXPR_NULLIF": ("=",),
    }.items()
}  # fmt: skip
_PLAIN_OPERATOR = ENUM["AEXPR_OP"]
_MOMENTS = frozenset({"now", "transaction_timestamp"})
_MOMENT_WORDS = frozenset({"now", "today", "tomorrow", "yesterday"})
_MOMENT_TYPES = frozenset({"date", "time", "timetz", "timestamp", "timestamptz"})
_VALUE_FUNCTIONS_OF_TIME = frozenset(
    ENUM[f"SVFOP_{name}"]
    for name in (
        "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIME_N", "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP_N",
        "LOCALTIME", "LOCALTIME_N", "LOCALTIMESTAMP", "LOCALTIMESTAMP_N",
    )
)  # fmt: skip


class CallFacts:
    """The part of the walk that notes what is called. *path* is where unqualified names are looked up."""

    def __init__(self, catalog: Catalog, path: tuple[str, ...], reading: Reading) -> None:
        self.catalog = catalog
        self.path = path
        self.reading = reading
        self._seen: set[FunctionUse] = set()
        self.stored = False
        """The text is one that the catalog printed: a bare name in it is PostgreSQL's own, whatever the
        client's search_path would find."""

    def function_call(self, node: Message, message: Message) -> None:
        """A call written as one."""
        names = tree.strings(message.funcname)
        name = names[-1]
        read = bare_constant if name in ("set_config", "current_setting") else constant
        constants = tuple(read(argument) for argument in message.args)
        if len(names) == 1 and (self._shadows(names) or (self.stored and name in self.catalog.functions)):
            # PostgreSQL's own is meant, or what is meant is not allowed: say so to the server.
            names = ["pg_catalog", name]
            tree.set_strings(message.funcname, names)
        own = self.call(names, constants, message.location)
        self.reading.calls.append((node, name, self.candidates(names)))
        if own:
            return
        if (name in _MOMENTS and not message.args) or (name == "age" and len(message.args) == 1):
            self.reading.moments.append(node)
        elif name in ("set_config", "current_setting") and any(
            argument.WhichOneof("node") == "named_arg_expr" for argument in message.args
        ):
            self.reading.unclear(f"{name}() with arguments by name", message.location)
        elif name in ("set_config", "current_setting") and constants and constants[0] is not None:
            value = constants[1] if len(constants) > 1 and name == "set_config" else None
            if name == "set_config":
                self.set_call(message, constants)
            access: Literal["set", "show"] = "set" if name == "set_config" else "show"
            self.reading.settings.append(SettingUse(constants[0].lower(), value, access, message.location))

    def set_call(self, message: Message, constants: tuple[str | None, ...]) -> None:
        """``set_config('name', 'value', local)``: the session has to know what is set."""
        local = message.args[2] if len(message.args) == 3 else None
        flag = None if local is None else boolean(local)
        if constants[0] is None or constants[1] is None or flag is None:
            self.reading.unclear("set_config() with arguments that are not constants", message.location)
            return
        self.reading.set_calls.append(Setting(constants[0].lower(), constants[1], flag))

    def _shadows(self, names: list[str]) -> bool:
        """True when own functions of one of PostgreSQL's names may not be called."""
        return names[0] in self.catalog.shadowed and any(
            not self.permits(FunctionUse(f.schema, f.name, (f.identity,), extension=f.extension))
            for f in self.candidates(names)
        )

    def permits(self, use: FunctionUse) -> bool:
        """Whether ``decide`` would let a statement call this."""
        return True

    def call(self, names: Sequence[str], constants: tuple[str | None, ...], location: int) -> bool:
        """Note one call by name; True when it may be a function of the company's own."""
        name = names[-1]
        found = self.candidates(names)
        if len(names) > 1:
            schema = self.catalog.schema_named(names[-2])
            if schema in ("pg_catalog", "information_schema"):
                self._note(FunctionUse(schema, name, (), constants, location))
                return False
            self._note_own(found, name, constants, location, schema)
            return True
        if not found:
            self._note(FunctionUse("pg_catalog", name, (), constants, location))
            return False
        self._note_own(found, name, constants, location, None)
        if name in self.catalog.shadowed:
            self._note(FunctionUse("pg_catalog", name, (), constants, location))
        return True

    def candidates(self, names: Sequence[str]) -> tuple[Function, ...]:
        """The company's own functions that a name may mean."""
        own = self.catalog.functions.get(names[-1])
        if own is None:
            return ()
        if len(names) > 1:
            schema = self.catalog.schema_named(names[-2])
            return tuple(f for f in own if f.schema == schema)
        return tuple(f for f in own if f.schema in self.path)

    def attribute(self, name: str, location: int) -> None:
        """``row.name``: a call of name(row) if some row type has no such column."""
        if name not in self.catalog.row_functions:
            return
        for function in self.catalog.row_functions[name]:
            self._unwritten(
                FunctionUse(
                    function.schema, name, (function.identity,), (), location, extension=function.extension
                )
            )

    def value_attribute(self, name: str) -> None:
        """``(value).name``: a field, or a call of name(value) whatever the value's type."""
        if name in self.catalog.unary:
            self._unwritten(FunctionUse("pg_catalog", name))
        for function in self.catalog.functions.get(name, ()):
            if function.arguments:
                self._unwritten(
                    FunctionUse(function.schema, name, (function.identity,), extension=function.extension)
                )

    def _unwritten(self, use: FunctionUse) -> None:
        """A call that is not written as one. What a pass would have to change does not run so."""
        self._note(use)
        if use.schema == "pg_catalog":
            conditional = functions.treatment("pg_catalog", use.name) not in ("allowed", None)
        else:
            conditional = any(self.closes(identity) for identity in use.identities)
        if conditional:
            self.reading.unclear(f"a call of {use.name}() that is not written as one", use.location)

    def closes(self, identity: str) -> bool:
        """Whether the result of an own function is to be masked."""
        return False

    def operator(self, names: Sequence[Message], location: int, kind: int = -1) -> None:
        """An operator; PostgreSQL's own are only looks."""
        if not self.catalog.operators:
            return
        texts = tree.strings(names)
        if self.stored and len(texts) == 1:
            self._own_sign(names, texts[0], kind)
            return
        for sign in _HIDDEN_OPERATORS.get(kind, (texts[-1],)):
            for found in self.catalog.operators.get(sign, ()):
                schema = texts[-2] if len(texts) > 1 else None
                if found.schema in self.path if schema is None else found.schema == schema:
                    self._unwritten(
                        FunctionUse(
                            found.schema, sign, (found.identity,), (), location, "operator", found.extension
                        )
                    )

    def _own_sign(self, names: Sequence[Message], sign: str, kind: int) -> None:
        """PostgreSQL's operator, said so where another of its name could be found instead."""
        for shown in _HIDDEN_OPERATORS.get(kind, (sign,)):
            if all(
                self.permits(
                    FunctionUse(o.schema, shown, (o.identity,), how="operator", extension=o.extension)
                )
                for o in self.catalog.operators.get(shown, ())
            ):
                continue
            if kind == _PLAIN_OPERATOR:
                tree.set_strings(names, ("pg_catalog", sign))
                self.reading.qualified = True
            else:
                self.reading.unclear(f"the operator {shown} in a stored text")

    def cast(self, node: Message, message: Message) -> None:
        """A cast: to a type with a function behind it, or of a word that means a moment."""
        self.type_name(message.type_name)
        if _is_moment_word(message):
            self.reading.moments.append(node)

    def type_name(self, message: Message) -> None:
        """A type; casts to it by a function of the company's own count as calls."""
        if message.pct_type:
            self.reading.unclear("%TYPE", message.location)
        if self.catalog.casts and message.names:
            for found in self.catalog.casts.get(message.names[-1].string.sval, ()):
                self._unwritten(
                    FunctionUse(
                        found.schema,
                        found.name,
                        (found.identity,),
                        (),
                        message.location,
                        "cast",
                        found.extension,
                    )
                )

    def value_function(self, node: Message, message: Message) -> None:
        """CURRENT_TIMESTAMP and its kind; CURRENT_USER and its kind are calls of the same name."""
        if message.op in _VALUE_FUNCTIONS_OF_TIME:
            self.reading.moments.append(node)

    def _note_own(
        self,
        found: tuple[Function, ...],
        name: str,
        constants: tuple[str | None, ...],
        location: int,
        schema: str | None,
    ) -> None:
        if not found:
            self._note(
                FunctionUse(None, name if schema is None else f"{schema}.{name}", (), constants, location)
            )
        for each, extension in dict.fromkeys((f.schema, f.extension) for f in found):
            identities = tuple(f.identity for f in found if (f.schema, f.extension) == (each, extension))
            self._note(FunctionUse(each, name, identities, constants, location, extension=extension))

    def _note(self, use: FunctionUse) -> None:
        if use not in self._seen:
            self._seen.add(use)
            self.reading.functions.append(use)


def constant(node: Message) -> str | None:
    """The text of a string constant, cast or not; None for everything else."""
    kind = node.WhichOneof("node")
    if kind == "type_cast":
        return constant(node.type_cast.arg)
    if kind == "a_const" and node.a_const.WhichOneof("val") == "sval":
        text: str = node.a_const.sval.sval
        return text
    return None


def bare_constant(node: Message) -> str | None:
    """The text of a string constant without a cast, which could make other text of it (bytea, a domain)."""
    return constant(node) if node.WhichOneof("node") == "a_const" else None


def boolean(node: Message) -> bool | None:
    """The value of a boolean constant, None for everything else."""
    text = constant(node)
    if text is not None and text.lower() in ("t", "true", "f", "false", "on", "off", "1", "0"):
        return text.lower() in ("t", "true", "on", "1")
    if node.WhichOneof("node") == "a_const" and node.a_const.WhichOneof("val") == "boolval":
        return bool(node.a_const.boolval.boolval)
    return None


def moments_of(place: Message) -> list[Message]:
    """The Nodes in an expression of PostgreSQL's own names that mean the start of the transaction."""
    found: list[Message] = []
    for node in tree.messages(place):
        if node.DESCRIPTOR.name != "Node":
            continue
        kind = node.WhichOneof("node")
        if kind == "func_call":
            name = node.func_call.funcname[-1].string.sval
            if (name in _MOMENTS and not node.func_call.args) or (
                name == "age" and len(node.func_call.args) == 1
            ):
                found.append(node)
        elif kind == "sqlvalue_function":
            if node.sqlvalue_function.op in _VALUE_FUNCTIONS_OF_TIME:
                found.append(node)
        elif kind == "type_cast" and _is_moment_word(node.type_cast):
            found.append(node)
    return found


def _is_moment_word(cast: Message) -> bool:
    text = constant(cast.arg)
    return (
        text is not None
        and text.strip().lower() in _MOMENT_WORDS
        and cast.type_name.names[-1].string.sval in _MOMENT_TYPES
    )
