"""Does the text that is sent say what was judged?

The printer is libpg_query's, and it takes some names for words of the grammar: an option of EXPLAIN
is printed without quotes, whatever it holds. So what was printed is read again before it is sent. A
text that does not print as itself once more hides something: the rest of a name, a comment, another
statement. Queries are printed node by node with every name quoted, and that look is enough; other
statements are compared tree by tree.
"""

from __future__ import annotations

from devinprod_proxy.errors import Refusal
from devinprod_proxy.policy import statements
from devinprod_proxy.sql import tree
from devinprod_proxy.sql.gather_facts import QUERY_KINDS
from devinprod_proxy.sql.parse import MADE_DEPTH, Message, deparse_bytes, parse_bytes, read_tree

_POSITIONS = (
    "location", "name_location", "list_start", "list_end", "rexpr_list_start", "rexpr_list_end",
    "stmt_location", "stmt_len", "sub_link_id",
)  # fmt: skip
_UNCOMPARED = QUERY_KINDS | statements.OPAQUE
"""Opaque statements run only where nothing is masked; their bodies change their quotes."""


class Misprinted(ValueError):
    """The printed text does not say what its tree says."""


def printed(raw: bytes, kind: str) -> str:
    """The text of a serialized ParseResult of one statement of *kind*; raises :class:`Misprinted`."""
    text = deparse_bytes(raw)
    again = parse_bytes(text)
    if isinstance(again, Refusal) or deparse_bytes(again) != text:
        raise Misprinted(text)
    if kind not in _UNCOMPARED and _read(again) != _read(raw):
        raise Misprinted(text)
    return text


def _read(raw: bytes) -> Message:
    """The statements of a tree, without positions."""
    read = read_tree(raw, MADE_DEPTH)
    if isinstance(read, Refusal):
        raise Misprinted(read.message)
    for message in tree.messages(read):
        fields = message.DESCRIPTOR.fields_by_name
        for name in _POSITIONS:
            if name in fields and fields[name].cpp_type == fields[name].CPPTYPE_INT32:
                message.ClearField(name)
    read.version = 0
    return read
