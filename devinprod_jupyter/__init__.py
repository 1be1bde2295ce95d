"""What does ``%load_ext devinprod`` do, and what does JupyterLab find here?

Loading must not be felt: nothing heavy is imported until the first statement (pandas, the database
drivers and the SQL tokenizer arrive with it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register ``%devinprod``, ``%devsql`` and ``%%devsql`` with this kernel.

    >>> get_ipython().run_line_magic("load_ext", "devinprod")  # doctest: +SKIP
    """
    from devinprod_jupyter.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Leave the session (it stays open at the proxy), put everything back that was hooked into the kernel."""
    from devinprod_jupyter.magics import unload

    unload(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "@devinprod/labextension"}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "devinprod_jupyter.server_extension"}]
