"""How are the drivers brought to ask where a connection leads?

psycopg, psycopg2 and asyncpg are caught where each of them opens its connections, so it does not matter how
and when the code imported them; SQLAlchemy, Django and pools open theirs through these. Engines of another
kind and ADBC, which would go past, are refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from devinprod_jupyter.errors import WouldBypass
from devinprod_jupyter.fence import Fence, port_of

__all__ = ["fence", "point"]

#: One per process: drivers are patched once, for good.
fence = Fence()


def point(session: str, parameters: Mapping[str, str], also: Sequence[str] = ()) -> None:
    """Send every database connection of this process into `session`; `parameters` are libpq's for it.

    `also` names databases that are the same as the one the code connects to first.
    """
    fence.point(session, parameters, also)
    _patch()


def _patch() -> None:
    """Put the fence into each driver that is installed. Safe to call again."""
    _patch_psycopg()
    for name, patch in (
        ("psycopg2", _patch_psycopg2),
        ("asyncpg", _patch_asyncpg),
        ("sqlalchemy", _patch_sqlalchemy),
        ("adbc_driver_postgresql", _patch_adbc),
    ):
        if _installed(name):
            patch()


def _installed(name: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _once(owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
    original = getattr(owner, name)
    if not getattr(original, "_devinprod", False):
        wrapped = wrap(original)
        wrapped._devinprod = True
        setattr(owner, name, wrapped)


def _patch_psycopg() -> None:
    import psycopg
    from psycopg import generators
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    # Deepest place first: all connections, sync and async, of all subclasses, however imported.
    def around_connect(original: Any) -> Any:
        @functools.wraps(original)
        def connect(conninfo: str, *args: Any, **kwargs: Any) -> Any:
            redirected = fence.libpq(conninfo_to_dict(conninfo))
            return original(make_conninfo("", **redirected), *args, **kwargs)

        return connect

    _once(generators, "connect", around_connect)

    # Earlier, so that the host of production need not be known to this machine's DNS.
    def around_sync(original: Any) -> Any:
        @functools.wraps(original.__func__)
        def parameters(cls: Any, conninfo: str, **kwargs: Any) -> Any:
            return fence.libpq(original.__func__(cls, conninfo, **kwargs))

        return parameters

    def around_async(original: Any) -> Any:
        @functools.wraps(original.__func__)
        async def parameters(cls: Any, conninfo: str, **kwargs: Any) -> Any:
            return fence.libpq(await original.__func__(cls, conninfo, **kwargs))

        return parameters

    drivers: tuple[tuple[Any, Any], ...] = (
        (psycopg.Connection, around_sync),
        (psycopg.AsyncConnection, around_async),
    )
    for owner, wrap in drivers:
        original = getattr(owner, "_get_connection_params", None)
        if original is not None and not getattr(original.__func__, "_devinprod", False):
            wrapped = wrap(original)
            wrapped._devinprod = True
            owner._get_connection_params = classmethod(wrapped)


def _patch_psycopg2() -> None:
    import psycopg2  # type: ignore[import-untyped,import-not-found,unused-ignore]
    from psycopg2.extensions import (  # type: ignore[import-untyped,import-not-found,unused-ignore]
        make_dsn,
        parse_dsn,
    )

    def around(original: Any) -> Any:
        @functools.wraps(original)
        def connect(dsn: str, *args: Any, **kwargs: Any) -> Any:
            return original(make_dsn(**fence.libpq(parse_dsn(dsn))), *args, **kwargs)

        return connect

    _once(psycopg2, "_connect", around)


def _patch_asyncpg() -> None:
    from asyncpg import connect_utils

    def around(original: Any) -> Any:
        @functools.wraps(original)
        async def connect(**kwargs: Any) -> Any:
            return await original(**fence.asyncpg(kwargs))

        return connect

    _once(connect_utils, "_connect", around)


def _patch_adbc() -> None:
    import adbc_driver_postgresql

    def around(original: Any) -> Any:
        @functools.wraps(original)
        def connect(uri: str, *args: Any, **kwargs: Any) -> Any:
            parts = urlsplit(uri)
            place = {"host": parts.hostname, "port": port_of(parts), "user": unquote(parts.username or "")}
            if fence.up and not fence.is_session(place):
                raise WouldBypass(
                    "This ADBC connection would reach the database past devinprod.",
                    hint="%%devsql --limit 0 returns large results by ADBC.",
                )
            return original(uri, *args, **kwargs)

        return connect

    _once(adbc_driver_postgresql, "connect", around)


def _patch_sqlalchemy() -> None:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    if getattr(Engine, "_devinprod", False):
        return
    Engine._devinprod = True  # type: ignore[attr-defined]

    @event.listens_for(Engine, "do_connect")
    def do_connect(dialect: Any, record: Any, arguments: Any, parameters: dict[str, Any]) -> None:
        if not fence.up or dialect.name == "sqlite":
            return
        if dialect.name != "postgresql" or dialect.driver not in {
            "psycopg",
            "psycopg_async",
            "psycopg2",
            "asyncpg",
        }:
            raise WouldBypass(
                f"The code has an engine for {dialect.name}+{dialect.driver}: it would go past devinprod.",
                hint="In this kernel an engine is postgresql with psycopg, psycopg2 or asyncpg.",
            )
