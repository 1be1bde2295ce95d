"""Which columns does a role see masked, and by what expression?

The policy speaks of tables by name; inheritance binds tables together. A table that no rule names
has the rule of its nearest named ancestor; whatever a named ancestor or descendant masks is masked
here too, since a parent's rows and its children's rows are the same rows. What this session made
is clear, unless it inherits: it holds only what its maker could read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from devinprod_proxy.policy.masks import MaskedColumn, mask_sql
from devinprod_proxy.policy.model import CLOSED, Mask, TableRule
from devinprod_proxy.sql import tree
from devinprod_proxy.sql.catalog import TABLE_KINDS, Catalog, Column, Relation
from devinprod_proxy.sql.world import World

if TYPE_CHECKING:
    from devinprod_proxy.sql.outputs import Output


_COMPARABLE = frozenset(
    """
    bool bytea char name int8 int2 int4 text oid float4 float8 money bpchar varchar date time timestamp
    timestamptz interval timetz bit varbit numeric uuid inet cidr macaddr macaddr8 jsonb
    """.split()  # noqa: SIM905
)
"""Types of pg_catalog whose ``=`` means the same value; the rest is compared as text."""


class MaskedColumns:
    """The masks of every relation for one role. Made once per policy, catalog, role and session."""

    def __init__(self, world: World) -> None:
        self._catalog = world.catalog
        self._policy = world.policy
        self._role = world.role
        self._created = world.created
        self._masks: dict[int, dict[str, tuple[Mask, Relation]]] = {}
        self._ordered: dict[int, frozenset[str]] = {}
        self._items: dict[tuple[int, str, str], bytes] = {}
        self._values: dict[tuple[int, str, str], bytes] = {}
        self._choices: dict[tuple[int, str, str], bytes] = {}
        self.described: dict[int, tuple[Output, ...]] = {}
        self.described_by_name: dict[int, dict[str, Output]] = {}
        """What :mod:`outputs` remembers of each relation."""

    # -- which ---------------------------------------------------------------------------------

    def masks(self, relation: Relation) -> Mapping[str, tuple[Mask, Relation]]:
        """The masked columns of a table by name: the mask, and the relation whose rule it is."""
        found = self._masks.get(relation.oid)
        if found is None:
            found = self._masks[relation.oid] = self._find(relation)
        return found

    def ordered(self, relation: Relation) -> frozenset[str]:
        """The columns that some index holds beside a masked key.

        A scan of that index alone would give rows in the order of the real values, whatever it shows.
        """
        found = self._ordered.get(relation.oid)
        if found is None:
            masked = self.masks(relation)
            _, descendants = self._catalog.family(relation)
            names: set[str] = set()
            for each in (relation, *descendants):
                by_number = {column.attnum: column.name for column in each.columns}
                for index in each.indexes:
                    held = {by_number[n] for n in index.columns if n in by_number}
                    if index.ordered and any(by_number.get(n) in masked for n in index.keys):
                        names |= held
            found = self._ordered[relation.oid] = frozenset(names)
        return found

    def masked(self, relation: Relation) -> bool:
        """True when the role sees at least one column of the relation masked."""
        return bool(self.masks(relation))

    def own(self, relation: Relation) -> bool:
        """True when this session made the relation."""
        return relation.oid in self._created or relation.persistence == "t" or relation.written_here

    def view_masks(self, relation: Relation) -> Mapping[str, Mask]:
        """What the policy masks of a view beyond what its tables mask."""
        rules = [r for r in (self._role_rule(relation), self._rule(relation)) if r is not None]
        if not rules or self.own(relation):
            return {}
        found: dict[str, Mask] = {}
        for column in relation.columns:
            for rule in rules:
                mask = rule.columns.get(column.name, rule.default)
                if mask is not None:
                    if not mask.clear:
                        found[column.name] = mask
                    break
        return found

    def sensitive(self) -> frozenset[tuple[int, int]]:
        """(oid, attnum) of every masked column: never the origin of a result column."""
        return frozenset(
            (relation.oid, relation.by_name[name].attnum)
            for relation in self._catalog.relations.values()
            if relation.kind in TABLE_KINDS
            for name in self.masks(relation)
        )

    def subject(self, relation: Relation) -> Column | None:
        """The column of a table that says whose data a row is."""
        ancestors, _ = self._catalog.family(relation)
        for each in (relation, *ancestors):
            rule = self._rule(each)
            if rule is not None:
                return relation.by_name.get(rule.subject) if rule.subject else None
        return None

    def _rule(self, relation: Relation) -> TableRule | None:
        return self._policy.tables.get((relation.schema, relation.name))

    def _role_rule(self, relation: Relation) -> TableRule | None:
        beyond = self._policy.roles.get(self._role)
        return None if beyond is None else beyond.tables.get((relation.schema, relation.name))

    def _named(self, relation: Relation) -> bool:
        return self._rule(relation) is not None or self._role_rule(relation) is not None

    def _find(self, relation: Relation) -> dict[str, tuple[Mask, Relation]]:
        if relation.kind not in TABLE_KINDS:
            return {}
        ancestors, descendants = self._catalog.family(relation)
        named = [r for r in (*ancestors, *descendants) if self._named(r)]
        if self.own(relation):
            # Rows of the session's own, but a masked parent's columns stay masked.
            named = [r for r in ancestors if not self.own(r)]
            base = None
        elif self._named(relation):
            base = relation
        else:
            base = next((r for r in ancestors if self._named(r)), relation)
        found: dict[str, tuple[Mask, Relation]] = {}
        for column in relation.columns:
            sources = ([] if base is None else [base]) + named
            for source in sources:
                # A column that only the child has is judged by the child's own name.
                judged = source if column.name in source.by_name else None
                if judged is None:
                    if source is not base:
                        continue
                    judged = relation
                mask = self._policy.column(self._role, judged.schema, judged.name, column.name)
                if not mask.clear:
                    found[column.name] = (mask, judged)
                    break
        for column in relation.columns:
            # A column that is computed from a masked one is closed, unless a rule names it.
            if not column.generated or column.name in found or base is None or self._names(base, column):
                continue
            if mentioned(column.default) & found.keys():
                found[column.name] = (CLOSED, relation)
        return found

    def _names(self, relation: Relation, column: Column) -> bool:
        rules = (self._rule(relation), self._role_rule(relation))
        return any(rule is not None and column.name in rule.columns for rule in rules)

    # -- how -----------------------------------------------------------------------------------

    def value(self, relation: Relation, column: Column, alias: str) -> bytes:
        """What stands for a column of the row *alias*: the column, or its mask (a serialized Node)."""
        key = (relation.oid, column.name, alias)
        found = self._values.get(key)
        if found is None:
            found = self._values[key] = tree.sealed(tree.expression(self._sql(relation, column, alias)))
        return found

    def _sql(self, relation: Relation, column: Column, alias: str) -> str:
        plain = f"{alias}.{tree.identifier(column.name)}"
        masked = self.masks(relation).get(column.name)
        if masked is None:
            return plain
        mask, source = masked
        return mask_sql(mask, masked_column(self._catalog, relation, column, source), plain)

    def item(self, relation: Relation, column: Column, alias: str) -> bytes:
        """As :meth:`value`, as an item of a SELECT list under the column's name."""
        key = (relation.oid, column.name, alias)
        found = self._items.get(key)
        if found is None:
            sql = self._sql(relation, column, alias)
            if column.name in self.masks(relation):
                sql = f"{sql} AS {tree.identifier(column.name)}"
            found = self._items[key] = tree.sealed(tree.target(sql))
        return found

    def choice(self, relation: Relation, column: Column, alias: str) -> bytes:
        """``CASE WHEN <mask> = __value THEN <column> ELSE __value END``, compared as text where it must."""
        key = (relation.oid, column.name, alias)
        found = self._choices.get(key)
        if found is None:
            base = self._catalog.base_type(column.type_oid)
            plain = base is None or (base.schema == "pg_catalog" and base.name in _COMPARABLE)
            cast = "" if plain else "::pg_catalog.text"
            sql = (
                f"CASE WHEN {self._sql(relation, column, alias)}{cast} OPERATOR(pg_catalog.=) __value{cast}"
                f" THEN {alias}.{tree.identifier(column.name)} ELSE __value END"
            )
            choice = tree.node(tree.expression(sql))
            fake = choice.case_expr.args[0].case_when.expr.a_expr.lexpr
            (fake.type_cast.arg if cast else fake).sub_link.sub_link_id = tree.MADE_MASK
            found = self._choices[key] = choice.SerializeToString()
        return found


def mentioned(expression: str | None) -> set[str]:
    """The columns that a stored expression names."""
    if expression is None:
        return set()
    read = tree.statement(f"SELECT {expression}")
    return {r.fields[-1].string.sval for r in tree.find(read, "ColumnRef")}


def masked_column(
    catalog: Catalog, relation: Relation, column: Column, source: Relation | None = None
) -> MaskedColumn:
    """The column as the masks want it described; *source* is the relation whose rule it is."""
    named = source or relation
    own = catalog.types.get(column.type_oid)
    base = catalog.base_type(column.type_oid)
    base_name = column.type_name
    if own is not None and base is not None and own is not base:
        base_name = base.name if base.schema == "pg_catalog" else f"{base.schema}.{base.name}"
    elif own is not None and own.element and own.name.startswith("_"):
        element = catalog.types.get(own.element)
        if element is not None:
            base_name = element.name if element.schema == "pg_catalog" else f"{element.schema}.{element.name}"
    return MaskedColumn(
        schema=named.schema,
        table=named.name,
        name=column.name,
        type_name=column.type_name,
        type_oid=column.type_oid,
        typmod=column.typmod,
        base_type=base_name,
        unique=(column.attnum,) in relation.unique,
        not_null=column.not_null,
        enum_labels=base.labels if base is not None else (),
    )
