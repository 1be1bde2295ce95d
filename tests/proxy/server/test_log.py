"""Logs are sentences on a terminal and JSON lines anywhere else."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from devinprod_proxy.server.log import log_to_stderr


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


def test_json_lines() -> None:
    stream = io.StringIO()
    log_to_stderr(stream=stream)
    logging.getLogger("devinprod.x").warning("two\nlines %s", 1)
    try:
        raise ValueError("inside")
    except ValueError:
        logging.getLogger("devinprod.x").exception("failed")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["level"], first["logger"], first["message"]) == ("warning", "devinprod.x", "two\nlines 1")
    assert first["at"].endswith("Z")
    assert "ValueError: inside" in second["traceback"]


def test_sentences() -> None:
    stream = Terminal()
    log_to_stderr(stream=stream)
    logging.getLogger("devinprod.x").info("listening")
    assert stream.getvalue().endswith(" INFO listening\n")
