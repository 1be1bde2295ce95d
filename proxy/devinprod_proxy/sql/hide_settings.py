"""How is ``current_setting`` with a computed name kept from the proxy's own settings?  For :mod:`answer_calls`.

A constant name is judged before anything runs. A parameter or an expression (drivers and ORMs send
``current_setting($1)``) is only known to the server, so the server compares it: once, in a subquery
that is not pulled up, so that an expression that changes between two looks cannot slip through; and
by ASCII letters alone, as the server looks settings up, whatever the locale thinks of an I.
"""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase

from devinprod_proxy.sql import tree
from devinprod_proxy.sql.call_facts import bare_constant
from devinprod_proxy.sql.parse import Message, Node

_NAME = (
    f"(SELECT CASE WHEN pg_catalog.translate(__s.name, '{ascii_uppercase}', '{ascii_lowercase}')"
    " OPERATOR(pg_catalog.~~) 'devinprod.%'::pg_catalog.text"
    " THEN 'devinprod.hidden'::pg_catalog.text ELSE __s.name END"
    " FROM (SELECT NULL::pg_catalog.text AS name OFFSET 0) AS __s)"
)


def hide_setting(call: Message) -> None:
    """Wrap the name of a setting if it is computed. What is copied must have been changed before."""
    if not call.args or bare_constant(call.args[0]) is not None:
        return
    made = Node.FromString(tree.expression(_NAME))
    inner = made.sub_link.subselect.select_stmt.from_clause[0].range_subselect.subquery.select_stmt
    inner.target_list[0].res_target.val.type_cast.arg.ParseFromString(call.args[0].SerializeToString())
    call.args[0].ParseFromString(made.SerializeToString())
