"""Which cell was it, and was it allowed to run?

While connected each cell opens an audit record at the proxy before it runs and closes it with its outcome. A
cell whose record cannot be opened, or whose code is not what is on the disk, is not run: an AST transformer
is IPython's way to reject an input, so "Run All" and CI stop there.
"""

from __future__ import annotations

import ast
import hashlib
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.error import InputRejected

from devinprod_jupyter.errors import CellRefused, CommandFailed, DevInProdError
from devinprod_jupyter.reload import Failure

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

    from devinprod_jupyter.control import Control

__all__ = ["Cells", "notebook_name"]

LONGEST_SOURCE = 100_000


class Rejected(InputRejected, CellRefused):
    """What IPython must see to stop a cell, and our words for it."""


class Cells(ast.NodeTransformer):
    """The hooks around each cell of one kernel."""

    def __init__(
        self, shell: InteractiveShell, reload: Callable[[], list[Failure]], note: Callable[[], None]
    ) -> None:
        self._shell = shell
        self._reload, self._note = reload, note
        self._control: Control | None = None
        self._session = ""
        self._info: Any = None
        self._record: str | None = None
        self._depth = 0
        self._trouble: DevInProdError | None = None
        self.last: dict[str, Any] = {}

    def hook(self) -> None:
        """Watch cells from the next one on."""
        self._shell.events.register("pre_run_cell", self._before)
        self._shell.events.register("post_run_cell", self._after)
        self._shell.ast_transformers.append(self)

    def unhook(self) -> None:
        """Stop watching."""
        self._shell.events.unregister("pre_run_cell", self._before)
        self._shell.events.unregister("post_run_cell", self._after)
        self._shell.ast_transformers.remove(self)

    def join(self, control: Control, session: str) -> None:
        """Record cells under `session`, the running one from here on."""
        self.leave()
        self._control, self._session = control, session
        if self._info is not None:
            self._open(self._info)

    def leave(self) -> None:
        """No more records; the running cell's is closed as it is."""
        if self._record is not None:
            self._close({"outcome": "ok", "error": None})
        self._control = None

    # -- around a cell -------------------------------------------------------------------------------------

    def _before(self, info: ExecutionInfo) -> None:
        self._depth += 1
        if self._depth > 1:
            return  # a cell that runs cells: one record
        self._info, self._trouble = info, None
        failures = self._reload()
        if failures:
            lines = ["Reload failed, the kernel still has the old code. This cell was not run."]
            for failure in failures:
                lines += ["", *failure.lines()]
            self._trouble = DevInProdError("\n".join(lines), hint="Mend the file and run the cell again.")
        if self._control is not None:
            try:
                self._open(info)
            except CommandFailed as error:
                self._trouble = DevInProdError(
                    f"No audit record could be opened, so this cell was not run.\n{error.message}",
                    hint=f"{error.hint or ''} %devinprod end --leave disconnects this notebook.".strip(),
                )

    def visit(self, node: ast.AST) -> ast.AST:
        """IPython's AST transformer: let the cell through, or reject it."""
        trouble = self._trouble
        if trouble is not None and self._depth <= 1 and not _only_commands(node):
            raise Rejected(trouble.message, hint=trouble.hint)
        return node

    def _after(self, result: ExecutionResult) -> None:
        self._depth = max(self._depth - 1, 0)
        if self._depth:
            return
        self._info = None
        self._note()
        if self._record is None:
            return
        error = result.error_before_exec or result.error_in_exec
        outcome = (
            "ok" if error is None else "interrupted" if isinstance(error, KeyboardInterrupt) else "error"
        )
        said = None
        if error is not None:
            # The words of an error may hold what a masked column never shows; the type says enough.
            said = {"type": type(error).__name__, "message": getattr(error, "sqlstate", "") or ""}
        self._close({"outcome": outcome, "error": said})

    # -- the record ----------------------------------------------------------------------------------------

    def _open(self, info: Any) -> None:
        assert self._control is not None
        source = str(info.raw_cell or "")
        self._record = self._control.open_cell(
            {
                "session": self._session,
                "cell_id": info.cell_id,
                "notebook": notebook_name(self._shell.user_ns),
                "source": source[:LONGEST_SOURCE],
                "sha256": hashlib.sha256(source.encode(errors="surrogatepass")).hexdigest(),
                "kernel": _kernel_id(),
            }
        )

    def _close(self, fields: dict[str, Any]) -> None:
        record, self._record = self._record, None
        if record is None or self._control is None:
            return
        try:
            self.last = self._control.close_cell(record, fields)
        except CommandFailed as error:
            # The cell has run; the proxy's own record of its statements is whole.
            print(
                f"devinprod: the audit record of this cell could not be closed. {error.message}",
                file=sys.stderr,
            )


def notebook_name(names: dict[str, Any]) -> str | None:
    """The notebook's path as its front end tells it, or None (plain IPython).

    >>> notebook_name({"__vsc_ipynb_file__": "/home/a/tour.ipynb"})
    '/home/a/tour.ipynb'
    """
    for value in (
        names.get("__session__"),
        names.get("__vsc_ipynb_file__"),
        os.environ.get("JPY_SESSION_NAME"),
    ):
        if value:
            return str(value)
    return None


def _kernel_id() -> str:
    """The kernel's id from its connection file, or the process's number."""
    file = ""
    application = sys.modules.get("ipykernel.kernelapp")
    if application is not None and application.IPKernelApp.initialized():
        file = os.path.basename(str(application.IPKernelApp.instance().connection_file))
    return file.removeprefix("kernel-").removesuffix(".json") or f"pid {os.getpid()}"


def _only_commands(node: ast.AST) -> bool:
    """Whether a cell has only %devinprod and its like, or saves a file: these work when all else does not."""
    return isinstance(node, ast.Module) and all(_is_command(statement) for statement in node.body)


def _is_command(statement: ast.stmt) -> bool:
    match statement:
        case (
            ast.Expr(value=ast.Call(func=ast.Attribute(attr=kind), args=[ast.Constant(value=str(magic)), *_]))
            | ast.Assign(
                value=ast.Call(func=ast.Attribute(attr=kind), args=[ast.Constant(value=str(magic)), *_])
            )
        ):
            if kind == "run_line_magic":
                return magic in {"devinprod", "load_ext", "unload_ext", "config"}
            return kind == "run_cell_magic" and magic == "writefile"
    return False
