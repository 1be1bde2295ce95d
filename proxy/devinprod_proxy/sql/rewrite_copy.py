"""Pass: ``COPY t TO STDOUT`` of a table with masked columns copies a query instead.

The query gives the columns that COPY would: those named, else all but the generated ones, of this
table alone and not of its children (manual, COPY). Options stay.
"""

from __future__ import annotations

from devinprod_proxy.errors import Refusal
from devinprod_proxy.policy import catalogs
from devinprod_proxy.sql import tree
from devinprod_proxy.sql.catalog import Catalog, Relation
from devinprod_proxy.sql.masked_columns import MaskedColumns
from devinprod_proxy.sql.parse import Message
from devinprod_proxy.sql.reading import CopyTarget, Reading
from devinprod_proxy.sql.replace_relations import HEAP_ONLY, catalog_columns, qualify


def rewrite_copy(reading: Reading, catalog: Catalog, sight: MaskedColumns) -> None:
    """Change the COPY statements that read a relation."""
    for copied in reading.copies:
        if isinstance(copied.relation, Relation):
            if sight.masked(copied.relation):
                _copy_query(reading, copied, copied.relation, sight)
            else:
                qualify(copied.statement.relation, copied.relation)
        else:
            _copy_catalog(copied, copied.relation, catalog)


def _copy_query(reading: Reading, copied: CopyTarget, relation: Relation, sight: MaskedColumns) -> None:
    statement = copied.statement
    named = tree.strings(statement.attlist)
    missing = [name for name in named if name not in relation.by_name]
    if missing:
        message = f'column "{missing[0]}" of relation "{relation.name}" does not exist'
        reading.refuse(Refusal("42703", message))
        return
    columns = [relation.by_name[n] for n in named] or [c for c in relation.columns if not c.generated]
    select = tree.new_select()
    for column in columns:
        select.target_list.add().MergeFromString(sight.item(relation, column, "__t"))
    var = select.from_clause.add().range_var
    var.relname, var.relpersistence, var.location = relation.name, "p", -1
    var.inh = relation.kind == "p"
    var.alias.aliasname = "__t"
    qualify(var, relation)
    if any(column.name in sight.ordered(relation) for column in columns):
        select.where_clause.MergeFromString(tree.expression(HEAP_ONLY))
    _replace(statement, select)


def _copy_catalog(copied: CopyTarget, relation: tuple[str, str], catalog: Catalog) -> None:
    statement = copied.statement
    statement.relation.schemaname = relation[0]
    statement.relation.catalogname = ""
    shown = catalogs.columns(*relation, catalog.version)
    if shown is None or all(shown.get(name) == "clear" for name, _ in catalog.catalogs[relation]):
        return
    named = tree.strings(statement.attlist)
    select = catalog_columns(relation, catalog, shown, named or None)
    _replace(statement, select)


def _replace(statement: Message, select: Message) -> None:
    statement.ClearField("relation")
    del statement.attlist[:]
    statement.query.select_stmt.MergeFromString(select.SerializeToString())
