"""Pass: keep the proxy's own settings out of reach of ``current_setting`` with a computed name.

A constant name is judged before anything runs. A parameter or an expression (drivers and ORMs send
``current_setting($1)``) is only known to the server, so the server compares it: once, in a subquery
that is not pulled up, so that an expression that changes between two looks cannot slip through; and
by ASCII letters alone, as the server looks settings up, whatever the locale thinks of an I.
"""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase

from devinprod_proxy.sql import tree
from devinprod_proxy.sql.call_facts import constant
from devinprod_proxy.sql.parse import Node
from devinprod_proxy.sql.reading import Reading

_NAME = (
    f"(SELECT CASE WHEN pg_catalog.translate(__s.name, '{ascii_uppercase}', '{ascii_lowercase}')"
    " OPERATOR(pg_catalog.~~) 'devinprod.%'::pg_catalog.text"
    " THEN 'devinprod.hidden'::pg_catalog.text ELSE __s.name END"
    " FROM (SELECT NULL::pg_catalog.text AS name OFFSET 0) AS __s)"
)


def hide_settings(reading: Reading) -> None:
    """Wrap every computed name of a setting that the walk found."""
    for node, name, _ in reading.calls:
        call = node.func_call
        if name != "current_setting" or not call.args or constant(call.args[0]) is not None:
            continue
        made = Node.FromString(tree.expression(_NAME))
        inner = made.sub_link.subselect.select_stmt.from_clause[0].range_subselect.subquery.select_stmt
        inner.target_list[0].res_target.val.type_cast.arg.ParseFromString(call.args[0].SerializeToString())
        call.args[0].ParseFromString(made.SerializeToString())
