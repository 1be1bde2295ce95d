"""Which of PostgreSQL's own relations may be read, and which of their columns come as NULL?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal

from devinprod_proxy.policy.wordlists import read

ColumnTreatment = Literal["clear", "null"]


@cache
def _catalogs() -> Mapping[tuple[str, str], Mapping[str, ColumnTreatment]]:
    found: dict[tuple[str, str], Mapping[str, ColumnTreatment]] = {}
    words: list[str] = []
    for line in read("catalogs.txt").splitlines():
        words.extend(line.split("#", 1)[0].split())
    columns: dict[str, ColumnTreatment] = {}
    for word in words:
        if word.endswith(":"):
            schema, name = word[:-1].split(".")
            columns = {}
            found[schema, name] = MappingProxyType(columns)
        elif word.startswith("-"):
            columns[word[1:]] = "null"
        else:
            columns[word] = "clear"
    return MappingProxyType(found)


def columns(schema: str, name: str, version: int = 0) -> Mapping[str, ColumnTreatment] | None:
    """How each column of a catalog or of a view of information_schema is shown; None: not at all.

    A column that the mapping does not have (a newer PostgreSQL made it) is to be shown as NULL. The
    mapping holds the columns of all supported versions, so *version* is not needed; it is there so
    that a rule can depend on it some day.

    >>> columns("pg_catalog", "pg_proc")["prosrc"], columns("pg_catalog", "pg_stats")
    ('null', None)
    """
    return _catalogs().get((schema, name))


def all_clear(schema: str, name: str, present: frozenset[str]) -> bool:
    """Whether the relation, with the columns *present* on this server, may be read as it stands.

    >>> all_clear("pg_catalog", "pg_namespace", frozenset({"oid", "nspname"}))
    True
    """
    shown = columns(schema, name)
    return shown is not None and all(shown.get(column) == "clear" for column in present)


def reason_against(name: str) -> str:
    """Why a catalog may not be read: for the message only."""
    if name.startswith(("pg_stats", "pg_statistic")):
        return "holds values of real rows"
    if name in ("pg_authid", "pg_shadow", "pg_user_mapping"):
        return "holds passwords"
    if name.startswith("pg_largeobject"):
        return "holds large objects, which no rule can mask"
    if name in ("pg_cursors", "pg_prepared_statements", "pg_prepared_xacts"):
        return "shows statements of all clients that share the session's backend"
    return "is not on devinprod's list of catalogs that are harmless"
