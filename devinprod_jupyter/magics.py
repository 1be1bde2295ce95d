"""What do ``%devinprod``, ``%devsql`` and ``%%devsql`` do?

They tie the rest together; each step is a file of its own: options, parameters, wire, results, frames, cells,
service.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)

from devinprod_jupyter import options, text
from devinprod_jupyter.cells import Cells
from devinprod_jupyter.errors import CommandFailed, DevInProdError, NotConnected, WrongUse
from devinprod_jupyter.joined import Joined
from devinprod_jupyter.settings import DevInProd, find_place

if TYPE_CHECKING:
    import argparse

    from IPython.core.interactiveshell import InteractiveShell

    from devinprod_jupyter.reload import Failure
    from devinprod_jupyter.service import Service

__all__ = ["DevInProdMagics", "load", "unload"]

LOADED = "_devinprod_magics"
SESSION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")


@magics_class
class DevInProdMagics(Magics):
    """Debug on production data without touching production. ``%devinprod help`` lists the commands."""

    def __init__(self, shell: InteractiveShell, settings: DevInProd) -> None:
        super().__init__(shell)
        self.shell: Any = shell
        self.settings = settings
        self.joined: Joined | None = None
        self.service: Service | None = None
        self.cells = Cells(shell, self._reload, self._note)
        self._kept_journal: tuple[str, list[dict[str, Any]]] | None = None

    # -- %devinprod ----------------------------------------------------------------------------------------

    @no_var_expand
    @line_magic
    def devinprod(self, line: str) -> Any:
        """Sessions on production data in which nothing can be committed.

        %devinprod                      status, and the next step
        %devinprod connect NAME         open a session, or join it: --target, --reason, --proxy
        %devinprod status | changes | journal | reset | end | sessions | audit
        %devinprod use PACKAGE          your own code, on this data, reloaded before each cell
        %devinprod policy SCHEMA.TABLE  what is masked
        %devinprod help                 all of it; also --help on each command
        """
        quiet = line.rstrip().endswith(";")
        command, arguments = options.parse(line.rstrip().removesuffix(";"))
        if command and arguments.help:
            print(options.help_text(command))
            return None
        answer = getattr(self, f"_{command or 'status'}")(arguments)
        return None if quiet else answer

    def _help(self, arguments: argparse.Namespace) -> None:
        print(options.help_text(arguments.command))

    def _connect(self, arguments: argparse.Namespace) -> None:
        from devinprod_jupyter.control import Control
        from devinprod_jupyter.wire import Wire

        if not SESSION_NAME.match(arguments.name):
            raise WrongUse(
                f"{arguments.name!r} is no name of a session.",
                hint="Letters, digits, dot, _ and -; 63 at most.",
            )
        place = find_place(
            self.settings, proxy=arguments.proxy, control=arguments.control, target=arguments.target
        )
        control = Control(place)
        try:
            session = control.open(arguments.name, place.target, arguments.reason)
            place = replace(place, target=str(session["target"]))
            wire = Wire(place, arguments.name)
            self._leave(and_say=self.joined is not None and self.joined.name != arguments.name)
            self.joined = Joined(arguments.name, place, control, wire, session)
            # Whoever uses packages already wants them here, not in the session before.
            self._send_service()
            self.cells.join(control, arguments.name)
        except BaseException:
            if self.joined is None or self.joined.control is not control:
                control.close()
            raise
        print(text.connected(session, self._packages()))

    def _status(self, arguments: argparse.Namespace) -> None:
        if self.joined is None:
            print("Not connected to a session.\n  Next: %devinprod connect NAME, or %devinprod help")
            return
        print(text.status(self._here().control.session(self._here().name), self._packages()))

    def _changes(self, arguments: argparse.Namespace) -> Any:
        joined = self._here()
        answer = joined.control.about(joined.name, "changes")
        print(text.changes(answer))
        tables = answer.get("tables") or []
        if not tables:
            return None
        import pandas as pd

        return pd.DataFrame(
            tables, columns=["schema", "table", "inserted", "updated", "deleted", "truncated"]
        )

    def _journal(self, arguments: argparse.Namespace) -> Any:
        if self.joined is not None:
            entries = self.joined.control.about(self.joined.name, "changes").get("journal") or []
            name = self.joined.name
        elif self._kept_journal is not None:
            name, entries = self._kept_journal
        else:
            raise NotConnected
        if not entries:
            print(f"{name}: no statement changed anything.")
            return None
        return _frame(entries, ["at", "verb", "table", "rows", "undone", "asked"], moments=["at"])

    def _reset(self, arguments: argparse.Namespace) -> None:
        joined = self._here()
        print(text.reset(joined.name, joined.control.reset(joined.name)))

    def _end(self, arguments: argparse.Namespace) -> None:
        joined = self._here()
        if arguments.leave:
            self._leave(and_say=True)
            return
        # The proxy closes open records of a session with it; ours is better closed before.
        self.cells.leave()
        try:
            answer = joined.control.end(joined.name)
        except CommandFailed as error:
            if error.status not in (404, 503) and error.sqlstate != "3D000":
                raise
            self._leave()
            gone = (
                "had ended already" if error.status != 503 else "cannot be asked: the proxy does not answer"
            )
            print(f"{joined.name} {gone}. This notebook left it; nothing was committed.")
            return
        self._kept_journal = (joined.name, list(answer.get("journal") or []))
        self._leave()
        print(text.ended(joined.name, answer))

    def _sessions(self, arguments: argparse.Namespace) -> Any:
        joined = self.joined
        if joined is not None:
            found = joined.control.sessions()
        else:
            from devinprod_jupyter.control import Control

            control = Control(find_place(self.settings))
            try:
                found = control.sessions()
            finally:
                control.close()
        if not found:
            print("You have no open session.\n  Next: %devinprod connect NAME")
            return None
        names = ["name", "target", "state", "opened_at", "expires_at", "clients", "change_count", "reason"]
        return _frame(found, names, moments=["opened_at", "expires_at"])

    def _use(self, arguments: argparse.Namespace) -> None:
        from devinprod_jupyter.service import Service

        joined = self._here()
        if not arguments.packages and not arguments.database:
            raise WrongUse("Which package?", hint="%devinprod use PACKAGE")
        if self.service is None:
            self.service = Service()
        modules, lines = self.service.use(
            arguments.packages,
            joined.name,
            joined.wire.parameters(),
            also=arguments.database,
            reload=self.settings.reload and not arguments.no_reload,
        )
        self.shell.push(modules)
        print("\n".join(lines))

    def _audit(self, arguments: argparse.Namespace) -> Any:
        joined = self._here()
        found = joined.control.cells(joined.name)
        if not found:
            print(f"{joined.name}: no cell is recorded yet.")
            return None
        names = ["at", "source", "outcome", "statements", "rows", "people", "masked", "ms", "notebook", "id"]
        return _frame(found, names, moments=["at"])

    def _policy(self, arguments: argparse.Namespace) -> Any:
        joined = self._here()
        answer = joined.control.policy(arguments.table, joined.place.target)
        subject = answer.get("subject")
        counted = f"whose data a row is: {subject}" if subject else "counts nobody"
        print(f"{answer['table']}: {counted}")
        return _frame(answer["columns"], ["name", "type", "mask", "domain", "lookup"])

    # -- %devsql -------------------------------------------------------------------------------------------

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def devsql(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        """Run SQL in the session; returns a DataFrame that knows its masked columns.

        %%devsql [--limit N] [--format frame|arrow|rows] [--explain] [NAME <<]
        SELECT ... WHERE id = :order_id         (:name binds a variable of the notebook)

        %devsql SELECT ...                      the same on one line
        """
        said = options.sql_line(line)
        if said.options.get("help"):
            print(options.HELP_DEVSQL)
            return None
        if cell is None:
            sql = said.rest
        else:
            sql = f"{said.rest}\n{cell}" if said.rest.strip() else cell
        from devinprod_jupyter import devsql

        line_options = {"limit": self.settings.limit, "format": self.settings.format, **said.options}
        return devsql.run(
            self._here().wire,
            sql,
            replace(said, options=line_options),
            ChainMap(local_ns or {}, self.shell.user_ns),
            self.shell.push,
        )

    # -- what is joined ------------------------------------------------------------------------------------

    def _here(self) -> Joined:
        if self.joined is None:
            raise NotConnected
        return self.joined

    def _packages(self) -> list[str]:
        return list(self.service.packages) if self.service is not None else []

    def _send_service(self) -> None:
        """Point the packages in use at the session that was just joined."""
        if self.service is not None and self.joined is not None:
            from devinprod_jupyter.drivers import point

            point(self.joined.name, self.joined.wire.parameters())
            self.service.repoint()

    def _leave(self, and_say: bool = False) -> None:
        joined, self.joined = self.joined, None
        if joined is None:
            return
        self.cells.leave()
        if self.service is not None:
            # Nothing of the packages may fall back to where their own settings lead.
            from devinprod_jupyter.drivers import fence

            fence.shut()
            self.service.repoint()
        joined.close()
        if and_say:
            print(f"Left {joined.name}; it stays open at the proxy until it is idle too long.")

    def _reload(self) -> list[Failure]:
        DevInProdError.tracebacks = self.settings.tracebacks
        if self.service is None or not self.settings.reload:
            return []
        return self.service.reload()

    def _note(self) -> None:
        if self.service is not None:
            self.service.note()

    def load(self) -> None:
        """Register everything with the kernel."""
        self.shell.register_magics(self)
        self.shell.configurables.append(self.settings)
        self.cells.hook()
        _show_frames(self.shell)

    def unload(self) -> None:
        """Take everything back but the fence around a package's connections."""
        self._leave()
        self.cells.unhook()
        self.shell.configurables.remove(self.settings)
        for kind in ("line", "cell"):
            for name in ("devinprod", "devsql"):
                self.shell.magics_manager.magics[kind].pop(name, None)


def _frame(rows: list[dict[str, Any]], names: list[str], moments: Sequence[str] = ()) -> Any:
    """What the proxy tells as a DataFrame: moments to the second, nothing where nothing is."""
    import pandas as pd

    frame = pd.DataFrame(rows, columns=names)
    for name in moments:
        frame[name] = pd.to_datetime(frame[name]).dt.floor("s")
    texts = frame.select_dtypes(["str", "object"]).columns
    return frame.assign(**{name: frame[name].fillna("") for name in texts})


def _show_frames(shell: InteractiveShell) -> None:
    """Show frames made from masked ones marked too where pandas made them plain DataFrames."""

    def html(frame: Any) -> str | None:
        from devinprod_jupyter.frames import as_html

        return as_html(frame)

    def plain(frame: Any, printer: Any, cycle: bool) -> None:
        from devinprod_jupyter.frames import as_text

        printer.text(as_text(frame))

    display_formatter: Any = shell.display_formatter
    formatters = display_formatter.formatters
    for mimetype, function in (("text/html", html), ("text/plain", plain)):
        known = formatters[mimetype].deferred_printers.get(("pandas", "DataFrame"))
        if known is None:
            formatters[mimetype].for_type_by_name("pandas", "DataFrame", function)


def load(shell: InteractiveShell) -> None:
    """Load the extension into a kernel; a second time is no harm."""
    if getattr(shell, LOADED, None) is None:
        magics = DevInProdMagics(shell, DevInProd(parent=shell))
        magics.load()
        setattr(shell, LOADED, magics)


def unload(shell: InteractiveShell) -> None:
    """Undo `load`."""
    magics = getattr(shell, LOADED, None)
    if magics is not None:
        magics.unload()
        setattr(shell, LOADED, None)
