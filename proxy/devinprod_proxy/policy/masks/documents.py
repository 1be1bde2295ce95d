"""Which masks are built from others or from the operator's own words: json, array, constant, sql?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from devinprod_proxy.policy.masks.column import H, MaskedColumn, Target
from devinprod_proxy.policy.masks.pieces import hexadecimal
from devinprod_proxy.policy.masks.quoting import literal
from devinprod_proxy.policy.model import Mask

Tree = dict[str, "Tree | Mask"]


def null(mask: Mask, target: Target) -> str | None:
    """NULL, always: also where the column is NOT NULL."""
    return target.null()


def constant(mask: Mask, target: Target) -> str | None:
    """The rule's ``value``; NULL stays NULL."""
    value = mask.option("value")
    if isinstance(value, bool):
        return target.constant("true" if value else "false")
    return target.constant(str(value))


def path_tree(paths: Mapping[str, Mask]) -> Tree:
    """``{"$.a.b": mask}`` as nested keys. Raises ValueError for a path that is none.

    >>> path_tree({"$.theme": Mask("clear")})
    {'theme': Mask(kind='clear', domain=None, lookup='no', options=())}
    """
    tree: Tree = {}
    for path, mask in paths.items():
        keys = path.split(".")
        if keys[0] != "$" or len(keys) < 2 or not all(keys) or any(set(k) & set('[]*"?@()') for k in keys):
            raise ValueError(f"{path!r} is no path of object keys such as $.address.city")
        here = tree
        for key in keys[1:-1]:
            below = here.setdefault(key, {})
            if isinstance(below, Mask):
                raise ValueError(f"{path!r} lies below a path that has a rule already")
            here = below
        if keys[-1] in here:
            raise ValueError(f"{path!r} lies above or at a path that has a rule already")
        here[keys[-1]] = mask
    return tree


def json(mask: Mask, target: Target) -> str | None:
    """The document with only the paths that the rule names; all else is absent.

    A clear path shows what is there, objects and lists too. Any other mask of text works on the
    value as text. Keys are data as well, which is why unnamed ones do not appear.
    """
    if target.type.family not in ("json", "jsonb"):
        return None
    paths = mask.option("paths", ())
    if not isinstance(paths, tuple) or not paths:
        return target.closed()
    document = f"({target.value})::pg_catalog.jsonb"
    body = _object(path_tree(dict(paths)), (), target, document)
    return f"(SELECT (CASE WHEN ({target.value}) IS NULL THEN NULL ELSE {body} END)::{target.type.cast})"


def _object(tree: Tree, above: tuple[str, ...], target: Target, document: str) -> str:
    parts = []
    for key, rule in tree.items():
        path = (*above, key)
        steps = literal("{" + ",".join('"' + k.replace("\\", "\\\\") + '"' for k in path) + "}")
        found = f"({document} OPERATOR(pg_catalog.#>) {steps}::pg_catalog.text[])"
        if isinstance(rule, Mask) and rule.clear:
            shown = found
        elif isinstance(rule, Mask):
            shown = _leaf(
                rule, path, target, f"({document} OPERATOR(pg_catalog.#>>) {steps}::pg_catalog.text[])"
            )
        else:
            kind = f"pg_catalog.jsonb_typeof({found}) OPERATOR(pg_catalog.=) 'object'::pg_catalog.text"
            closed_leaf = _leaf(Mask("closed"), path, target, f"({found})::pg_catalog.text")
            shown = f"CASE WHEN {kind} THEN {_object(rule, path, target, document)} ELSE {closed_leaf} END"
        built = f"pg_catalog.jsonb_build_object({literal(key)}, {shown})"
        parts.append(f"CASE WHEN {found} IS NOT NULL THEN {built} ELSE '{{}}'::pg_catalog.jsonb END")
    return "(" + " OPERATOR(pg_catalog.||) ".join(parts) + ")"


def _leaf(rule: Mask, path: tuple[str, ...], target: Target, value: str) -> str:
    from devinprod_proxy.policy.masks import mask_sql

    c = target.column
    column = MaskedColumn(
        c.schema, c.table, ".".join((c.name, *path)), "text", 25, -1, "text", unique=False, not_null=False
    )
    return f"pg_catalog.to_jsonb({mask_sql(replace(rule, lookup='no'), column, value)})"


def array(mask: Mask, target: Target) -> str | None:
    """Each element under the mask ``of`` (``closed`` if the rule names none); their number shows."""
    from devinprod_proxy.policy.masks import mask_sql

    if target.type.family != "array":
        return None
    of = mask.option("of")
    element_mask = of if isinstance(of, Mask) else Mask("closed")
    element = target.type.name
    while element.endswith("[]"):
        element = element[:-2]
    c = target.column
    column = MaskedColumn(
        c.schema, c.table, c.name, element, 0, -1, c.base_type.removesuffix("[]"), False, False, c.enum_labels
    )
    one = mask_sql(replace(element_mask, domain=element_mask.domain or mask.domain), column, "__element.v")
    elements = f"ROWS FROM (pg_catalog.unnest({target.value})) WITH ORDINALITY AS __element(v, i)"
    gathered = f"(SELECT pg_catalog.array_agg({one} ORDER BY __element.i) FROM {elements})"
    return (
        f"(SELECT (CASE WHEN ({target.value}) IS NULL THEN NULL"
        f" ELSE COALESCE({gathered}, '{{}}') END)::{target.type.cast})"
    )


def sql(mask: Mask, target: Target) -> str | None:
    """The rule's own ``expression`` over ``value`` and ``fake`` (32 hexadecimal digits of the digest).

    The loader has qualified the names in it. NULL stays NULL here too.
    """
    expression = mask.option("expression")
    if not isinstance(expression, str):
        return target.null()
    digest = target.digest()
    fake = "NULL::pg_catalog.text" if digest is None else hexadecimal(32).replace(H, digest)
    return (
        f"(SELECT (CASE WHEN __mask.value IS NULL THEN NULL ELSE ({expression}) END)::{target.type.cast}"
        f" FROM (SELECT {target.value} AS value, {fake} AS fake) AS __mask)"
    )


def closed(mask: Mask, target: Target) -> str | None:
    """The opaque value of the column's type."""
    return target.closed()


def clear(mask: Mask, target: Target) -> str | None:
    """The value itself."""
    return target.value
