"""What is a client told, and when may it go on?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devinprod_proxy.errors import Refusal
from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.kinds import Frontend
from devinprod_proxy.session.client import Client
from devinprod_proxy.session.settings import REPORTED, VIRTUAL
from devinprod_proxy.session.unit import Unit, complete

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine


def fail_client(m: Machine, unit: Unit, refusal: Refusal) -> None:
    """Tell the unit's client an error of the proxy's own."""
    m.send(unit.client, messages.error(messages.refusal_fields(refusal)))


def finish_cycle(m: Machine, client: Client) -> None:
    """ReadyForQuery, with what has to be told before it."""
    if client.notifications and client.transaction is None:
        m.send(client, b"".join(client.notifications))
        client.notifications.clear()
    m.send(client, messages.ready(client.status))


def report(m: Machine, client: Client) -> None:
    """ParameterStatus for what this client has not been told yet (manual 54.2.7)."""
    for lower, name in REPORTED.items():
        value = client.settings.get(lower) if lower in VIRTUAL else m.reported.get(name)
        if value is None:
            value = m.reported.get(name)
        if value is not None and client.reported.get(name) != value:
            client.reported[name] = value
            m.send(client, messages.parameter_status(name, value))


def enqueue(m: Machine, client: Client) -> None:
    """Queue a client for the floor if it has sent a whole unit; drop what an earlier error skips."""
    while client.skip_to_sync and client.inbox:
        item = client.inbox.popleft()
        client.inbox_bytes -= len(item.wire) - 5
        if item.kind == Frontend.SYNC:
            client.skip_to_sync = False
            finish_cycle(m, client)
        elif item.kind == Frontend.QUERY:
            client.skip_to_sync = False
            client.inbox.appendleft(item)
    if client.id not in m.waiting and client.inbox and complete(client):
        m.waiting[client.id] = None
        client.waiting_since = m.now
