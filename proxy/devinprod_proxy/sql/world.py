"""Against what is a statement judged?  Catalog, policy, role and search path, frozen together."""

from __future__ import annotations

from dataclasses import dataclass, field

from devinprod_proxy.policy.model import Policy
from devinprod_proxy.sql.catalog import Catalog


@dataclass(frozen=True, slots=True)
class World:
    """Everything but its text that a statement's meaning depends on.

    ``created`` are the oids of relations that this session made. ``search_path`` is the setting's
    list as it stands, with ``$user`` and without what is implicit. ``key`` is equal for worlds in
    which every text means the same: half of a cache key.
    """

    catalog: Catalog
    policy: Policy
    role: str
    search_path: tuple[str, ...] = ("$user", "public")
    created: frozenset[int] = frozenset()
    key: tuple[object, ...] = field(init=False, compare=False, repr=False)
    sight_key: tuple[object, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        sight = (self.catalog.fingerprint, self.policy.fingerprint, self.role, self.created)
        object.__setattr__(self, "sight_key", sight)
        object.__setattr__(self, "key", (*sight, self.search_path))
