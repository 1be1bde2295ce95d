"""Pass: put a view's own query in the place of the view, rewritten like any other.

A view is read with its owner's eyes and a name resolution of its own, so its definition (which the
catalog gives with every name qualified) is read, walked and rewritten on its own, views in it too,
and remembered. A view that shows nothing masked stays a view. The policy may name a view: its rules
mask more, never less, and a column that carries a mask already is not masked twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from devinprod_proxy.errors import Refusal
from devinprod_proxy.policy.masks import mask_sql
from devinprod_proxy.policy.model import Mask
from devinprod_proxy.sql import tree
from devinprod_proxy.sql.catalog import Relation
from devinprod_proxy.sql.masked_columns import MaskedColumns, masked_column
from devinprod_proxy.sql.outputs import Output, Outputs, Source
from devinprod_proxy.sql.parse import MAX_DEPTH, Message, deeper_than, deparse, parse
from devinprod_proxy.sql.reading import Reading, Scope, Site
from devinprod_proxy.sql.replace_relations import place, qualify
from devinprod_proxy.sql.world import World


@dataclass(slots=True)
class ViewBody:
    """A view's query, rewritten. ``reading`` is what the walk over it found."""

    reading: Reading
    scope: Scope | None = None
    select: bytes = b""
    masks: Mapping[str, Mask] = field(default_factory=dict)
    outputs: tuple[Output, ...] | None = None
    shows_masked: bool = False
    """Something in it is masked, so it cannot stay a view."""

    masked_inside: frozenset[str] = frozenset()
    """The columns that carry masked values already."""

    @property
    def expands(self) -> bool:
        """True when the view's query takes its place."""
        return self.shows_masked or bool(self.reading.moments)


BodyPasses = Callable[[Reading, Message], None]
Walk = Callable[
    [World, MaskedColumns, "ViewBodies", tuple[str, ...], Message], "tuple[Reading, Scope | None]"
]


class ViewBodies:
    """The bodies of all views that were met, for one role."""

    def __init__(self, world: World, sight: MaskedColumns, walk: Walk, passes: BodyPasses) -> None:
        self._world = world
        self._sight = sight
        self._walk = walk
        self._passes = passes
        self._bodies: dict[int, ViewBody] = {}

    def body(self, relation: Relation) -> ViewBody:
        """The body of one view."""
        found = self._bodies.get(relation.oid)
        if found is None:
            found = self._bodies[relation.oid] = self._read(relation)
        return found

    def _read(self, relation: Relation) -> ViewBody:
        definition = parse((relation.definition or "").rstrip().rstrip(";"))
        if isinstance(definition, Refusal) or len(definition.stmts) != 1:
            reading = Reading()
            reading.unclear(f"the definition of the view {relation.full_name}")
            return ViewBody(reading)
        node = definition.stmts[0].stmt
        # While this one is read it is its own placeholder: a view that reaches itself is not understood.
        waiting = Reading()
        waiting.unclear(f"the view {relation.full_name}, which reads itself")
        self._bodies[relation.oid] = ViewBody(waiting)
        reading, scope = self._walk(self._world, self._sight, self, ("pg_catalog",), node)
        masks = self._sight.view_masks(relation)
        shows = bool(masks) or any(_shows_masked(site, self._sight) for site in reading.sites)
        inside = Outputs(reading, self._sight).query(scope)
        body = ViewBody(
            reading,
            scope,
            masks=masks,
            outputs=_with_masks(relation, inside, masks),
            shows_masked=shows,
            masked_inside=frozenset(c.name for c in inside or () if c.sources),
        )
        if reading.refusal is None and reading.not_understood is None and body.expands:
            self._passes(reading, node)
            tree.scrub(node)
            body.select = node.select_stmt.SerializeToString()
            if reading.qualified and not _prints_as_it_is(definition):
                reading.unclear(f"the definition of the view {relation.full_name}")
            if deeper_than(body.select, MAX_DEPTH, "SelectStmt"):
                reading.unclear(f"the depth of the view {relation.full_name}")
        return body


def _prints_as_it_is(definition: Message) -> bool:
    """True when the printed text reads as the same tree again: qualified operators bind differently."""
    again = parse(deparse(definition))
    if isinstance(again, Refusal):
        return False
    for link in tree.find(definition, "SubLink"):
        link.sub_link_id = 0  # a mask's mark, which is not printed
    again, made = tree.scrub(again), tree.scrub(definition)
    return bool(again.stmts[0].stmt == made.stmts[0].stmt)


def _with_masks(
    relation: Relation, columns: tuple[Output, ...] | None, masks: Mapping[str, Mask]
) -> tuple[Output, ...] | None:
    """A view's columns with what the policy masks of the view itself."""
    if columns is None:
        return None
    found = []
    for column in columns:
        mask = masks.get(column.name)
        if mask is not None and not column.sources:
            source = Source(mask.kind, mask.domain, f"{relation.full_name}.{column.name}")
            column = replace(column, sources=frozenset({source}), origin=None)
        found.append(column)
    return tuple(found)


def _shows_masked(site: Site, sight: MaskedColumns) -> bool:
    if site.view is not None:
        return site.view.shows_masked
    return site.relation is not None and sight.masked(site.relation)


def merge_body(reading: Reading, body: ViewBody, location: int) -> None:
    """Let what a view does count as done by the statement that reads it."""
    inner = body.reading
    if inner.refusal is not None:
        reading.refuse(inner.refusal, location)
    if inner.not_understood is not None:
        reading.unclear(inner.not_understood, location)
    reading.functions += [replace(use, location=location) for use in inner.functions]
    reading.relations += [replace(use, location=location) for use in inner.relations]
    reading.settings += [replace(use, location=location) for use in inner.settings]
    reading.details |= inner.details


def expand_views(reading: Reading, world: World, sight: MaskedColumns) -> None:
    """Change every view in FROM into its query where it shows something masked."""
    for site in reading.sites:
        body, relation = site.view, site.relation
        if body is None or relation is None:
            continue
        if not body.expands:
            qualify(site.var, relation)
            continue
        reading.uses_now |= bool(body.reading.moments) or body.reading.uses_now
        place(site, _masked_more(relation, body, world) if body.masks else body.select)


def _masked_more(relation: Relation, body: ViewBody, world: World) -> bytes:
    select = tree.new_select()
    for column in relation.columns:
        quoted = tree.identifier(column.name)
        sql = f"__v.{quoted}"
        mask = body.masks.get(column.name)
        if mask is not None and column.name not in body.masked_inside:
            described = masked_column(world.catalog, relation, column)
            sql = f"{mask_sql(mask, described, sql)} AS {quoted}"
        select.target_list.add().MergeFromString(tree.target(sql))
    source = select.from_clause.add().range_subselect
    source.subquery.select_stmt.MergeFromString(body.select)
    source.alias.aliasname = "__v"
    raw: bytes = select.SerializeToString()
    return raw
