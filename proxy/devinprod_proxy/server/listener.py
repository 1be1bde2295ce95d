"""How does the proxy run?  Everything that a configuration names is opened, served and closed again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass

from devinprod_proxy import __version__
from devinprod_proxy.config import Config, Listen
from devinprod_proxy.errors import ConfigInvalid, UpstreamFault
from devinprod_proxy.server.audit_file import AuditFile
from devinprod_proxy.server.control import Control
from devinprod_proxy.server.postgres import Postgres
from devinprod_proxy.server.sessions import Sessions
from devinprod_proxy.server.target import TargetState
from devinprod_proxy.server.tls import ServerTls, server_tls
from devinprod_proxy.server.users import Users

log = logging.getLogger("devinprod")

POLICY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Running:
    """Where a started proxy listens."""

    listening: tuple[str, ...]
    control: str
    sessions: Sessions


async def serve(config: Config, *, started: Callable[[Running], None] = lambda _: None) -> None:
    """Run until SIGTERM or SIGINT (or until cancelled). *started* is told once clients can connect.

    Raises ConfigInvalid, PolicyInvalid, AuditUnavailable, UpstreamFault (no target can be reached, or
    one is an unnamed primary) and OSError (an address cannot be bound); then nothing is left open.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        tls = _tls(config)
        targets = {name: TargetState(target) for name, target in config.targets.items()}
        users = Users.load(config.proxy.users)
        audit = AuditFile.open(config.proxy.audit, config.proxy.audit_sync)
        stack.callback(audit.close)
        for state in targets.values():
            stack.push_async_callback(state.close)
            await _look(state)
        sessions = Sessions(config, users, audit, targets)
        audit.append({"kind": "proxy.start", "version": __version__, "targets": sorted(targets)})
        postgres = Postgres(sessions, users, tls)
        listening = tuple([await _listen(one, postgres, stack) for one in config.proxy.listen])
        control = Control(
            sessions,
            users,
            login_failed=lambda user, peer: sessions.record(
                {"kind": "login.failed", "user": user, "peer": peer}
            ),
        )
        control_url = await control.start(
            config.proxy.control,
            tls.context if tls is not None and not config.proxy.control.loopback else None,
        )
        stack.push_async_callback(control.close)
        for state in targets.values():
            task = asyncio.create_task(state.watch())
            stack.callback(task.cancel)
        watching = asyncio.create_task(_watch_policies(sessions))
        stack.callback(watching.cancel)
        stack.push_async_callback(sessions.close)
        for warning in config.warnings:
            log.warning("%s", warning)
        log.info("listening on %s, control API on %s", ", ".join(listening), control_url)
        started(Running(listening, control_url, sessions))
        await stop.wait()
        log.info("stopping: %d sessions are rolled back", int(sessions.metrics()["devinprod_sessions"]))


def _tls(config: Config) -> ServerTls | None:
    if config.proxy.tls_cert is None or config.proxy.tls_key is None:
        return None
    return server_tls(config.proxy.tls_cert, config.proxy.tls_key)


async def _look(state: TargetState) -> None:
    await state.look()
    log.info("target %s: %s, PostgreSQL %s", state.name, state.kind, state.version)
    if state.kind == "unnamed":
        raise UpstreamFault(
            f"target {state.name} is neither a logical subscriber nor a standby: it may be the primary",
            sqlstate="55000",
            hint=f'Say kind = "clone" (or, if you mean it, kind = "primary") in [target.{state.name}].',
        )


async def _listen(listen: Listen, postgres: Postgres, stack: contextlib.AsyncExitStack) -> str:
    loop = asyncio.get_running_loop()
    factory = postgres.protocol(tls_required=not listen.loopback)
    if listen.path is not None:
        listen.path.unlink(missing_ok=True)
        server = await loop.create_unix_server(factory, str(listen.path))
        listen.path.chmod(0o660)
        stack.callback(listen.path.unlink, missing_ok=True)
        where = f"unix:{listen.path}"
    else:
        if not listen.loopback and postgres.tls is None:
            raise ConfigInvalid(
                "a listener that is not loopback needs tls", file="devinprod.toml", key="proxy.tls"
            )
        server = await loop.create_server(factory, listen.host, listen.port)
        port = server.sockets[0].getsockname()[1]
        where = f"{listen.host}:{port}"
    stack.callback(server.close)
    return where


async def _watch_policies(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(POLICY_SECONDS)
        sessions.policies_changed()
