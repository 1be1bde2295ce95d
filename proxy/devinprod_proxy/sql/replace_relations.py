"""Pass: put a subquery of masked columns in the place of every relation that has some.

``FROM users AS u`` becomes ``FROM (SELECT __t.id, <mask> AS email FROM public.users AS __t) AS u``,
so that WHERE, JOIN, ORDER BY, whole rows and every function see only fakes. Columns that nothing
in the statement can name are left out: a mistake there is an error of the server's, never a leak.
A relation with nothing masked keeps its place and gets its schema, so that nothing can shadow it.
"""

from __future__ import annotations

from collections.abc import Mapping

from devinprod_proxy.errors import Refusal
from devinprod_proxy.policy import catalogs
from devinprod_proxy.sql import tree
from devinprod_proxy.sql.catalog import SYSTEM_COLUMNS, Catalog, Column, Relation
from devinprod_proxy.sql.masked_columns import MaskedColumns
from devinprod_proxy.sql.parse import Message, message_class
from devinprod_proxy.sql.reading import Cte, Reading, Site

_RangeVar = message_class("RangeVar")
_INNER = "__t"
HEAP_ONLY = f"({_INNER}.tableoid IS NOT NULL) IS TRUE"
"""Always true, and no index holds it: the rows must be fetched from the table.

A scan of an index alone gives rows in the order of its keys. Over an index of a masked column that
would be the order of the real values, and rows that a client inserts itself would find every value
by halves. (Written so that the planner neither drops it nor thinks that it selects anything.)
"""


def replace_relations(reading: Reading, catalog: Catalog, sight: MaskedColumns) -> None:
    """Change every relation in FROM to what the role may see of it, and qualify the rest."""
    for cte in reading.ctes:
        if catalog_has(catalog, cte.name):
            rename_cte(cte, reading.ctes.index(cte))
    for site in reading.sites:
        if site.view is not None:
            continue  # expand_views
        if site.relation is None:
            _own_catalog(site, reading, catalog)
        elif sight.masked(site.relation):
            _mask(site, site.relation, reading, sight)
        else:
            qualify(site.var, site.relation)
    for target in reading.targets:
        qualify(target.statement.relation, target.relation)
    for message in reading.long_names:
        _shorten(message, reading)


def qualify(var: Message, relation: Relation) -> None:
    """Write a relation's schema into its name."""
    var.catalogname = ""
    var.schemaname = "pg_temp" if relation.persistence == "t" else relation.schema


def catalog_has(catalog: Catalog, name: str) -> bool:
    """True when some relation anywhere has this name."""
    return name in catalog.relation_names


def rename_cte(cte: Cte, number: int) -> None:
    """Give a WITH query a name that no relation has.

    Were this file ever to take a table for a WITH query, the server would then find nothing
    instead of the table.
    """
    cte.renamed = f"__cte{number}"
    cte.message.ctename = cte.renamed
    for var in cte.uses:
        if not var.alias.aliasname:
            var.alias.aliasname = cte.name
        var.relname = cte.renamed


def needed(site: Site, relation: Relation, reading: Reading) -> list[Column]:
    """The columns of a relation that the statement can mean."""
    scope = site.scope
    everything = (
        scope.star
        or site.alias in scope.starred
        or site.alias in reading.names  # the whole row, or f(row)
        or bool(site.var.alias.colnames)
        or _starred_inside(site, reading)
    )
    if everything:
        return list(relation.columns)
    return [c for c in relation.columns if c.name in reading.names]


def _starred_inside(site: Site, reading: Reading) -> bool:
    # users.* may stand in a query further in than the one whose FROM has users.
    return any(site.alias in scope.starred for scope in reading.queries)


def _mask(site: Site, relation: Relation, reading: Reading, sight: MaskedColumns) -> None:
    columns = needed(site, relation, reading)
    select = begin(site, relation)
    for column in columns:
        select.target_list.add().MergeFromString(sight.item(relation, column, _INNER))
    system = reading.names & SYSTEM_COLUMNS
    if system and relation.kind in "rpm":
        if site.scope.star or site.alias in site.scope.starred:
            reading.refuse(
                Refusal(
                    "0A000",
                    f'a "*" of {relation.full_name} beside its system columns cannot be masked',
                    hint="Name the columns instead of writing *.",
                ),
                site.var.location,
            )
        for name in sorted(system):
            select.target_list.add().MergeFromString(tree.target(f"{_INNER}.{name}"))
    if any(column.name in sight.ordered(relation) for column in columns):
        select.where_clause.MergeFromString(tree.expression(HEAP_ONLY))


def begin(site: Site, relation: Relation) -> Message:
    """Put an empty subquery over the relation in its place, under its alias; the SELECT to fill.

    ONLY and TABLESAMPLE go with the relation.
    """
    sampled = site.node.WhichOneof("node") == "range_table_sample"
    sample = site.node.SerializeToString() if sampled else b""
    whole = site.var.inh
    select = place(site)
    inner = select.from_clause.add()
    if sampled:
        inner.MergeFromString(sample)
        var = inner.range_table_sample.relation.range_var
    else:
        var = inner.range_var
        var.relname = relation.name
        var.inh = whole
        var.relpersistence = "p"
    var.location = -1
    qualify(var, relation)
    var.ClearField("alias")
    var.alias.aliasname = _INNER
    return select


def place(site: Site, select: bytes | None = None) -> Message:
    """Put a subquery where the relation stood, under its alias; an empty SELECT unless one is given."""
    alias = site.var.alias.SerializeToString() if site.var.HasField("alias") else None
    sub = site.node.range_subselect
    made = sub.subquery.select_stmt
    made.MergeFromString(tree.EMPTY_SELECT if select is None else select)
    if alias is None:
        sub.alias.aliasname = site.alias
    else:
        sub.alias.MergeFromString(alias)
    return made


def _own_catalog(site: Site, reading: Reading, catalog: Catalog) -> None:
    """One of PostgreSQL's own relations: as it is, or with some columns given as NULL."""
    shown = catalogs.columns(site.schema, site.name, catalog.version)
    columns = catalog.catalogs[site.schema, site.name]
    site.var.catalogname = ""
    site.var.schemaname = site.schema
    if shown is None:
        return  # decide refuses it
    if all(shown.get(name) == "clear" for name, _ in columns):
        return
    select = catalog_columns((site.schema, site.name), catalog, shown)
    for name in sorted(reading.names & SYSTEM_COLUMNS):
        if not site.scope.star and site.alias not in site.scope.starred:
            select.target_list.add().MergeFromString(tree.target(f"{_INNER}.{name}"))
    place(site, select.SerializeToString())


def catalog_columns(
    relation: tuple[str, str],
    catalog: Catalog,
    shown: Mapping[str, str],
    named: list[str] | None = None,
) -> Message:
    """A query of one of PostgreSQL's own relations, with what is not clear given as NULL."""
    select = tree.new_select()
    for name, type_name in catalog.catalogs[relation]:
        if named is not None and name not in named:
            continue
        quoted = tree.identifier(name)
        sql = f"{_INNER}.{quoted}"
        if shown.get(name) != "clear":
            sql = f"NULL::{_qualified_type(type_name)} AS {quoted}"
        select.target_list.add().MergeFromString(tree.target(sql))
    inner = select.from_clause.add().range_var
    inner.schemaname, inner.relname = relation
    inner.inh, inner.relpersistence, inner.location = True, "p", -1
    inner.alias.aliasname = _INNER
    return select


def _qualified_type(name: str) -> str:
    """format_type's text for a type of pg_catalog, qualified unless its spelling is SQL's own."""
    spelled = " " in name or "(" in name
    return name if spelled or name.rstrip("[]") in _SQL_SPELLED else f"pg_catalog.{name}"


_SQL_SPELLED = frozenset(
    {"integer", "bigint", "smallint", "boolean", "real", "numeric", "character", "bit", "interval"}
)


def _shorten(message: Message, reading: Reading) -> None:
    """``public.users.id`` of a replaced relation is ``users.id``: a subquery has no schema."""
    parts = [f.string.sval for f in message.fields if f.WhichOneof("node") == "string"]
    star = message.fields[-1].WhichOneof("node") == "a_star"
    relation = parts if star else parts[:-1]
    if len(relation) < 2:
        return
    for site in reading.sites:
        replaced = site.node.WhichOneof("node") == "range_subselect"
        if replaced and (site.schema, site.name) == (relation[-2], relation[-1]) and site.alias == site.name:
            del message.fields[: len(message.fields) - 2]
            return
    for target in reading.targets:
        written = target.relation
        if (written.schema, written.name, written.name) == (relation[-2], relation[-1], target.alias):
            del message.fields[: len(message.fields) - 2]
            return
