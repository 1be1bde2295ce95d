"""Which masks exist, which options do they take, and which types do they fit?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from devinprod_proxy.policy.masks import documents, fakes, formats
from devinprod_proxy.policy.masks.column import MaskedColumn, Target, column_type
from devinprod_proxy.policy.model import Mask

Build = Callable[[Mask, Target], str | None]
OptionKind = Literal["whole number", "value", "day", "paths", "mask", "expression"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a mask; ``required`` where the mask says nothing without it."""

    kind: OptionKind
    required: bool = False


@dataclass(frozen=True, slots=True)
class MaskKind:
    """One mask: its builder (None: does not fit the type), options and the types it fits."""

    build: Build
    fits: frozenset[str] | None = None
    """Families of types; None: every type."""
    options: Mapping[str, Option] = field(default_factory=dict)


_TEXT = frozenset({"text"})
_BOUNDS = {"min": Option("whole number"), "max": Option("whole number")}
_DAYS = {"min": Option("day"), "max": Option("day")}

KINDS: Mapping[str, MaskKind] = {
    "clear": MaskKind(documents.clear),
    "closed": MaskKind(documents.closed),
    "null": MaskKind(documents.null),
    "constant": MaskKind(documents.constant, options={"value": Option("value", required=True)}),
    "name": MaskKind(fakes.name, _TEXT),
    "first_name": MaskKind(fakes.first_name, _TEXT),
    "last_name": MaskKind(fakes.last_name, _TEXT),
    "company": MaskKind(fakes.company, _TEXT),
    "email": MaskKind(fakes.email, _TEXT),
    "phone": MaskKind(fakes.phone, _TEXT),
    "address": MaskKind(fakes.address, _TEXT),
    "city": MaskKind(fakes.city, _TEXT),
    "digits": MaskKind(formats.digits, _TEXT, {"keep_last": Option("whole number")}),
    "text": MaskKind(fakes.prose, _TEXT),
    "number": MaskKind(formats.number, frozenset({"integer", "numeric", "float", "money", "text"}), _BOUNDS),
    "date": MaskKind(formats.date, frozenset({"date", "timestamp", "timestamptz", "text"}), _DAYS),
    "uuid": MaskKind(formats.uuid, frozenset({"uuid", "text"})),
    "ip": MaskKind(formats.ip, frozenset({"inet", "cidr", "text"})),
    "json": MaskKind(documents.json, frozenset({"json", "jsonb"}), {"paths": Option("paths")}),
    "array": MaskKind(documents.array, frozenset({"array"}), {"of": Option("mask")}),
    "sql": MaskKind(documents.sql, options={"expression": Option("expression", required=True)}),
}


def misfit(mask: Mask, column: MaskedColumn) -> str | None:
    """Why *mask* cannot do what it says for *column*, which then is closed; None if it can.

    >>> column = MaskedColumn("public", "t", "n", "integer", 23, -1, "integer", False, False)
    >>> misfit(Mask("email"), column)
    'mask "email" works on text, and the column is integer'
    """
    family = column_type(column).family
    fits = KINDS[mask.kind].fits
    if fits is not None and family not in fits:
        return f'mask "{mask.kind}" works on {", ".join(sorted(fits))}, and the column is {column.type_name}'
    if mask.kind == "closed" and family == "unknown":
        return f"no opaque value is known for type {column.type_name}: the column is NULL"
    return None
