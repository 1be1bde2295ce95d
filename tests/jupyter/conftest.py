"""What the notebook's tests run on: kernels that find the demo by their environment."""

from __future__ import annotations

import importlib.util
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from devinprod_jupyter.control import Control
from devinprod_jupyter.settings import DevInProd, find_place

_numbers = itertools.count()


def beside(path: str) -> ModuleType:
    """A helper module of the tests, which are no package."""
    file = Path(__file__).parent / path
    name = f"devinprod_tests_{file.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


def control_of(demo: Any) -> Control:
    """A client of a demo's control API."""
    return Control(find_place(DevInProd(), environ=demo.env))


@pytest.fixture
def cells(demo: Any) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """The audit records of a session's cells."""
    control = control_of(demo)
    yield control.cells
    control.close()


@pytest.fixture
def end(demo: Any) -> Iterator[Callable[[str], dict[str, Any]]]:
    """End a session behind a kernel's back."""
    control = control_of(demo)
    yield control.end
    control.close()


@pytest.fixture
def session_name() -> str:
    """A session that no other test has."""
    return f"test-{os.getpid()}-{next(_numbers)}"


@pytest.fixture
def start_kernel(demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Starts kernels with the extension loaded; they end with the test."""
    with ExitStack() as running:

        def start(env: dict[str, str] | None = None, load: bool = True) -> Any:
            own = tmp_path_factory.mktemp("kernel")
            kernel = running.enter_context(
                beside("kernels.py").running_kernel(own, {**demo.env, **(env or {})})
            )
            if load:
                kernel.ok("%load_ext devinprod")
            return kernel

        yield start


@pytest.fixture(scope="module")
def kernel(demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One kernel for all tests of a file, connected to a session of its own."""
    own = tmp_path_factory.mktemp("kernel")
    with beside("kernels.py").running_kernel(own, demo.env) as kernel:
        kernel.ok("%load_ext devinprod")
        kernel.ok(f"%devinprod connect test-{os.getpid()}-{next(_numbers)} --reason 'the tests'")
        yield kernel
        kernel.run("%devinprod end")
