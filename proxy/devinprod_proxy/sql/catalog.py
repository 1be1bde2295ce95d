"""What does the target have, by which names?  Its catalog as plain data, read once per change.

``CATALOG_QUERY`` gives one JSON text; :meth:`Catalog.from_json` reads it. Nothing here asks the
server: what the catalog does not know does not exist, and a statement that names it is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from devinprod_proxy.sql.catalog_query import CATALOG_QUERY as CATALOG_QUERY

SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
TABLE_KINDS = frozenset("rpfm")
"""relkinds that hold rows: table, partitioned table, foreign table, materialized view."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``type_name`` is format_type's text, every name of the company's own qualified."""

    attnum: int
    name: str
    type_oid: int
    type_name: str
    typmod: int
    not_null: bool
    generated: bool
    identity: bool
    default: str | None


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger that a user made; ``events`` are pg_trigger.tgtype's bits."""

    name: str
    schema: str
    function: str
    identity: str
    events: int
    enabled: str


@dataclass(frozen=True, slots=True)
class Index:
    """One index: attnums of its keys (0: an expression) and of all its columns, its access method."""

    primary: bool
    unique: bool
    keys: tuple[int, ...]
    columns: tuple[int, ...]
    method: str
    partial: bool

    @property
    def ordered(self) -> bool:
        """A scan of it may give rows in the order of its keys' values."""
        return self.method not in ("hash", "gin", "brin")


@dataclass(frozen=True, slots=True)
class Relation:
    """One relation: ``kind`` is pg_class.relkind, ``definition`` a view's query."""

    oid: int
    schema: str
    name: str
    kind: str
    persistence: str
    columns: tuple[Column, ...] = ()
    definition: str | None = None
    has_rules: bool = False
    parents: tuple[int, ...] = ()
    indexes: tuple[Index, ...] = ()
    index_of: int | None = None
    written_here: bool = False
    """A view whose definition this transaction wrote, so one that the rewriter made."""
    row_type: int = 0
    by_name: Mapping[str, Column] = field(default_factory=dict, compare=False, repr=False)

    @property
    def primary_key(self) -> tuple[int, ...]:
        """The attnums of the primary key; empty if there is none."""
        return next((index.keys for index in self.indexes if index.primary), ())

    @property
    def unique(self) -> frozenset[tuple[int, ...]]:
        """The sets of columns, as attnums, that are unique without a condition."""
        return frozenset(index.keys for index in self.indexes if index.unique)

    @property
    def full_name(self) -> str:
        """``schema.name``, as people write it."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Function:
    """One function, procedure or aggregate that is not PostgreSQL's own."""

    schema: str
    name: str
    identity: str
    kind: str
    volatility: str
    return_type: int
    extension: str | None
    arguments: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator that is not PostgreSQL's own, with the function behind it."""

    schema: str
    name: str
    identity: str
    extension: str | None


@dataclass(frozen=True, slots=True)
class Cast:
    """One cast by a function that is not PostgreSQL's own."""

    target: str
    identity: str
    schema: str
    name: str
    extension: str | None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """One foreign key, for what it cascades to: actions are pg_constraint's letters."""

    table: int
    referenced: int
    on_delete: str
    on_update: str
    columns: tuple[int, ...]
    referenced_columns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Deferrable:
    """One deferrable constraint."""

    schema: str
    name: str
    initially_deferred: bool


@dataclass(frozen=True, slots=True)
class Type:
    """One type: ``kind`` is pg_type.typtype."""

    oid: int
    schema: str
    name: str
    kind: str
    base: int
    element: int
    typmod: int
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalog:
    """All of it. ``fingerprint`` is a digest of the document: part of every cache key."""

    version: int
    database: str
    role: str
    temp_schema: str | None
    schemas: frozenset[str]
    extensions: frozenset[str]
    relations: Mapping[int, Relation]
    names: Mapping[tuple[str, str], Relation]
    children: Mapping[int, tuple[int, ...]]
    functions: Mapping[str, tuple[Function, ...]]
    shadowed: frozenset[str]
    """Names of own functions that PostgreSQL has too."""
    unary: frozenset[str]
    """PostgreSQL's own functions that ``(value).name`` would call."""
    operators: Mapping[str, tuple[Operator, ...]]
    casts: Mapping[str, tuple[Cast, ...]]
    triggers: Mapping[int, tuple[Trigger, ...]]
    foreign_keys: tuple[ForeignKey, ...]
    referencing: Mapping[int, tuple[ForeignKey, ...]]
    """Foreign keys by the table that they reference."""
    referenced_by: Mapping[int, tuple[ForeignKey, ...]]
    """Foreign keys by the table that has them."""
    deferrable: tuple[Deferrable, ...]
    types: Mapping[int, Type]
    catalogs: Mapping[tuple[str, str], tuple[tuple[str, str], ...]]
    """PostgreSQL's own relations: columns as (name, type), in order."""
    partition_keys: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """The attnums of a partitioned table's key; 0 is an expression."""
    fingerprint: str = ""
    relation_names: frozenset[str] = frozenset()
    row_functions: Mapping[str, tuple[Function, ...]] = field(default_factory=dict)
    """Own functions that ``row.name`` may call: of a row type without such a column, or of any type."""

    @classmethod
    def from_json(cls, text: str) -> Catalog:
        """The catalog in a document that CATALOG_QUERY gave.

        Raises :class:`ValueError` when the text is not such a document.
        """
        try:
            return _read(text)
        except (KeyError, TypeError, IndexError, json.JSONDecodeError) as error:
            raise ValueError(f"not a catalog document: {error!r}") from None

    def path(self, search_path: Sequence[str], role: str | None = None) -> tuple[str, ...]:
        """The schemas in which the server looks for a relation, in its order (manual 5.10.3, 19.11.1).

        ``pg_temp`` comes first and ``pg_catalog`` next where the setting does not name them.
        """
        listed: list[str] = []
        for entry in search_path:
            name = (role or self.role) if entry == "$user" else entry
            if name == "pg_temp":
                name = self.temp_schema or ""
            if name and name not in listed:
                listed.append(name)
        implicit = [] if "pg_catalog" in listed else ["pg_catalog"]
        if self.temp_schema and self.temp_schema not in listed:
            implicit.insert(0, self.temp_schema)
        return (*implicit, *listed)

    def schema_named(self, name: str) -> str:
        """What a schema name in a statement means: ``pg_temp`` is the session's own."""
        return self.temp_schema or name if name == "pg_temp" else name

    def relation(self, schema: str, name: str) -> Relation | None:
        """One own relation by its full name."""
        return self.names.get((self.schema_named(schema), name))

    def family(self, relation: Relation) -> tuple[tuple[Relation, ...], tuple[Relation, ...]]:
        """All ancestors (nearest first) and all descendants of a relation by inheritance."""
        return self._closure(relation, up=True), self._closure(relation, up=False)

    def _closure(self, relation: Relation, *, up: bool) -> tuple[Relation, ...]:
        found: dict[int, Relation] = {}
        queue = [relation]
        while queue:
            current = queue.pop(0)
            for oid in current.parents if up else self.children.get(current.oid, ()):
                other = self.relations.get(oid)
                if other is not None and oid not in found:
                    found[oid] = other
                    queue.append(other)
        return tuple(found.values())

    def base_type(self, oid: int) -> Type | None:
        """The type under a domain (however deep); the type itself if it is none."""
        found = self.types.get(oid)
        while found is not None and found.kind == "d":
            found = self.types.get(found.base)
        return found


def _row_functions(
    functions: Mapping[str, Sequence[Function]], types: Mapping[int, Type], relations: Mapping[int, Relation]
) -> dict[str, tuple[Function, ...]]:
    by_row_type = {r.row_type: r for r in relations.values() if r.row_type}
    found: dict[str, tuple[Function, ...]] = {}
    for name, overloads in functions.items():
        callable_so = []
        for function in overloads:
            if not function.arguments:
                continue
            first = function.arguments[0]
            of_relation = by_row_type.get(first)
            known = types.get(first)
            if (of_relation is not None and name not in of_relation.by_name) or (
                of_relation is None and (known is None or known.kind in "cp")
            ):
                callable_so.append(function)
        if callable_so:
            found[name] = tuple(callable_so)
    return found


def _read(text: str) -> Catalog:
    document: dict[str, Any] = json.loads(text)
    primary: dict[int, Relation] = {}
    names: dict[tuple[str, str], Relation] = {}
    children: dict[int, list[int]] = {}
    for row in document["relations"] or ():
        relation = _relation(row)
        primary[relation.oid] = relation
        names[relation.schema, relation.name] = relation
        for parent in relation.parents:
            children.setdefault(parent, []).append(relation.oid)
    functions: dict[str, list[Function]] = {}
    for schema, name, identity, kind, volatility, returns, extension, arguments in (
        document["functions"] or ()
    ):
        functions.setdefault(name, []).append(
            Function(schema, name, identity, kind, volatility, returns, extension, tuple(arguments or ()))
        )
    operators: dict[str, list[Operator]] = {}
    for schema, name, identity, extension in document["operators"] or ():
        operators.setdefault(name, []).append(Operator(schema, name, identity, extension))
    casts: dict[str, list[Cast]] = {}
    for target, identity, schema, name, extension in document["casts"] or ():
        casts.setdefault(target, []).append(Cast(target, identity, schema, name, extension))
    triggers: dict[int, list[Trigger]] = {}
    for oid, name, schema, function, identity, events, enabled in document["triggers"] or ():
        triggers.setdefault(oid, []).append(Trigger(name, schema, function, identity, events, enabled))
    keys = tuple(
        ForeignKey(t, r, d, u, tuple(c), tuple(rc)) for t, r, d, u, c, rc in document["foreign_keys"] or ()
    )
    types = {
        oid: Type(oid, schema, name, kind, base, element, typmod, tuple(labels or ()))
        for oid, schema, name, kind, base, element, typmod, labels in document["types"] or ()
    }
    referencing: dict[int, list[ForeignKey]] = {}
    referenced_by: dict[int, list[ForeignKey]] = {}
    for key in keys:
        referencing.setdefault(key.referenced, []).append(key)
        referenced_by.setdefault(key.table, []).append(key)
    return Catalog(
        version=document["version"],
        database=document["database"],
        role=document["role"],
        temp_schema=document["temp_schema"],
        schemas=frozenset(document["schemas"] or ()),
        extensions=frozenset(document["extensions"] or ()),
        relations=primary,
        names=names,
        children={k: tuple(v) for k, v in children.items()},
        functions={k: tuple(v) for k, v in functions.items()},
        shadowed=frozenset(document["shadowed"] or ()),
        unary=frozenset(document["unary"] or ()),
        operators={k: tuple(v) for k, v in operators.items()},
        casts={k: tuple(v) for k, v in casts.items()},
        triggers={k: tuple(v) for k, v in triggers.items()},
        foreign_keys=keys,
        referencing={k: tuple(v) for k, v in referencing.items()},
        referenced_by={k: tuple(v) for k, v in referenced_by.items()},
        deferrable=tuple(Deferrable(s, n, d) for s, n, d in document["deferrable"] or ()),
        types=types,
        catalogs={(s, n): tuple((c, t) for c, t in columns) for s, n, columns in document["catalogs"]},
        partition_keys={oid: tuple(key) for oid, key in document["partition_keys"] or ()},
        relation_names=frozenset(name for _, name in names),
        row_functions=_row_functions(functions, types, primary),
        fingerprint=hashlib.sha256(text.encode()).hexdigest()[:32],
    )


def _relation(row: list[Any]) -> Relation:
    oid, schema, name, kind, persistence, columns, definition, rules, parents, *rest = row
    indexes, index_of, row_of, here = rest
    read = tuple(
        Column(
            attnum, column, type_oid, type_name, typmod, not_null, bool(generated), bool(identity), default
        )
        for attnum, column, type_oid, type_name, typmod, not_null, generated, identity, default in columns
        or ()
    )
    return Relation(
        oid=oid,
        schema=schema,
        name=name,
        kind=kind,
        persistence=persistence,
        columns=read,
        definition=definition,
        has_rules=bool(rules),
        parents=tuple(parents or ()),
        indexes=tuple(
            Index(primary, unique, tuple(columns[:keys]), tuple(columns), method, partial)
            for primary, unique, columns, keys, method, partial in indexes or ()
        ),
        index_of=index_of,
        written_here=bool(here),
        row_type=row_of,
        by_name={c.name: c for c in read},
    )
