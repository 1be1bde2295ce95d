"""What can a policy say?  Frozen data, no behaviour beyond looking a rule up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Lookup = Literal["no", "counted", "token"]


@dataclass(frozen=True, slots=True)
class Mask:
    """What happens to one column: ``kind`` is ``clear`` or the name of a mask.

    ``options`` are the mask's own (``keep_last``, ``paths`` ...), as sorted pairs so that a mask
    can be a key of a cache.

    >>> Mask("email", domain="email").clear
    False
    """

    kind: str
    domain: str | None = None
    lookup: Lookup = "no"
    options: tuple[tuple[str, object], ...] = ()

    @property
    def clear(self) -> bool:
        """True when the column is shown as it is."""
        return self.kind == "clear"

    def option(self, name: str, default: object = None) -> object:
        """The value of one option, or *default*."""
        return dict(self.options).get(name, default)


CLEAR = Mask("clear")
CLOSED = Mask("closed")


@dataclass(frozen=True, slots=True)
class TableRule:
    """The rules of one table or view: columns by name, and what unnamed columns are."""

    columns: Mapping[str, Mask] = field(default_factory=dict)
    default: Mask | None = None
    subject: str | None = None
    """The column whose values are people; None: nobody is counted (``"none"`` in the file too)."""


@dataclass(frozen=True, slots=True)
class RoleRule:
    """What a role sees beyond everybody: tables with only the columns that differ."""

    tables: Mapping[tuple[str, str], TableRule] = field(default_factory=dict)


FunctionClass = Literal["safe", "masked"]


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy file, read. Tables are keyed by (schema, name), functions by identity text.

    ``fingerprint`` is a digest of the file's text: part of every cache key.
    """

    default: Mask = CLOSED
    schemas: Mapping[str, Mask] = field(default_factory=dict)
    tables: Mapping[tuple[str, str], TableRule] = field(default_factory=dict)
    functions: Mapping[str, FunctionClass] = field(default_factory=dict)
    roles: Mapping[str, RoleRule] = field(default_factory=dict)
    fingerprint: str = ""

    def table(self, schema: str, name: str) -> TableRule | None:
        """The rule that the file has for a table, if it names it."""
        return self.tables.get((schema, name))

    def column(self, role: str, schema: str, table: str, column: str) -> Mask:
        """The mask of one column for one role: role, column, table, schema, file, in that order.

        >>> Policy().column("developer", "public", "t", "c").kind
        'closed'
        """
        beyond = self.roles.get(role)
        if beyond is not None:
            rule = beyond.tables.get((schema, table))
            if rule is not None:
                if column in rule.columns:
                    return rule.columns[column]
                if rule.default is not None and not self._named(schema, table, column):
                    return rule.default
        rule = self.tables.get((schema, table))
        if rule is not None:
            if column in rule.columns:
                return rule.columns[column]
            if rule.default is not None:
                return rule.default
        return self.schemas.get(schema, self.default)

    def _named(self, schema: str, table: str, column: str) -> bool:
        rule = self.tables.get((schema, table))
        return rule is not None and column in rule.columns

    @property
    def hides_nothing(self) -> bool:
        """True when the file says ``default = "clear"`` and no rule anywhere masks anything."""
        return (
            self.default.clear
            and all(m.clear for m in self.schemas.values())
            and all(
                (t.default is None or t.default.clear) and all(m.clear for m in t.columns.values())
                for t in self.tables.values()
            )
        )
