"""What is known of one target database: policy, kind, how far behind, and how to log in."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from devinprod_proxy.config import Target
from devinprod_proxy.errors import ConfigInvalid, PolicyInvalid, UpstreamFault
from devinprod_proxy.policy.load import load_policy
from devinprod_proxy.policy.model import Policy
from devinprod_proxy.server.query import Connection
from devinprod_proxy.server.upstream import Destination
from devinprod_proxy.session.limits import Limits
from devinprod_proxy.sql import control
from devinprod_proxy.sql.catalog import Catalog

log = logging.getLogger("devinprod")

PINNED = {
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "row_security": "on",
    "backslash_quote": "safe_encoding",
    "client_min_messages": "notice",
    "debug_print_parse": "off",
    "debug_print_rewritten": "off",
    "debug_print_plan": "off",
    "log_parameter_max_length_on_error": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
}
"""Settings of every upstream connection that no client can change: how text is read, what is printed."""


class TargetState:
    """One target of the configuration, watched."""

    def __init__(self, target: Target) -> None:
        """Read policy and key. Raises PolicyInvalid or ConfigInvalid."""
        self.target = target
        self.name = target.name
        try:
            self._key = target.mask_key.read()
        except ValueError as error:
            raise ConfigInvalid(
                str(error), file=str(target.policy.parent), key=f"target.{target.name}.mask_key"
            ) from None
        self._stamp: tuple[int, int] | None = None
        self.policy: Policy = self._read()
        self.kind: str = target.kind
        self.lag: float | None = None
        self.version: str | None = None
        self.offered: tuple[bytes, Catalog] | None = None
        """The catalog and its stamp, as the last fresh world read it."""
        self._watching: Connection | None = None

    def _read(self) -> Policy:
        path = self.target.policy
        try:
            stat = path.stat()
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyInvalid(f"cannot be read: {error}", file=str(path)) from None
        self._stamp = (stat.st_mtime_ns, stat.st_size)
        return load_policy(text, str(path))

    def reload(self) -> bool:
        """Read the policy file again if it has changed; a broken one keeps the old policy and says so."""
        path: Path = self.target.policy
        try:
            stat = path.stat()
        except OSError:
            return False
        if (stat.st_mtime_ns, stat.st_size) == self._stamp:
            return False
        try:
            policy = self._read()
        except PolicyInvalid as fault:
            self._stamp = (stat.st_mtime_ns, stat.st_size)
            log.error("policy not changed: %s", fault)
            return False
        changed = policy.fingerprint != self.policy.fingerprint
        self.policy = policy
        return changed

    @property
    def read_only(self) -> bool:
        """True where the target takes no writes."""
        return self.kind == "standby"

    def destination(self, limits: Limits) -> Destination:
        """How a session of these limits logs in."""
        settings = {
            **PINNED,
            "devinprod.key": f"\\x{self._key}",
            "statement_timeout": f"{int(limits.statement_timeout * 1000)}ms",
            "lock_timeout": f"{int(limits.lock_timeout * 1000)}ms",
        }
        return Destination(self.target.dsn, settings)

    async def look(self) -> None:
        """Ask the target what it is and how far behind. Raises UpstreamFault."""
        if self._watching is None or not self._watching.alive:
            connection = Connection(Destination(self.target.dsn))
            await connection.__aenter__()
            self._watching = connection
            self.version = connection.parameters.get("server_version")
        recovery, subscriptions, lag, _ = (await self._watching.rows(control.target_facts()))[0]
        self.lag = None if lag is None else max(float(lag), 0.0)
        if recovery == "true":
            self.kind = "standby"
        elif self.target.kind != "auto":
            self.kind = self.target.kind
        elif subscriptions not in (None, "0"):
            self.kind = "subscriber"
        else:
            self.kind = "unnamed"

    async def watch(self, seconds: float = 5.0) -> None:
        """Look again every now and then, for as long as the proxy runs."""
        while True:
            try:
                await self.look()
            except (UpstreamFault, OSError) as fault:
                self.lag = None
                log.warning("target %s cannot be watched: %s", self.name, fault)
            await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Stop watching."""
        if self._watching is not None:
            await self._watching.__aexit__()
            self._watching = None
