"""How does a company's own code come to run on the session?

``%devinprod use PACKAGE`` imports the working copy, sends its connections into the session (drivers.py) and
reloads it before each cell (reload.py). Connections that were open before are closed: they went somewhere
else.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from devinprod_jupyter.drivers import fence, point
from devinprod_jupyter.errors import WrongUse
from devinprod_jupyter.reload import Failure, Reloader

__all__ = ["Service"]


class Service:
    """The packages in use in this kernel."""

    def __init__(self) -> None:
        self.packages: list[str] = []
        self._reloader: Reloader | None = None

    def use(
        self,
        names: Sequence[str],
        session: str,
        parameters: Mapping[str, str],
        *,
        also: Sequence[str] = (),
        reload: bool = True,
    ) -> tuple[dict[str, ModuleType], list[str]]:
        """Import the packages and send their connections to the session.

        Returns the modules by top-level name, and what to say. Raises WrongUse for a package that is not
        there; what the package raises while it is imported goes through.
        """
        point(session, parameters, also)
        modules: dict[str, ModuleType] = {}
        lines = []
        for name in names:
            top = name.partition(".")[0]
            _there(top)
            before = {id(engine) for engine in _engines()} if top not in sys.modules else set()
            importlib.import_module(name)
            modules[top] = sys.modules[top]
            if top not in self.packages:
                self.packages.append(top)
            if reload:
                if self._reloader is None:
                    self._reloader = Reloader()
                self._reloader.add(top)
            engines = [engine for engine in _engines() if id(engine) not in before]
            lines.append(_said(modules[top], session, len(engines), reload))
        closed = self.repoint()
        if closed:
            lines.append(
                f"  {closed} connection{'s' if closed != 1 else ''} that went elsewhere before: closed."
            )
        return modules, lines

    def repoint(self) -> int:
        """Close what is connected elsewhere; engines and pools open their next connections in the session."""
        for engine in _engines():
            engine.dispose()
        return sum(_close(connection) for connection in _connections())

    def reload(self) -> list[Failure]:
        """Reload what changed on the disk; what could not be."""
        return self._reloader.check() if self._reloader else []

    def note(self) -> None:
        """Remember what a cell has just imported."""
        if self._reloader is not None:
            self._reloader.note()


def _there(top: str) -> None:
    try:
        known = top in sys.modules or importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        known = False
    if not known:
        raise WrongUse(
            f"There is no package {top!r} that this kernel can import.",
            hint="Start the notebook in the folder of the package, or add that folder to sys.path.",
        )


def _said(module: ModuleType, session: str, engines: int, reload: bool) -> str:
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", [])), "")
    folder = Path(file).parent if file.endswith(".py") else Path(file)
    if Path(file).name != "__init__.py" and file.endswith(".py"):
        folder = Path(file)
    place = "/".join(folder.parts[-2:])
    if engines:
        what = f"{engines} engine{'s' if engines != 1 else ''} re-pointed to {session}"
    else:
        what = f"its connections go to {session}"
    said = f"{module.__name__} from …/{place}: {what}" + (", reloads as you edit" if reload else "")
    if any(
        str(folder).startswith(path)
        for path in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    ):
        said += (
            "\n  This is an installed copy, not a working copy: editing your checkout changes nothing here."
        )
    return said


def _objects(module: str, attribute: str) -> Iterator[Any]:
    """All living instances of a class, if its module was imported."""
    wanted = getattr(sys.modules.get(module), attribute, None)
    if not isinstance(wanted, type):
        return
    for candidate in gc.get_objects():
        # The type, not isinstance: asking a proxy object for its __class__ may run anybody's code.
        if issubclass(type(candidate), wanted):
            yield candidate


def _engines() -> list[Any]:
    return [
        engine for engine in _objects("sqlalchemy.engine", "Engine") if engine.dialect.name == "postgresql"
    ]


def _connections() -> Iterator[Any]:
    yield from _objects("psycopg", "Connection")
    yield from _objects("psycopg", "AsyncConnection")
    yield from _objects("psycopg2.extensions", "connection")
    yield from _objects("asyncpg.connection", "Connection")


def _close(connection: Any) -> bool:
    """Close a connection that is open and not the session's. Whether it was."""
    kind = type(connection).__module__.partition(".")[0]
    if kind == "asyncpg" or hasattr(connection, "_addr"):
        if connection.is_closed() or fence.is_session_asyncpg(connection):
            return False
        connection.terminate()
        return True
    if connection.closed:
        return False
    info = connection.info
    if fence.is_session({"host": info.host, "port": info.port, "user": info.user}):
        return False
    # The socket itself: an async connection's close() would have to be awaited by somebody.
    pgconn = getattr(connection, "pgconn", None)
    if pgconn is not None:
        pgconn.finish()
    else:
        connection.close()
    return True
