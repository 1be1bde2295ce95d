"""What is known of one statement once it has been read?

``ClientSql`` is what a client wrote. ``ServerSql`` is what may be sent upstream; only
``sql/rewrite.py`` (from a judged and rewritten tree) and ``sql/control.py`` (the proxy's own
fixed statements) make one. A house test holds that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

ClientSql = NewType("ClientSql", str)


@dataclass(frozen=True, slots=True)
class ServerSql:
    """Text that may be sent to the target database."""

    text: str


class Kind(StrEnum):
    """What a statement is to the session; what PostgreSQL calls it stands in ``Statement.node``."""

    EMPTY = "empty"
    READ = "read"  # SELECT, VALUES, TABLE without writing parts
    WRITE = "write"  # INSERT, UPDATE, DELETE, MERGE, also inside WITH; SELECT INTO; TRUNCATE
    COPY_OUT = "copy_out"
    COPY_IN = "copy_in"
    DDL = "ddl"  # changes the catalog: the session reloads its catalog afterwards
    UTILITY = "utility"  # LOCK, ANALYZE of what is the session's own ..., nothing special to do
    EXPLAIN = "explain"
    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    SAVEPOINT = "savepoint"
    RELEASE = "release"
    ROLLBACK_TO = "rollback_to"
    SET = "set"
    RESET = "reset"  # RESET name; RESET ALL has name None
    SHOW = "show"
    DISCARD = "discard"
    SET_CONSTRAINTS = "set_constraints"
    PREPARE = "prepare"
    EXECUTE = "execute"
    DEALLOCATE = "deallocate"  # name None: ALL
    DECLARE = "declare"
    FETCH = "fetch"  # and MOVE
    CLOSE = "close"  # name None: ALL
    LISTEN = "listen"
    UNLISTEN = "unlisten"  # name None: *
    NOTIFY = "notify"


@dataclass(frozen=True, slots=True)
class TransactionMode:
    """The options of BEGIN, START TRANSACTION, SET TRANSACTION; None: not given."""

    isolation: str | None = None  # "read committed", "serializable" ...
    read_only: bool | None = None
    deferrable: bool | None = None
    chain: bool = False  # COMMIT/ROLLBACK AND CHAIN


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that takes effect in the client once the statement has succeeded.

    ``value`` None: back to the default. ``local``: until the end of the client's transaction.
    """

    name: str
    value: str | None
    local: bool = False


@dataclass(frozen=True, slots=True)
class OutputMark:
    """One result column that carries masked values. ``position`` counts from 0."""

    position: int
    name: str
    mask: str
    domain: str | None
    source: str
    """``public.customers.email``; several joined by ``, `` where an expression mixes them."""


@dataclass(frozen=True, slots=True)
class FixedKey:
    """A value to which the WHERE clause pins a subject key: a parameter (from 1) or a literal."""

    parameter: int | None = None
    literal: str | None = None


@dataclass(frozen=True, slots=True)
class SubjectUse:
    """A table in the statement whose rows are people's.

    A result column whose origin is (oid, attnum) carries the key. ``fixed``: the statement reads
    the rows of these keys only.
    """

    table: str
    oid: int
    attnum: int
    fixed: tuple[FixedKey, ...] = ()


@dataclass(frozen=True, slots=True)
class People:
    """How the data subjects that a statement shows are counted."""

    uses: tuple[SubjectUse, ...]
    aggregates: bool = False
    """One result row may speak of many people (sum, string_agg ..., not a bare count)."""
    probe: ServerSql | None = None
    """``SELECT count(*)`` of the distinct people that an aggregate scans, at most ``$limit``:
    same parameters as the statement; the text contains a LIMIT of PROBE_LIMIT."""


PROBE_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: asked, judged, rewritten.

    ``run`` is None where the session answers by itself (BEGIN, SET ...). ``location`` and
    ``length`` are the byte span in the whole text the client sent.
    """

    kind: Kind
    node: str
    asked: str
    run: ServerSql | None
    location: int = 0
    length: int = 0
    returns_rows: bool = False
    reads_only: bool = True
    relations: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    """Tables written, ``schema.table``."""
    masked: tuple[str, ...] = ()
    """Masked columns of the relations that take part, by a foreign key's cascade too:
    ``schema.table.column``, for the audit record; when not empty, the server's error details are
    withheld."""
    opaque: bool = False
    """Functions of the company's own take part (called, or fired by a trigger): what they raise could
    hold any value, so it is withheld too."""
    marks: tuple[OutputMark, ...] = ()
    people: People | None = None
    uses_now: bool = False
    """``run`` reads the setting devinprod.txn_start (transaction start of the client)."""
    name: str | None = None
    """Savepoint, prepared statement, cursor, channel or setting; meaning depends on ``kind``."""
    settings: tuple[Setting, ...] = ()
    mode: TransactionMode | None = None
    payload: str | None = None  # NOTIFY
    inner: Statement | None = None
    """The statement within PREPARE, DECLARE, EXPLAIN."""
    parameter_types: tuple[str, ...] = ()  # PREPARE name (types)
    holdable: bool = False  # DECLARE ... WITH HOLD
    emulated_tag: str | None = None
    """Command tag to show instead of upstream's (rewriting changed it)."""
    tree: bytes = b""
    """The rewritten tree (pg_query.ParseResult), for renaming and for mapping error positions."""
