"""What does a signal do to the launcher?

SIGINT (Ctrl-C), SIGTERM and SIGHUP end the demo in the same way: :class:`Stopped` is raised
wherever the main thread happens to be, and ``finally`` and ``with`` blocks undo what was done. Two
moments are spared: while something is started and entered into the books (:func:`held`), and while
everything is being stopped already.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """Somebody asked the demo to end. (Database drivers cancel their query on a KeyboardInterrupt.)"""


class _State:
    held = 0
    pending = False
    ending = False


_state = _State()


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    if _state.ending:
        return
    if _state.held:
        _state.pending = True
        return
    _state.ending = True
    raise Stopped


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Have a signal wait until the block is done: what it starts is then on the list of what to stop."""
    _state.held += 1
    try:
        yield
    finally:
        _state.held -= 1
    if _state.pending and not _state.held:
        _state.pending = False
        _state.ending = True
        raise Stopped


@contextlib.contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise :class:`Stopped` in the block on the first signal, ignore later ones; main thread only."""
    _state.ending = _state.pending = False
    before = {
        number: signal.signal(number, _on_signal)
        for number in SIGNALS
        # nohup asks for the terminal's end to be ignored.
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ending() -> None:
    """From here on signals change nothing: everything is being stopped."""
    _state.ending = True
