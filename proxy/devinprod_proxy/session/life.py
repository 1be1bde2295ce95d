"""How long does a world live?  Idle time and maximum age, and what is left when one of them strikes.

A limit takes the world, not the session: the upstream connection, with its locks and its snapshot,
is closed. Clients stay connected. Where the world had changed anything, whoever sends the next
statement, also a client that connects only then, is told once; else nobody notices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devinprod_proxy.session import commands as c
from devinprod_proxy.session import events as e
from devinprod_proxy.session.exchange import Exchange
from devinprod_proxy.sql import control

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine


def check(m: Machine) -> None:
    """Look whether a limit strikes, and when to look again."""
    idle = 0.0 if m.exchange is not None else m.now - m.last_active
    if m.opened_at is None:  # no world stands
        # What was lost is kept for the next client to be told, but not for ever.
        kept = m.limits.max_age if m.lost_reason is not None else m.limits.idle
        if not m.clients and idle >= kept:
            m.go(e.EndAsked("nobody came back to it", by_owner=False))
        else:
            m.out.append(c.SetTimer("life", max(kept - idle, 1.0)))
        return
    age = m.now - m.opened_at
    if age >= m.limits.max_age:
        _strike(m, f"it reached its maximum age of {span(m.limits.max_age)}")
    elif idle >= m.limits.idle:
        _strike(m, f"it was idle for {span(m.limits.idle)}")
    else:
        left = min(m.limits.idle - idle, m.limits.max_age - age)
        m.out.append(c.SetTimer("life", max(left, 0.05)))


def _strike(m: Machine, reason: str) -> None:
    if not m.clients and not m.journal.dirty:
        m.go(e.EndAsked(reason, by_owner=False))
        return
    m.lose(reason, "57000")
    check(m)


REST_SECONDS = 0.2


def rest_soon(m: Machine) -> None:
    """Something has run: once the session is quiet, :func:`rest`."""
    if not m.resting:
        m.resting = True
        m.out.append(c.SetTimer("rest", REST_SECONDS))


def rest(m: Machine) -> None:
    """Let go of the locks that reads since the last write have taken, while nobody is at work.

    A transaction keeps the lock of every table that it read until it ends (manual, 13.3), and this
    one lasts for hours: production's own ALTER TABLE and TRUNCATE, arriving at the copy, and other
    sessions' too, would wait for a session that only looked. What was read needs nothing kept, so the
    guard is rolled back to. Not while a cursor is open: it would go with it.
    """
    m.resting = False
    if m.state.name != "OPEN" or m.holders or m.continuing is not None:
        return
    if m.active is not None or m.exchange is not None or m.now - m.last_active < REST_SECONDS:
        rest_soon(m)
        return
    if any(client.portals for client in m.clients.values()):
        return
    back = control.rollback_to(control.guard(0))
    ex = Exchange(None, done=lambda ex: _rested(m, ex))
    ex.own(back, entry=m.own_entry(back))
    m.applied = dict(m.applied_at.get(control.guard(0), {}))
    m.send_exchange(ex)


def _rested(m: Machine, ex: Exchange) -> None:
    if ex.failure:
        m.lose(f"it could not be rolled back to a savepoint: {ex.failure.get('M', '')}")


def span(seconds: float) -> str:
    """A duration for people.

    >>> span(1800), span(28800), span(1.5)
    ('30 min', '8 h', '1.5 s')
    """
    if seconds >= 3600 and seconds % 3600 == 0:
        return f"{int(seconds // 3600)} h"
    if seconds >= 60:
        return f"{int(seconds // 60)} min"
    return f"{seconds:g} s"
