"""What is a client told, and when may it go on?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devinprod_proxy.errors import Refusal
from devinprod_proxy.pgwire import messages
from devinprod_proxy.pgwire.kinds import Frontend
from devinprod_proxy.session.client import Client
from devinprod_proxy.session.settings import REPORTED, VIRTUAL, is_on
from devinprod_proxy.session.unit import Unit, complete, size

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
    report(m, client)
    m.send(client, messages.ready(client.status))


def learn(m: Machine) -> None:
    """Note how upstream prints the settings that are applied: what a client is told follows from that."""
    if len(m.printed) > 1000:
        m.printed.clear()
    for lower, name in REPORTED.items():
        value = m.applied.get(lower)
        if value is not None and name in m.reported:
            m.printed[lower, value] = m.reported[name]


def printed(m: Machine, client: Client, lower: str, name: str) -> str | None:
    """A setting of a client in the form that ParameterStatus has; None where it is not known yet."""
    value = client.settings.get(lower)
    if value is None:
        return m.base_parameters.get(name)
    if lower in VIRTUAL:
        return ("on" if is_on(value) else "off") if lower == "default_transaction_read_only" else value
    return m.printed.get((lower, value))


def report(m: Machine, client: Client) -> None:
    """ParameterStatus for what this client has not been told yet (manual 54.2.7).

    Not what upstream reports at the moment, which may be another client's setting.
    """
    for lower, name in REPORTED.items():
        value = printed(m, client, lower, name)
        if value is not None and client.reported.get(name) != value:
            client.reported[name] = value
            m.send(client, messages.parameter_status(name, value))


def enqueue(m: Machine, client: Client) -> None:
    """Queue a client for the floor if it has sent a whole unit; drop what an earlier error skips."""
    while client.skip_to_sync and client.inbox:
        item = client.inbox.popleft()
        client.inbox_bytes -= size(item)
        if item.kind == Frontend.SYNC:
            client.skip_to_sync = False
            finish_cycle(m, client)
    if client.id not in m.waiting and client.inbox and complete(client):
        m.waiting[client.id] = None
        client.waiting_since = m.now
