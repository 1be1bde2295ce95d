"""How is a piece of tree made?  Small trees from SQL text and from names, for the passes.

What a pass adds has ``location`` -1 everywhere: positions in a rewritten tree are those of the
client's text or none. Pieces are kept serialized: upb reads bytes some ten times faster than it
copies messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from devinprod_proxy.errors import Refusal
from devinprod_proxy.sql.parse import ENUM, Message, Node, message_class, parse

_SelectStmt = message_class("SelectStmt")


def identifier(name: str) -> str:
    """*name* as a quoted identifier (manual 4.1.1).

    >>> identifier('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def messages(root: Message) -> Iterator[Message]:
    """*root* and every message under it, parents first."""
    stack = [root]
    while stack:
        message = stack.pop()
        yield message
        for descriptor, value in message.ListFields():
            if descriptor.message_type is not None:
                if descriptor.is_repeated:
                    stack.extend(value)
                else:
                    stack.append(value)


def scrub(root: Message) -> Message:
    """*root* with every position set to unknown."""
    for message in messages(root):
        if "location" in message.DESCRIPTOR.fields_by_name:
            message.location = -1
    return root


MADE_MASK = 1
"""SubLink.sub_link_id of a mask: the grammar always gives 0, and nothing prints it."""


def sealed(serialized: bytes) -> bytes:
    """A mask with its root marked, so that a look for what a client wrote need not go into it."""
    made = Node.FromString(serialized)
    value = made.res_target.val if made.WhichOneof("node") == "res_target" else made
    if value.WhichOneof("node") == "sub_link":
        value.sub_link.sub_link_id = MADE_MASK
    raw: bytes = made.SerializeToString()
    return raw


def statement(sql: str) -> Message:
    """The SelectStmt, InsertStmt ... that *sql* says, without positions. For the proxy's own text only."""
    tree = parse(sql)
    if isinstance(tree, Refusal):
        raise ValueError(f"the proxy's own SQL does not parse: {tree.message}: {sql}")
    node = tree.stmts[0].stmt
    return scrub(getattr(node, node.WhichOneof("node")))


@lru_cache(maxsize=4096)
def target(sql: str) -> bytes:
    """One item of a SELECT list, ``a AS b``, as a serialized Node."""
    found: bytes = statement(f"SELECT {sql}").target_list[0].SerializeToString()
    return found


@lru_cache(maxsize=4096)
def expression(sql: str) -> bytes:
    """One expression as a serialized Node."""
    found: bytes = statement(f"SELECT {sql}").target_list[0].res_target.val.SerializeToString()
    return found


def node(serialized: bytes) -> Message:
    """A new Node with what *serialized* holds."""
    return Node.FromString(serialized)


def strings(nodes: Iterable[Message]) -> list[str]:
    """The texts of a list of String nodes, such as a qualified name."""
    return [n.string.sval for n in nodes]


def set_strings(field: Message, names: Iterable[str]) -> None:
    """Make a repeated field hold String nodes of *names*."""
    del field[:]
    for name in names:
        field.add().string.sval = name


def column(*names: str, location: int = -1) -> Message:
    """A ColumnRef node: ``column("t", "a")``."""
    made = Node()
    made.column_ref.location = location
    set_strings(made.column_ref.fields, names)
    return made


def put(place: Message, content: Message) -> None:
    """Make *place*, a Node that stands in a tree, hold what *content* holds."""
    raw = content.SerializeToString()
    place.Clear()
    place.MergeFromString(raw)


def res_target(value: Message, name: str = "") -> Message:
    """A ResTarget node around an expression."""
    made = Node()
    made.res_target.location = -1
    if name:
        made.res_target.name = name
    made.res_target.val.MergeFromString(value.SerializeToString())
    return made


def new_select() -> Message:
    """An empty SelectStmt as the grammar makes it."""
    made = _SelectStmt()
    made.limit_option = ENUM["LIMIT_OPTION_DEFAULT"]
    made.op = ENUM["SETOP_NONE"]
    return made


EMPTY_SELECT: bytes = new_select().SerializeToString()


def conjuncts(place: Message) -> list[Message]:
    """The parts of an AND, however nested; the expression itself if it is none."""
    if place.WhichOneof("node") == "bool_expr" and place.bool_expr.boolop == ENUM["AND_EXPR"]:
        return [part for argument in place.bool_expr.args for part in conjuncts(argument)]
    return [place]


def all_of(parts: list[Message]) -> Message:
    """The AND of some expressions."""
    if len(parts) == 1:
        return parts[0]
    made = Node()
    made.bool_expr.boolop = ENUM["AND_EXPR"]
    made.bool_expr.location = -1
    for part in parts:
        made.bool_expr.args.add().MergeFromString(part.SerializeToString())
    return made


def find(root: Message, kind: str, inside: Callable[[Message], bool] | None = None) -> Iterator[Message]:
    """Every message of one type (``"ColumnRef"``) under *root*; *inside* says where to go on."""
    stack = [root]
    while stack:
        message = stack.pop()
        if message.DESCRIPTOR.name == kind:
            yield message
        for descriptor, value in message.ListFields():
            if descriptor.message_type is None:
                continue
            for part in value if descriptor.is_repeated else (value,):
                if inside is None or inside(part):
                    stack.append(part)
