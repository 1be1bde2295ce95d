"""``devinprod demo`` and ``devinprod proxy``: what runs until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from devinprod_proxy.cli.output import CommandFailed
from devinprod_proxy.config import Config, load_config


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these commands to the parser."""
    demo = commands.add_parser("demo", help="a shop, its replica, the proxy, a notebook: all on this machine")
    demo.add_argument("--headless", action="store_true", help="without JupyterLab; free ports, wide limits")
    demo.add_argument("--state", type=Path, metavar="FILE", help="gets one JSON object when all is ready")
    demo.add_argument("--rows", type=int, metavar="N", help="how many customers the shop has")
    demo.set_defaults(carry_out=_demo)

    proxy = commands.add_parser("proxy", help="run the proxy in the foreground")
    proxy.add_argument("--config", required=True, metavar="FILE", help="devinprod.toml")
    proxy.add_argument("--check", action="store_true", help="only read and check the files, then exit")
    proxy.set_defaults(carry_out=_proxy)


def _demo(said: argparse.Namespace) -> int:
    from devinprod_proxy.demo import launch, shop

    if said.rows is not None and said.rows < shop.FEWEST_CUSTOMERS:
        raise CommandFailed(f"--rows must be at least {shop.FEWEST_CUSTOMERS}", status=2)
    return launch.run_demo(headless=said.headless, state=said.state, rows=said.rows)


def _proxy(said: argparse.Namespace) -> int:
    config = load_config(said.config)
    _check_policies(config)
    if said.check:
        for warning in config.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        targets = ", ".join(config.targets)
        print(f"{said.config}: right. Targets: {targets}; policies, keys and certificates can be read.")
        return 0
    from devinprod_proxy.server import listener
    from devinprod_proxy.server.log import log_to_stderr

    log_to_stderr()
    try:
        return run_until_signalled(listener.serve(config))
    except OSError as error:
        # asyncio's own text names the address that cannot be bound.
        raise CommandFailed(f"the proxy cannot start: {error.strerror or error}") from None


def _check_policies(config: Config) -> None:
    from devinprod_proxy.policy.load import load_policy

    for target in config.targets.values():
        load_policy(target.policy.read_text("utf-8"), str(target.policy))


def run_until_signalled(main: Coroutine[Any, Any, object]) -> int:
    """Run *main*; SIGTERM and Ctrl-C cancel it, so that it can end what it holds."""
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    with suppress(ModuleNotFoundError):  # there is no uvloop for Windows
        import uvloop

        factory = uvloop.new_event_loop

    async def stoppable() -> None:
        task = asyncio.ensure_future(main)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            if not task.cancelled():
                raise

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(stoppable())
    return 0
