"""Is the code that a cell runs the code on the disk?

IPython's own autoreload patches the modules of the packages in use before each cell. Where it prints a
failure and goes on with old code, here the cell is not run until the file is mended: debugging production
data with code that is not what the editor shows is the worst outcome.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from IPython.extensions.autoreload import ModuleReloader

from devinprod_jupyter.errors import caret

__all__ = ["Failure", "Reloader"]


@dataclass(frozen=True)
class Failure:
    """A module that could not be reloaded."""

    file: str
    error: BaseException

    def lines(self) -> list[str]:
        """What is wrong and where, without a traceback."""
        error = self.error
        said = f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"
        line = _line(error, self.file)
        where = f"{Path(self.file).name}, line {line}" if line else Path(self.file).name
        lines = [f"{where}: {said}"]
        if isinstance(error, SyntaxError) and error.text:
            lines += caret(error.text.rstrip("\n"), error.offset or 1)
        return lines


def _line(error: BaseException, file: str) -> int | None:
    if isinstance(error, SyntaxError):
        return error.lineno
    found, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == file:
            found = frame.tb_lineno
        frame = frame.tb_next
    return found


class Reloader:
    """Reloads the modules of some packages when their files change.

    >>> Reloader().check()
    []
    """

    def __init__(self) -> None:
        self._reloader: Any = ModuleReloader()  # type: ignore[no-untyped-call]
        self._reloader.enabled = True
        self._reloader.check_all = False
        self._packages: list[str] = []
        self._failures: dict[str, Failure] = {}

    def add(self, package: str) -> None:
        """Reload this package from now on."""
        if package not in self._packages:
            self._packages.append(package)
        self.note()

    def note(self) -> None:
        """Remember what was imported since, as it is on the disk now: call it after each cell.

        A module is edited between the cell that imports it and the next one, and that edit must count.
        """
        self._mark()
        for name in self._reloader.modules:
            _, time = self._reloader.filename_and_mtime(sys.modules.get(name))
            if time is not None:
                self._reloader.modules_mtimes.setdefault(name, time)

    def check(self) -> list[Failure]:
        """Reload what changed; the failures, also older ones whose file is still as it was."""
        self._mark()
        with _failures() as found:
            self._reloader.check()
        for failure in found:
            self._failures[failure.file] = failure
        for file in [file for file in self._failures if file not in self._reloader.failed]:
            del self._failures[file]
        return list(self._failures.values())

    def _mark(self) -> None:
        for name in list(sys.modules):
            if name.partition(".")[0] in self._packages:
                self._reloader.mark_module_reloadable(name)


@contextlib.contextmanager
def _failures() -> Iterator[list[Failure]]:
    """What autoreload logs as failed, with its printed traceback kept back."""
    found: list[Failure] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info and record.exc_info[1] is not None:
                error = record.exc_info[1]
                file = record.getMessage().rpartition(" from file ")[2].strip("'\"")
                found.append(Failure(file, error))

    logger = logging.getLogger("autoreload")
    collector, propagate = Collector(), logger.propagate
    logger.addHandler(collector)
    logger.propagate = False
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield found
    finally:
        logger.propagate = propagate
        logger.removeHandler(collector)
