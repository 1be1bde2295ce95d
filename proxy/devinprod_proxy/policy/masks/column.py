"""Which column is masked, of what type, and how is its digest taken?"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal

from devinprod_proxy.policy.masks.quoting import identifier, literal

Family = Literal[
    "text", "char", "integer", "numeric", "float", "money", "boolean", "date", "timestamp", "timestamptz",
    "time", "timetz", "interval", "uuid", "inet", "cidr", "macaddr", "macaddr8", "json", "jsonb", "xml",
    "bytea", "bit", "fixed", "enum", "array", "unknown",
]  # fmt: skip
"""What the masks need to know of a type. ``fixed``: every value becomes one harmless constant."""


@dataclass(frozen=True, slots=True)
class MaskedColumn:
    """A column as the catalog describes it.

    ``type_name`` is format_type's text and must be schema-qualified for types outside pg_catalog.
    ``base_type`` is the type under a domain (``character varying(20)``), the element under an
    array, else the type again. ``typmod`` counts only where the text does not say it.
    """

    schema: str
    table: str
    name: str
    type_name: str
    type_oid: int
    typmod: int
    base_type: str
    unique: bool
    not_null: bool
    enum_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A type as the masks see it: ``cast`` stands behind ``::``, ``length`` limits characters."""

    family: Family
    cast: str
    length: int | None = None
    precision: int | None = None
    scale: int = 0
    name: str = ""
    fixed: str = ""


# Text that PostgreSQL's grammar reads as a type of pg_catalog whatever the search_path is, and
# which therefore needs no qualification (gram.y: GenericType is the only one that looks names up).
_KEYWORDS = (
    "character varying", "character(", "bit varying", "bit(", "bit", "numeric", "integer", "smallint",
    "bigint", "real", "double precision", "boolean", "timestamp", "time ", "time(", "interval",
)  # fmt: skip

_FAMILIES: dict[str, Family] = {
    "text": "text", "character varying": "text", "character": "text", "bpchar": "text", "name": "text",
    '"char"': "char", "smallint": "integer", "integer": "integer", "bigint": "integer", "oid": "integer",
    "numeric": "numeric", "real": "float", "double precision": "float", "money": "money",
    "boolean": "boolean", "date": "date", "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz", "time without time zone": "time",
    "time with time zone": "timetz", "interval": "interval", "uuid": "uuid", "inet": "inet",
    "cidr": "cidr", "macaddr": "macaddr", "macaddr8": "macaddr8", "json": "json", "jsonb": "jsonb",
    "xml": "xml", "bytea": "bytea", "bit": "bit", "bit varying": "bit",
}  # fmt: skip

# Types with nothing worth telling apart: one constant, so that not even equality shows.
_FIXED: dict[str, str] = {
    "int4range": "empty", "int8range": "empty", "numrange": "empty", "tsrange": "empty",
    "tstzrange": "empty", "daterange": "empty", "int4multirange": "{}", "int8multirange": "{}",
    "nummultirange": "{}", "tsmultirange": "{}", "tstzmultirange": "{}", "datemultirange": "{}",
    "point": "(0,0)", "line": "{1,0,0}", "lseg": "[(0,0),(0,0)]", "box": "(0,0),(0,0)", "path": "[(0,0)]",
    "polygon": "((0,0))", "circle": "<(0,0),0>", "tsvector": "", "tsquery": "", "pg_lsn": "0/0",
    "jsonpath": "$", "xid": "0", "xid8": "0", "cid": "0", "tid": "(0,0)", "regclass": "0", "regproc": "0",
    "regprocedure": "0", "regoper": "0", "regoperator": "0", "regtype": "0", "regrole": "0",
    "regnamespace": "0", "regconfig": "0", "regdictionary": "0", "regcollation": "0", "int2vector": "",
    "oidvector": "", "txid_snapshot": "1:1:", "pg_snapshot": "1:1:",
}  # fmt: skip

_ALIASES = {"varchar": "character varying", "int2": "smallint", "int4": "integer", "int8": "bigint",
            "float4": "real", "float8": "double precision", "bool": "boolean", "decimal": "numeric",
            "timestamp": "timestamp without time zone", "timestamptz": "timestamp with time zone",
            "time": "time without time zone", "timetz": "time with time zone", "varbit": "bit varying",
            "char": "character"}  # fmt: skip


def column_type(column: MaskedColumn) -> ColumnType:
    """What the masks need to know of the column's type; family ``unknown`` where that is nothing."""
    name = column.type_name
    if column.enum_labels and not name.endswith("[]"):
        return ColumnType("enum", name, name=name)
    found = _builtin(name, column.typmod)
    if found is not None:
        return found
    if name.endswith("[]"):
        return ColumnType("array", _array_cast(name), name=name)
    if column.base_type and column.base_type != name:  # a domain: a client sees its base type anyway
        under = _builtin(column.base_type, -1)
        if under is not None:
            return under
        if column.base_type.endswith("[]"):
            return ColumnType("array", _array_cast(column.base_type), name=column.base_type)
    if name.rsplit(".", 1)[-1].strip('"') == "citext":
        return ColumnType("text", name, name="citext")
    return ColumnType("unknown", name, name=name)


def _builtin(name: str, typmod: int) -> ColumnType | None:
    """The type that a format_type text of pg_catalog means; None for arrays and all others."""
    if name.endswith("[]"):
        return None
    name = name.removeprefix("pg_catalog.")
    numbers = [int(n) for n in re.findall(r"-?\d+", "".join(re.findall(r"\([^)]*\)", name)))]
    bare = re.sub(r"\([^)]*\)", "", name)
    if bare.startswith("interval"):
        return ColumnType("interval", name, name="interval")
    if not numbers and bare in _ALIASES and bare != "char":
        bare = name = _ALIASES[bare]
    elif numbers and bare in _ALIASES:
        bare, name = _ALIASES[bare], name.replace(bare, _ALIASES[bare], 1)
    if bare in _FIXED:
        return ColumnType("fixed", f"pg_catalog.{bare}", name=bare, fixed=_FIXED[bare])
    family = _FAMILIES.get(bare)
    if family is None:
        return None
    length = precision = None
    scale = 0
    if family == "text":
        length = numbers[0] if numbers else None
        if length is None and typmod >= 4 and bare in ("character varying", "character", "bpchar"):
            length = typmod - 4
            name = f"{'character varying' if bare == 'character varying' else 'character'}({length})"
        if bare == "name":
            length = 63
        if bare == "bpchar" and length is None:
            name = "pg_catalog.bpchar"
        if name == "character":  # the bare keyword means character(1), which format_type always spells out
            name, length = "character(1)", 1
    elif family == "numeric":
        if not numbers and typmod >= 4:
            numbers = [(typmod - 4 >> 16) & 0xFFFF, ((typmod - 4 & 0x7FF) ^ 1024) - 1024]
            name = f"numeric({numbers[0]},{numbers[1]})"
        if numbers:
            precision, scale = numbers[0], numbers[1] if len(numbers) > 1 else 0
    elif family == "bit":
        length = numbers[0] if numbers else (1 if bare == "bit" else None)
        if name == "bit":
            name = "bit(1)"
    cast = name if name.startswith(_KEYWORDS) or "." in name else f"pg_catalog.{name}"
    return ColumnType(family, cast, length, precision, scale, bare)


def _array_cast(name: str) -> str:
    element = name
    while element.endswith("[]"):
        element = element[:-2]
    found = _builtin(element, -1)
    return (found.cast if found else element) + "[]"


# The key is read once a statement (an InitPlan). CASE, not NULLIF: NULLIF finds its "=" by search_path.
_KEY = (
    "CASE WHEN pg_catalog.current_setting('devinprod.key', true) OPERATOR(pg_catalog.<>) ''::pg_catalog.text"
    " THEN pg_catalog.current_setting('devinprod.key', true)::pg_catalog.bytea END"
)

H = "{h}"
"""Stands for the digest (bytea, 32 bytes) in the templates of ``Target.scalar``."""


@dataclass(slots=True)
class Target:
    """A column, the expression of its real value, and how to build the masked one from it."""

    column: MaskedColumn
    value: str
    domain: str | None = None
    type: ColumnType = field(init=False)

    def __post_init__(self) -> None:
        self.type = column_type(self.column)

    def value_bytes(self) -> str | None:
        """The value as bytes that no setting of a client changes (DateStyle, client_encoding ...).

        Equal values give equal bytes. None: there is no such form for this type.
        """
        v = self.value
        match self.type.family:
            case "text":
                text = f"({v})::pg_catalog.text"
                if self.type.name == "citext":
                    text = f"pg_catalog.lower({text})"
                return f"pg_catalog.convert_to({text}, 'UTF8')"
            case "integer":
                return f"pg_catalog.int8send(({v})::pg_catalog.int8)"
            case "numeric":
                return f"pg_catalog.numeric_send(pg_catalog.trim_scale({v}))"
            case "float":
                # + 0: the two zeros of IEEE 754 are equal
                plus = "OPERATOR(pg_catalog.+) 0::pg_catalog.float8"
                return f"pg_catalog.float8send(({v})::pg_catalog.float8 {plus})"
            case "jsonb" | "json":
                return f"pg_catalog.convert_to(({v})::pg_catalog.jsonb::pg_catalog.text, 'UTF8')"
            case "xml" | "char" | "enum":
                return f"pg_catalog.convert_to(({v})::pg_catalog.text, 'UTF8')"
            case "bytea":
                return f"({v})"
        send = {
            "money": "cash_send", "boolean": "boolsend", "date": "date_send", "timestamp": "timestamp_send",
            "timestamptz": "timestamptz_send", "time": "time_send", "timetz": "timetz_send",
            "interval": "interval_send", "uuid": "uuid_send", "inet": "inet_send", "cidr": "cidr_send",
            "macaddr": "macaddr_send", "macaddr8": "macaddr8_send",
        }.get(self.type.family)  # fmt: skip
        if send is not None:
            return f"pg_catalog.{send}({v})"
        if self.type.family == "bit":
            return f"pg_catalog.varbit_send(({v})::pg_catalog.varbit)"
        if self.type.cast in ("pg_catalog.text[]", "character varying[]"):
            return f"pg_catalog.convert_to(({v})::pg_catalog.text, 'UTF8')"
        return None

    def digest(self) -> str | None:
        """``sha256(key || salt || value)``; None where the value has no bytes.

        The salt has 16 bytes always, so no two (salt, value) pairs read the same.
        """
        value = self.value_bytes()
        if value is None:
            return None
        c = self.column
        named = f"domain:{self.domain}" if self.domain else f"column:{c.schema}\0{c.table}\0{c.name}"
        salt = hashlib.sha256(named.encode()).hexdigest()[:32]
        key = f"(SELECT {_KEY} OPERATOR(pg_catalog.||) '\\x{salt}'::pg_catalog.bytea)"
        return f"pg_catalog.sha256({key} OPERATOR(pg_catalog.||) {value})"

    def scalar(self, template: str, cast: str | None = None) -> str | None:
        """``(SELECT template::cast)`` with ``{h}`` as the digest, computed once however often it is used."""
        cast = self.type.cast if cast is None else cast
        uses = template.count(H)
        if uses == 0:
            # the outer cast keeps the length: CASE drops it where one branch is NULL
            return (
                f"(SELECT (CASE WHEN ({self.value}) IS NULL THEN NULL ELSE {template}::{cast} END)::{cast})"
            )
        digest = self.digest()
        if digest is None:
            return None
        if uses == 1:
            return f"(SELECT ({template.replace(H, digest)})::{cast})"
        # OFFSET 0 keeps the planner from writing the digest out at each of its uses
        body = template.replace(H, "__mask.h")
        return f"(SELECT ({body})::{cast} FROM (SELECT {digest} AS h OFFSET 0) AS __mask)"

    def null(self) -> str:
        """``(SELECT NULL::type)``."""
        return f"(SELECT NULL::{self.type.cast})"

    def closed(self) -> str:
        """The opaque value of the column's own type."""
        from devinprod_proxy.policy.masks.closed import closed

        return closed(self)

    def quoted(self) -> str:
        """``schema.table.column``, quoted where needed: for messages."""
        c = self.column
        return ".".join(identifier(part) for part in (c.schema, c.table, c.name))

    def constant(self, text: str) -> str | None:
        """*text* as a constant of the column's type, NULL where the value is NULL."""
        return self.scalar(literal(text))
