"""What did the client write?  Text to tree and back, by PostgreSQL's own grammar.

The only importer of the parser: libpg_query (PostgreSQL 18's grammar), reached through ``pglast``
as protobuf bytes; the messages between are upb's, in C. ``pg_query.desc`` is the descriptor of
libpg_query's ``pg_query.proto`` as postgast 0.2 ships it.

NOTICE: pg_query.proto is part of libpg_query, Copyright (c) 2015 Lukas Fittl, BSD-3-Clause.

Depth: upb refuses more than 100 nested messages unless told otherwise, and overflows the C stack
at some 8,000. So a tree is first read with the limit on; only when that fails are its messages
counted, by a loop over the bytes, and beyond :data:`MAX_DEPTH` the answer is 54001.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import Any

from google._upb import _message
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Error
from pglast.parser import DeparseError, ParseError, deparse_protobuf, parse_sql_protobuf

from devinprod_proxy.errors import Refusal
from devinprod_proxy.sql.statement import ClientSql

Message = Any
"""A message of pg_query.proto. Its class is made at run time, so no checker knows its fields."""

TreeError = Error
"""A piece of tree could not be read or written."""

MAX_DEPTH = 1_000
"""Nested messages in a tree: some 500 chained operators, some 900 chained UNIONs."""

MAX_TEXT = 16 << 20
"""Characters of one text. Nobody else is served while it is read: a tenth of a second a million."""

MADE_DEPTH = 4 * MAX_DEPTH
"""Of a rewritten tree: a client's, with the expanded views and masks in it."""

# The passes recurse in Python, about two frames a message. Frames live on the heap since 3.11.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 8 * MAX_DEPTH))


def _load() -> descriptor_pool.DescriptorPool:
    raw = resources.files(__package__).joinpath("pg_query.desc").read_bytes()
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(raw).file:
        pool.Add(file)
    return pool


POOL = _load()
PARSER_VERSION = 180_000


def message_class(name: str) -> type[Message]:
    """The class of one message of pg_query.proto.

    >>> message_class("SelectStmt")().DESCRIPTOR.name
    'SelectStmt'
    """
    found: type[Message] = message_factory.GetMessageClass(POOL.FindMessageTypeByName(f"pg_query.{name}"))
    return found


ParseResult = message_class("ParseResult")
Node = message_class("Node")


def _enum_values() -> dict[str, int]:
    file = POOL.FindFileByName("pg_query.proto")
    return {v.name: v.number for enum in file.enum_types_by_name.values() for v in enum.values}


ENUM = _enum_values()
"""Every enum value of pg_query.proto by its name: ``ENUM["AEXPR_OP"]``."""


@dataclass(frozen=True, slots=True)
class ParsedStatement:
    """One statement of a text, read but not judged.

    ``asked`` is its own text, ``location`` and ``length`` its byte span in the whole text,
    ``characters`` the number of characters before it. ``tree`` (a ParseResult of one statement)
    is there when the whole text was this one statement; positions in it count from ``asked``.
    """

    asked: str
    location: int
    length: int
    characters: int
    tree: bytes | None = None


def parse(text: str) -> Message | Refusal:
    """Read *text* as the server would: a ParseResult, or the server's own syntax error.

    >>> parse("selec 1").message
    'syntax error at or near "selec"'
    >>> parse("select 1").stmts[0].stmt.WhichOneof("node")
    'select_stmt'
    """
    raw = parse_bytes(text)
    return raw if isinstance(raw, Refusal) else read_tree(raw)


def parse_bytes(text: str) -> bytes | Refusal:
    """As :func:`parse`, but the ParseResult is still serialized."""
    if "\0" in text:
        return Refusal("22021", 'invalid byte sequence for encoding "UTF8": 0x00')
    try:
        raw: bytes = parse_sql_protobuf(text)
    except ParseError as error:
        return _syntax_error(error)
    except UnicodeEncodeError:
        return Refusal("22021", 'invalid byte sequence for encoding "UTF8"')
    return raw


def read_tree(raw: bytes, limit: int = MAX_DEPTH) -> Message | Refusal:
    """Serialized ParseResult to messages, 54001 when it is nested too deeply.

    A tree of the rewriter's own may be some times as deep as a client's: :data:`MADE_DEPTH`.
    """
    try:
        return ParseResult.FromString(raw)
    except DecodeError:
        pass
    if deeper_than(raw, limit):
        return too_deep()
    with deep():
        return ParseResult.FromString(raw)


@contextmanager
def deep() -> Iterator[None]:
    """Lets pieces of trees be read however deep they are; only where their depth has been counted."""
    _message.SetAllowOversizeProtos(True)
    try:
        yield
    finally:
        _message.SetAllowOversizeProtos(False)


def deparse(tree: Message) -> str:
    """A ParseResult as SQL text, by libpg_query's own printer.

    Raises :class:`ValueError` when the tree is not one that the grammar makes.
    """
    return deparse_bytes(tree.SerializeToString())


def deparse_bytes(raw: bytes) -> str:
    """As :func:`deparse`, for a tree that is serialized already."""
    try:
        text: str = deparse_protobuf(raw)
    except DeparseError as error:
        raise ValueError(str(error.args[0])) from None
    return text


def split(text: ClientSql) -> list[ParsedStatement] | Refusal:
    """The statements of a text, empty ones left out, or why it cannot be read.

    >>> [s.asked for s in split(ClientSql("select 1; ; select 2"))]
    ['select 1', ' select 2']
    """
    if len(text) > MAX_TEXT:
        return Refusal(
            "54000",
            f"this text of {len(text)} characters is too long to be read",
            hint=f"devinprod reads at most {MAX_TEXT} at once. Send values as parameters, or rows with COPY.",
        )
    raw = parse_bytes(text)
    if isinstance(raw, Refusal):
        return raw
    tree = read_tree(raw)
    if isinstance(tree, Refusal):
        return tree
    if len(tree.stmts) == 1:
        encoded_length = len(text) if text.isascii() else len(text.encode())
        return [ParsedStatement(text, 0, encoded_length, 0, raw)]
    encoded = text.encode()
    statements: list[ParsedStatement] = []
    for stmt in tree.stmts:
        start = stmt.stmt_location
        length = stmt.stmt_len or len(encoded) - start
        before = len(encoded[:start].decode())
        asked = encoded[start : start + length].decode()
        statements.append(ParsedStatement(asked, start, length, before))
    return statements


def too_deep() -> Refusal:
    """The answer to a statement that is nested too deeply."""
    return Refusal(
        "54001",
        "stack depth limit exceeded",
        hint=f"devinprod reads statements of at most {MAX_DEPTH} nested parts: write long chains of"
        " operators or UNIONs as lists, arrays or several statements.",
    )


def character(text: str, offset: int) -> int | None:
    """The 1-based character position of a byte offset (-1: unknown) in *text*.

    >>> character("é x", 3)
    3
    """
    if offset < 0:
        return None
    return offset + 1 if text.isascii() else len(text.encode()[:offset].decode(errors="ignore")) + 1


def _syntax_error(error: ParseError) -> Refusal:
    message = str(error.args[0]) if error.args else "syntax error"
    location = error.args[1] if len(error.args) > 1 else None
    if "stack depth" in message or "nested too deeply" in message or "memory exhausted" in message:
        return too_deep()
    position = location + 1 if isinstance(location, int) and location >= 0 else None
    if message.startswith("invalid byte sequence"):
        return Refusal("22021", message, position=position)
    return Refusal("42601", message, position=position)


# --- counting depth on the wire -----------------------------------------------------------------


def _shape(name: str) -> dict[int, str]:
    fields = POOL.FindMessageTypeByName(f"pg_query.{name}").fields
    return {f.number: f.message_type.name for f in fields if f.message_type is not None}


_SHAPES: dict[str, dict[int, str]] = {}


def deeper_than(raw: bytes, limit: int, name: str = "ParseResult") -> bool:
    """True when a serialized message of that name has more than *limit* nested messages.

    A loop with its own stack, so that the answer does not depend on anybody's (protobuf encoding
    manual: a key is ``field << 3 | wire type``, type 2 is length-delimited).
    """
    ends = [len(raw)]
    names = [name]
    at = 0
    while ends:
        if at >= ends[-1]:
            ends.pop()
            names.pop()
            continue
        key, at = _varint(raw, at)
        wire = key & 7
        if wire == 0:
            _, at = _varint(raw, at)
        elif wire == 1:
            at += 8
        elif wire == 5:
            at += 4
        elif wire == 2:
            length, at = _varint(raw, at)
            shape = _SHAPES.get(names[-1])
            if shape is None:
                shape = _SHAPES[names[-1]] = _shape(names[-1])
            inner = shape.get(key >> 3)
            if inner is None:
                at += length
            else:
                ends.append(at + length)
                names.append(inner)
                if len(ends) > limit:
                    return True
        else:
            return True
    return False


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
