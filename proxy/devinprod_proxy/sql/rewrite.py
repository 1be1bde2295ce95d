"""What runs instead of what was asked?  The one place where client text becomes server text.

A statement is read (:mod:`parse`), walked once (:mod:`gather_facts`), judged (``policy/decide``),
changed by the passes in :data:`PASSES`, in that order, and printed again from the tree. Nothing that
a client wrote reaches the server in any other way: only this module and ``control`` make a
:class:`~devinprod_proxy.sql.statement.ServerSql`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from devinprod_proxy.errors import Refusal
from devinprod_proxy.policy.decide import Allowed, decide
from devinprod_proxy.sql.answer_calls import answer_calls
from devinprod_proxy.sql.describe import describe
from devinprod_proxy.sql.expand_views import ViewBodies, expand_views
from devinprod_proxy.sql.fill_time_defaults import fill_time_defaults
from devinprod_proxy.sql.gather_facts import walk_view
from devinprod_proxy.sql.gather_utility import StatementGatherer
from devinprod_proxy.sql.group_by_key import group_by_key
from devinprod_proxy.sql.kinds import nested_node, shape
from devinprod_proxy.sql.masked_columns import MaskedColumns
from devinprod_proxy.sql.nothing_left import left
from devinprod_proxy.sql.parse import (
    MADE_DEPTH,
    Message,
    ParsedStatement,
    ParseResult,
    TreeError,
    character,
    deep,
    deparse,
    parse,
    read_tree,
    split,
    too_deep,
)
from devinprod_proxy.sql.people import probe
from devinprod_proxy.sql.positions import original_position
from devinprod_proxy.sql.print_statement import Misprinted, printed
from devinprod_proxy.sql.reading import Reading
from devinprod_proxy.sql.renaming import rename
from devinprod_proxy.sql.replace_now import replace_now
from devinprod_proxy.sql.replace_relations import replace_relations
from devinprod_proxy.sql.rewrite_copy import rewrite_copy
from devinprod_proxy.sql.statement import ClientSql, ServerSql, Statement
from devinprod_proxy.sql.transaction_statements import SESSION_STATEMENTS, SessionStatement
from devinprod_proxy.sql.world import World as World
from devinprod_proxy.sql.wrap_writes import wrap_writes


@dataclass(slots=True)
class Work:
    """One statement on its way through the passes."""

    world: World
    sight: MaskedColumns
    reading: Reading
    asked: bytes
    """The tree as the client wrote it, serialized."""
    tree: Message
    allowed: Allowed
    path: tuple[str, ...]


Pass = Callable[[Work], None]

PASSES: tuple[Pass, ...] = (
    lambda work: fill_time_defaults(work.reading),
    lambda work: expand_views(work.reading, work.world, work.sight),
    lambda work: replace_relations(work.reading, work.world.catalog, work.sight),
    lambda work: group_by_key(work.reading, work.world.catalog, work.sight),
    lambda work: answer_calls(work.reading, work.allowed, work.world.catalog, work.sight, work.path),
    lambda work: replace_now(work.reading),
    lambda work: wrap_writes(work.reading, work.world.catalog, work.sight, work.asked),
    lambda work: rewrite_copy(work.reading, work.world.catalog, work.sight),
)

K = TypeVar("K")
V = TypeVar("V")


CACHED_CHARACTERS = 16 << 20
"""How much text the remembered statements may have in all: each costs some times its length."""


class _Recent(Generic[K, V]):
    """The last *size* entries that were asked for, of at most *weight* in all."""

    def __init__(self, size: int, weight: int = CACHED_CHARACTERS) -> None:
        self._size, self._weight = size, weight
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._weights: dict[K, int] = {}
        self._total = 0

    def get(self, key: K) -> V | None:
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def put(self, key: K, value: V, weight: int = 0) -> None:
        if weight > self._weight:
            return
        self._total += weight - self._weights.get(key, 0)
        self._entries[key], self._weights[key] = value, weight
        while len(self._entries) > self._size or self._total > self._weight:
            gone, _ = self._entries.popitem(last=False)
            self._total -= self._weights.pop(gone)


class Rewriter:
    """Reads, judges and rewrites statements; remembers the last *cache_size* of them."""

    def __init__(self, cache_size: int = 5_000) -> None:
        self._statements: _Recent[tuple[str, tuple[object, ...]], Statement | Refusal] = _Recent(cache_size)
        self._sights: _Recent[tuple[object, ...], tuple[MaskedColumns, ViewBodies]] = _Recent(64)

    def statements(self, text: ClientSql) -> list[ParsedStatement] | Refusal:
        """The statements of a text, or the server's own syntax error (42601), or 54001 when too deep."""
        return split(text)

    def cached(self, text: ClientSql, world: World) -> Statement | None:
        """The statement of a text that was rewritten in this world before: one look into a dict."""
        found = self._statements.get((text, world.key))
        return found if isinstance(found, Statement) else None

    def rewrite(self, parsed: ParsedStatement, world: World) -> Statement | Refusal:
        """What runs instead of one statement, or why nothing does.

        ``position`` of a refusal counts characters of the whole text that the client sent.
        """
        key = (parsed.asked, world.key)
        found = self._statements.get(key)
        if found is None:
            try:
                with deep():
                    found = self._rewrite(parsed, world)
            except RecursionError:
                found = too_deep()
            except Misprinted:
                found = _misprinted()
            except _FAULTS as error:
                found = _failed(error)
            self._statements.put(key, found, len(parsed.asked))
        if isinstance(found, Refusal):
            if found.position is None or not parsed.characters:
                return found
            return found.at(found.position + parsed.characters)
        if parsed.location != found.location or parsed.length != found.length:
            return replace(found, location=parsed.location, length=parsed.length)
        return found

    def original_position(self, statement: Statement, run_position: int) -> int | None:
        """Where in ``asked`` the place is that the server names in ``run``; both count characters from 1."""
        return original_position(statement, run_position)

    def sensitive(self, world: World) -> frozenset[tuple[int, int]]:
        """(oid, attnum) that must never be the origin of a result column for this role."""
        return self._sight(world)[0].sensitive()

    def _sight(self, world: World) -> tuple[MaskedColumns, ViewBodies]:
        found = self._sights.get(world.sight_key)
        if found is None:
            sight = MaskedColumns(world)

            def passes(reading: Reading, node: Message) -> None:
                reading.node = "select_stmt"
                verdict = decide(reading.facts(), world.policy, world.role)
                allowed = Allowed() if isinstance(verdict, Refusal) else verdict
                work = Work(world, sight, reading, b"", node, allowed, ("pg_catalog",))
                for each in PASSES:
                    each(work)
                forgotten = left(node, world.catalog, sight, allowed.null)
                if forgotten is not None:
                    reading.refuse(_forgotten(forgotten))

            found = (sight, ViewBodies(world, sight, walk_view, passes))
            self._sights.put(world.sight_key, found)
        return found

    def _rewrite(self, parsed: ParsedStatement, world: World) -> Statement | Refusal:
        asked = parsed.asked
        tree = parse(asked) if parsed.tree is None else read_tree(parsed.tree)
        if isinstance(tree, Refusal):
            return tree
        if len(tree.stmts) != 1:
            return Refusal("0A000", "a part of this text reads differently on its own, so it does not run")
        node = tree.stmts[0].stmt
        kind = node.WhichOneof("node")
        stmt = getattr(node, kind)
        if kind in SESSION_STATEMENTS:
            return _session_statement(parsed, tree, kind, SESSION_STATEMENTS[kind](stmt), world)
        sight, views = self._sight(world)
        path = world.catalog.path(world.search_path)
        gatherer = StatementGatherer(world, sight, views, path)
        reading = gatherer.reading
        gatherer.whole(kind, stmt, node)
        verdict = _judge(reading, world, asked)
        if isinstance(verdict, Refusal):
            return verdict
        shown = describe(reading, world, sight)
        written = parsed.tree or tree.SerializeToString()
        work = Work(world, sight, reading, written, tree, verdict, path)
        reading.uses_now |= bool(reading.moments)
        for each in PASSES:
            each(work)
        if reading.refusal is not None:
            return _placed(reading.refusal, asked)
        forgotten = left(tree, world.catalog, sight, verdict.null)
        if forgotten is not None:
            return _forgotten(forgotten)
        known = Statement(
            kind=shape(kind, stmt, reading).kind,
            node=kind,
            asked=asked,
            run=None,
            location=parsed.location,
            length=parsed.length,
            relations=tuple(dict.fromkeys(f"{u.schema}.{u.name}" for u in reading.relations)),
            written=tuple(dict.fromkeys(r.full_name for r in reading.written())),
            masked=_masked(reading, world, sight),
            opaque=any(
                use.schema not in ("pg_catalog", "information_schema") and use.extension is None
                for use in reading.functions
            ),
            marks=shown.marks,
            people=shown.people,
            uses_now=reading.uses_now,
        )
        if reading.probed and known.people is not None:
            counting = probe(reading, _query_in(kind, stmt))
            counter = None if counting is None else ServerSql(deparse(counting))
            known = replace(known, people=replace(known.people, probe=counter))
        inner = nested_node(kind, stmt)
        if inner is not None:
            within = _within(inner, known, reading)
            known = replace(known, inner=within)
        return _finished(known, tree, kind, stmt, reading)


def renamed(statement: Statement, name: str) -> ServerSql:
    """The statement with the name that it gives or means (PREPARE, DECLARE, CURRENT OF ...) replaced."""
    tree = read_tree(statement.tree, MADE_DEPTH)
    if isinstance(tree, Refusal):
        raise ValueError(tree.message)
    rename(tree.stmts[0].stmt, name)
    return ServerSql(deparse(tree))


def _query_in(kind: str, stmt: Message) -> Message:
    """The query of a COPY, PREPARE, DECLARE or EXPLAIN; the statement itself where it is one."""
    if kind == "copy_stmt" or nested_node(kind, stmt) is not None:
        inner = stmt.query.WhichOneof("node")
        return _query_in(inner, getattr(stmt.query, inner)) if inner else stmt
    return stmt


def _finished(known: Statement, tree: Message, kind: str, stmt: Message, reading: Reading) -> Statement:
    """A statement with its text, its tree and what follows from its kind."""
    is_shaped = shape(kind, stmt, reading)
    raw = tree.SerializeToString()
    return replace(
        known,
        kind=is_shaped.kind,
        run=ServerSql(printed(raw, kind)),
        returns_rows=is_shaped.returns_rows,
        reads_only=is_shaped.reads_only,
        name=is_shaped.name,
        holdable=is_shaped.holdable,
        parameter_types=is_shaped.parameter_types,
        settings=is_shaped.settings,
        tree=raw,
    )


def _within(node: Message, known: Statement, reading: Reading) -> Statement:
    """The statement inside of PREPARE, DECLARE and EXPLAIN, as one of its own."""
    kind = node.WhichOneof("node")
    alone = ParseResult()
    alone.version = 180_000
    alone.stmts.add().stmt.MergeFromString(node.SerializeToString())
    return _finished(replace(known, node=kind), alone, kind, getattr(node, kind), reading)


def _session_statement(
    parsed: ParsedStatement, tree: Message, kind: str, said: SessionStatement, world: World
) -> Statement | Refusal:
    reading = Reading(node=kind)
    reading.settings.extend(said.uses)
    reading.details |= said.details
    if said.unclear:
        reading.unclear(said.unclear)
    verdict = _judge(reading, world, parsed.asked)
    if isinstance(verdict, Refusal):
        return verdict
    raw = tree.SerializeToString()
    return Statement(
        kind=said.kind,
        node=kind,
        asked=parsed.asked,
        run=ServerSql(printed(raw, kind)) if said.sends else None,
        location=parsed.location,
        length=parsed.length,
        returns_rows=said.returns_rows,
        reads_only=said.reads_only,
        name=said.name,
        settings=said.settings,
        mode=said.mode,
        payload=said.payload,
        tree=raw,
    )


def _masked(reading: Reading, world: World, sight: MaskedColumns) -> tuple[str, ...]:
    """Every masked column of every relation that takes part, those inside of views too."""
    names = world.catalog.names
    named = (names.get((use.schema, use.name)) for use in reading.relations)
    relations = dict.fromkeys([*(r for r in named if r is not None), *reading.reached])
    return tuple(f"{r.full_name}.{column}" for r in relations for column in sight.masks(r))


def _judge(reading: Reading, world: World, asked: str) -> Allowed | Refusal:
    if reading.refusal is not None and reading.not_understood is None:
        return _placed(reading.refusal, asked)
    verdict = decide(reading.facts(), world.policy, world.role)
    if isinstance(verdict, Refusal):
        return _placed(verdict.at((verdict.position or 0) - 1), asked)
    return verdict


_FAULTS = (TreeError, ValueError, AttributeError, KeyError, IndexError, TypeError, AssertionError)


def _failed(error: Exception) -> Refusal:
    """A fault of this package's own: the statement does not run."""
    return Refusal(
        "XX000",
        f"devinprod failed to read this statement ({type(error).__name__})",
        hint="This is a fault of devinprod. Write the statement in another form, and report it.",
        whose="operator",
    )


def _forgotten(what: str) -> Refusal:
    """Something stands where no pass reaches it."""
    return Refusal(
        "0A000",
        f"devinprod does not reach {what} where it stands in this statement, so it does not run",
        hint="Move it out: into WITH, or into a statement of its own.",
    )


def _misprinted() -> Refusal:
    """A statement that cannot be sent as it was judged."""
    return Refusal(
        "0A000",
        "a name or an option of this statement would read differently on the server, so it does not run",
        hint="Write the statement without quotes around the words of its options.",
    )


def _placed(refusal: Refusal, asked: str) -> Refusal:
    """A refusal at a byte offset (-1: none), as one at a character from 1."""
    return refusal.at(character(asked, -1 if refusal.position is None else refusal.position))
