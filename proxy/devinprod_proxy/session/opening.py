"""How does a world begin?  The outer transaction, the first guard, and the catalog as this world sees it.

The catalog is large and the same for every world that has changed nothing, so a fresh world takes the
one that its target has at hand where the stamp is the same, and reads it otherwise. Every later change
of the catalog is the world's own, and is read before anything else is rewritten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devinprod_proxy.pgwire.codec import row_values
from devinprod_proxy.session import commands as c
from devinprod_proxy.session import events as e
from devinprod_proxy.session import welcome
from devinprod_proxy.session.exchange import Exchange
from devinprod_proxy.session.states import State
from devinprod_proxy.sql import control
from devinprod_proxy.sql.catalog import Catalog

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine


def begin(m: Machine, event: e.UpstreamOpened) -> None:
    """The connection is logged in: open the outer transaction, and see whether the catalog at hand is good."""
    m.base_parameters = dict(event.parameters)
    m.reported = dict(event.parameters)
    m.state = State.PREPARING
    m.entries.clear()
    m.applied, m.applied_at = {}, {control.guard(0): {}}
    ex = Exchange(None, done=lambda ex: _begun(m, ex))
    ex.own(control.begin(read_only=m.identity.read_only))
    ex.own(control.savepoint(control.guard(0)))
    m.stamp_rows = []
    ex.own(control.catalog_stamp(), captured=m.stamp_rows)
    m.send_exchange(ex)


def _begun(m: Machine, ex: Exchange) -> None:
    """The outer transaction stands: read the catalog, unless the one at hand has the target's stamp."""
    stamp = first_value(m.stamp_rows)
    if ex.error or stamp is None:
        _not_set_up(m, ex)
        return
    offered = m.offered
    if offered is not None and offered[0] == stamp:
        m.catalog, m.created, m.catalog_stale = offered[1], frozenset(), False
        m.catalog_version += 1
        m.forget_worlds()
        _stand(m)
        return
    again = Exchange(None, done=lambda ex: _read(m, ex))
    _ask_catalog(m, again)
    m.send_exchange(again)


def _ask_catalog(m: Machine, ex: Exchange) -> None:
    """Read the catalog, and leave no lock: printing a view's definition takes one on its tables."""
    m.catalog_rows, m.created_rows = [], []
    ex.own(control.savepoint(control.CATALOG))
    ex.own(control.apply_settings({"search_path": "pg_catalog"}))
    ex.own(control.catalog_query(), captured=m.catalog_rows)
    ex.own(control.created_relations(), captured=m.created_rows)
    ex.own(control.rollback_to(control.CATALOG))
    ex.own(control.release(control.CATALOG))


def _not_set_up(m: Machine, ex: Exchange) -> None:
    text = ex.failure.get("M", "its catalog could not be read")
    m.out.append(c.CloseUpstream())
    m.lost(f"the session could not be set up: {text}", ex.failure.get("C", "58000"))


def _read(m: Machine, ex: Exchange) -> None:
    if ex.error or not _take_catalog(m):
        _not_set_up(m, ex)
        return
    stamp = first_value(m.stamp_rows)
    if stamp is not None and m.catalog is not None:
        m.offered = (stamp, m.catalog)
    _stand(m)


def _stand(m: Machine) -> None:
    """The world is open."""
    m.state = State.OPEN
    m.open_failure = None
    if m.opened_at is None:
        m.opened_at, m.opened_wall = m.now, m.wall
        m.last_active = m.now
        m.record("session.open", reason=m.reason)
        m.out.append(c.SetTimer("life", min(m.limits.idle, m.limits.max_age)))
    m.publish("session")
    for client in list(m.clients.values()):
        if not client.welcomed:
            welcome.begin(m, client)


def _take_catalog(m: Machine) -> bool:
    if not m.catalog_stale:
        return True
    text = first_value(m.catalog_rows)
    if text is None:
        return False
    try:
        m.catalog = Catalog.from_json(text.decode())
        created = first_value(m.created_rows)
        m.created = frozenset(int(x) for x in created.decode().split(",")) if created else frozenset()
    except (ValueError, KeyError, TypeError):
        return False
    m.catalog_stale = False
    m.catalog_version += 1
    m.forget_worlds()
    return True


def read_catalog(m: Machine) -> None:
    """Read the catalog anew, as this world sees it, before anything else is rewritten."""
    ex = Exchange(None, done=lambda ex: _read_again(m, ex))
    for name in ("client_encoding", "statement_timeout", "lock_timeout"):
        if m.applied.pop(name, None) is not None:
            ex.own(control.reset_setting(name))
    _ask_catalog(m, ex)
    m.send_exchange(ex)


def _read_again(m: Machine, ex: Exchange) -> None:
    if ex.error or not _take_catalog(m):
        m.out.append(c.CloseUpstream())
        m.lost("the catalog could not be read after a change to it", "58000")


def first_value(rows: list[bytes]) -> bytes | None:
    """The first column of the first row among captured DataRows."""
    for data in rows:
        for value in row_values(data, 0):
            return value
    return None
