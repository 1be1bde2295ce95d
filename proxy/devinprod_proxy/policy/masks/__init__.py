"""What does a masked value become?

``mask_sql`` turns a rule and a column into one SQL expression. Every expression

- is keyed: its bytes come from ``sha256(key || salt || value)``, so without the key nobody can try
  out values, and with no key at all the result is NULL;
- depends on the value by equality alone (except where a mask's promise is to keep a format:
  ``digits``, ``array``, ``json``);
- keeps NULL as NULL and has exactly the type and length limit of its column (for a column of a
  domain: the domain's base type, which is what a client sees of it in any case);
- qualifies every name with ``pg_catalog``, operators and types too, so that no search_path and no
  object of a session can stand in between (never NULLIF, IN, BETWEEN, LIKE: their operators cannot
  be qualified);
- is STABLE or IMMUTABLE and computes one digest, as a scalar ``(SELECT ...)``, so that it runs
  behind LIMIT and pulls up into the plan of its statement.

The fakes are recognisable: ``example.com``, ``+999...``, ``~3f9a...`` behind a name, UUIDs of
version 8, addresses in 240.0.0.0/4 or 2001:db8::/32.
"""

from __future__ import annotations

from devinprod_proxy.policy.masks.column import MaskedColumn, Target
from devinprod_proxy.policy.masks.registry import KINDS, MaskKind, Option, misfit
from devinprod_proxy.policy.model import Mask

__all__ = ["KINDS", "MaskKind", "MaskedColumn", "Option", "mask_sql", "misfit"]


def mask_sql(mask: Mask, column: MaskedColumn, value_sql: str) -> str:
    """The SQL expression that stands for *value_sql*, the real value of *column*, under *mask*.

    *value_sql* must be an expression of the column's own type, usually a qualified column
    reference; it may appear several times. A mask that does not fit the column's type gives what
    ``closed`` gives: a mistake in the policy hides too much, never too little (``misfit`` tells).
    Raises KeyError for a mask kind that does not exist; ``load_policy`` never makes one.

    >>> email = MaskedColumn("public", "t", "email", "text", 25, -1, "text", unique=True, not_null=False)
    >>> mask_sql(Mask("null"), email, "t.email")
    '(SELECT NULL::pg_catalog.text)'
    """
    target = Target(column, value_sql, mask.domain)
    expression = KINDS[mask.kind].build(mask, target)
    return expression if expression is not None else target.closed()
