"""Whose turn is it?

The upstream serves one unit at a time. A client holds the floor for a unit, or, inside BEGIN ...
COMMIT, from unit to unit. The floor is a stack (``Machine.holders``): real services hold a
transaction on one pooled connection while the same thread writes on another, and on one backend
that would wait for itself. So:

* while the top holder is idle in its transaction, another client's unit that only reads is let in
  at once, read-only, and leaves no trace (a *peek*);
* once it has been idle for ``floor_patience``, any other client's unit is pushed on top, under a
  guard of its own; the holder below waits until it is popped;
* a holder below whose top is itself idle for that long may never get its turn (A, B, A, B on one
  thread): it is told so at once (55P03), naming both;
* everybody else waits in order, at most ``floor_timeout`` (55P03, naming the holder).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from devinprod_proxy.errors import Refusal
from devinprod_proxy.session import ahead, answer, run
from devinprod_proxy.session import commands as c
from devinprod_proxy.session.client import Client
from devinprod_proxy.session.unit import Unit, cut

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine


def next_unit(m: Machine) -> Unit | None:
    """The unit that runs next, or None while nobody can; timers are set for those who wait."""
    # Where another client's implicit transaction goes on, it stands above what would be rolled back.
    if m.cleanups and (m.continuing is None or m.continuing.client in m.cleanups):
        client = m.cleanups[0] if m.continuing is None else m.continuing.client
        m.cleanups.remove(client)
        unit = Unit(client, "flush", deque(), cleanup=True)
        unit.depth = client.transaction.depth if client.transaction is not None else 0
        return unit
    wake: list[float] = []
    for client in m.clients_in_order():
        if _answered(m, client):
            return next_unit(m)
        if client.not_before > m.now:  # statements per minute: slowed down
            wake.append(client.not_before)
            continue
        ready, when = _allowed(m, client)
        if ready is not None:
            m.waiting.pop(client.id, None)
            client.waiting_since = None
            return ready
        end = _end_of_patience(m, client)
        if m.now >= end:
            refuse(m, client, _timeout(m, client))
            return next_unit(m)
        wake.append(end)
        if when is not None:
            wake.append(when)
    _wake(m, wake)
    return None


def let_wait(m: Machine) -> None:
    """While nobody's turn can come: answer those who wait no longer, and look again in time for the next."""
    wake: list[float] = []
    opening = m.exchange is None and not m.cancelling  # that takes as long as connecting may take
    for client in m.clients_in_order():
        if _answered(m, client):
            return let_wait(m)
        end = _end_of_patience(m, client)
        if opening:
            continue
        if m.now >= end:
            refuse(m, client, _timeout(m, client))
            return let_wait(m)
        wake.append(end)
    _wake(m, wake)


def _answered(m: Machine, client: Client) -> bool:
    """Answer a waiting client whose statement has been cancelled, or whose world is gone."""
    if client.cancelled:
        client.cancelled = False
        refuse(m, client, Refusal("57014", "canceling statement due to user request"))
    elif client.lost is not None and client.welcomed:
        text, client.lost = client.lost, None
        refuse(m, client, Refusal("57000", text, _LOST_HINT, whose="upstream"))
    else:
        return False
    return True


def _end_of_patience(m: Machine, client: Client) -> float:
    since = client.waiting_since if client.waiting_since is not None else m.now
    return max(since, client.not_before) + m.limits.floor_timeout


def _wake(m: Machine, wake: list[float]) -> None:
    if wake:
        m.out.append(c.SetTimer("floor", max(min(wake) - m.now, 0.001)))


_LOST_HINT = "nothing of it was ever committed; what the session had changed is gone, and it goes on with a fresh world"


def tell_lost(m: Machine) -> bool:
    """While the world is closed: tell the next waiting client that it is gone. False: nobody to tell."""
    return any(client.lost is not None and _answered(m, client) for client in m.clients_in_order())


def _allowed(m: Machine, client: Client) -> tuple[Unit | None, float | None]:
    """The client's unit if it may run now, else when to look again (None: when something else happens)."""
    if m.continuing is not None:
        if m.continuing.client is not client:
            return None, None
        before, m.continuing = m.continuing, None
        unit = cut(client)
        if unit is not None:
            run.inherit(unit, before)
        return unit, None
    own = client.transaction
    top = m.holders[-1] if m.holders else None
    if own is not None and own.depth < 0:  # its world is gone: only ROLLBACK is left to it
        unit = _take(client, len(m.holders))
        if unit is not None:
            unit.pushed = bool(m.holders)
        return unit, None
    if top is None or top is client:
        return _take(client, 0 if own is None else own.depth), None
    idle_from = m.idle_since.get(top.id, m.now)
    patient = idle_from + m.limits.floor_patience
    if own is not None:  # it holds a lower place of the stack
        since = client.waiting_since if client.waiting_since is not None else m.now
        stuck = max(patient, since + m.limits.floor_patience)
        if m.now < stuck:
            return None, stuck
        if ahead.only_rolls_back(m, client):
            return _take(client, own.depth), None
        refuse(m, client, _interleaved(m, client, top))
        return None, m.now
    depth = len(m.holders)
    if ahead.only_reads(m, client):
        unit = _take(client, depth)
        if unit is not None:
            unit.peek = unit.pushed = True
        return unit, None
    if m.now < patient:
        return None, patient
    unit = _take(client, depth)
    if unit is not None:
        unit.pushed = True
    return unit, None


def _take(client: Client, depth: int) -> Unit | None:
    unit = cut(client)
    if unit is not None:
        unit.depth = depth
    return unit


def refuse(m: Machine, client: Client, refusal: Refusal) -> None:
    """Answer a client's waiting unit with an error, without running it."""
    m.waiting.pop(client.id, None)
    client.waiting_since = None
    unit = cut(client)
    if unit is None:
        return
    if client.transaction is not None:
        client.transaction.failed = True
    answer.fail_client(m, unit, refusal)
    if m.continuing is not None and m.continuing.client is client:
        m.cleanups.append(client)  # the error ends its implicit transaction
    if unit.end == "flush":
        client.skip_to_sync = True
    else:
        answer.finish_cycle(m, client)
    answer.enqueue(m, client)


def _timeout(m: Machine, client: Client) -> Refusal:
    holder = m.active.client if m.active is not None else (m.holders[-1] if m.holders else None)
    if holder is None and m.continuing is not None:
        holder = m.continuing.client
    who = "another connection" if holder is None else holder.label
    since = m.now
    if holder is not None and holder.transaction is not None:
        since = holder.transaction.began
    elif m.exchange is not None and m.exchange.executions:
        since = m.exchange.executions[0].started
    return Refusal(
        "55P03",
        f"the session is in use by {who} (since {m.now - since:.1f} s ago); "
        f"waited {m.limits.floor_timeout:g} s",
        "All connections of one session share one world, one statement at a time. "
        "End the open transaction there, or use another session.",
    )


def _interleaved(m: Machine, client: Client, top: Client) -> Refusal:
    return Refusal(
        "55P03",
        f"{client.label} and {top.label} both have a transaction open, and each waits for the other",
        "Within one session transactions can be nested but not interleaved: end the inner one first.",
    )
