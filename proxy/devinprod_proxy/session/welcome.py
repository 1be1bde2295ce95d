"""How does a client come in?  Its startup settings are judged, and it learns what a server reports."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from devinprod_proxy.errors import Refusal
from devinprod_proxy.pgwire import messages
from devinprod_proxy.session import answer, emulate, guard
from devinprod_proxy.session.client import Client
from devinprod_proxy.session.exchange import Exchange
from devinprod_proxy.session.settings import REPORTED, VIRTUAL
from devinprod_proxy.session.unit import Unit
from devinprod_proxy.sql import control
from devinprod_proxy.sql.statement import ClientSql, Kind, Setting

if TYPE_CHECKING:
    from devinprod_proxy.session.machine import Machine

_PLAIN = frozenset({"application_name", "client_encoding", *VIRTUAL})
"""Settings whose printed form is what was given: no need to ask upstream."""


def begin(m: Machine, client: Client) -> None:
    """Judge a client's startup settings and welcome it, or say why not."""
    m.record(
        "client.join",
        client=client.label,
        application=client.startup.get("application_name", ""),
    )
    settings: dict[str, str] = {}
    for name, value in client.startup.items():
        wrong = judge(m, client, name, value)
        if wrong is not None:
            m.dismiss(client, wrong)
            return
        settings[name.lower()] = value
    client.startup = settings
    client.settings = dict(settings)
    if set(settings) <= _PLAIN or m.holders or m.active is not None or m.exchange is not None or m.continuing:
        _welcome(m, client)
        return
    unit = Unit(client, "flush", deque(), welcome=True)
    m.active = unit


def judge(m: Machine, client: Client, name: str, value: str) -> Refusal | None:
    """Why a setting of the startup packet is not accepted, if so: by the same rules as SET."""
    text = ClientSql(
        f"SET {'.'.join(control.identifier(p) for p in name.lower().split('.'))} TO {control.literal(value)}"
    )
    parsed = m.rewriter.statements(text)
    if isinstance(parsed, Refusal):
        return parsed.at(None)
    for one in parsed:
        statement = m.rewriter.rewrite(one, m.world(client))
        if isinstance(statement, Refusal):
            return statement.at(None)
        if statement.kind is not Kind.SET:
            return Refusal("42704", f'unrecognized configuration parameter "{name}"')
    return emulate.unacceptable(Setting(name, value))


def take(m: Machine, unit: Unit, ex: Exchange) -> None:
    """Apply the settings once, so that upstream says how it prints them."""
    unit.finished = True
    unit.ran = True
    guard.apply_settings(m, ex, unit.client)
    client = unit.client

    def done(_: Exchange) -> None:
        if _.error:
            client.settings.clear()
            m.dismiss(
                client, Refusal(_.failure.get("C", "22023"), _.failure.get("M", "invalid startup settings"))
            )
        else:
            _welcome(m, client)

    ex.done = done
    if not ex.upstream:
        _welcome(m, client)


def _welcome(m: Machine, client: Client) -> None:
    reported = dict(m.base_parameters)
    for lower, name in REPORTED.items():
        if name in reported:
            shown = answer.printed(m, client, lower, name)
            reported[name] = client.setting(lower, "") if shown is None else shown
    client.reported = reported
    parts = [messages.parameter_status(name, value) for name, value in reported.items()]
    m.send(client, b"".join(parts) + client.key_data + messages.ready(b"I"))
    client.welcomed = True
    m.publish("session")
    m.look_at_inbox(client)
