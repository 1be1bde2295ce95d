"""Does a signal end the demo at once, but never between a start and its entry in the books?"""

from __future__ import annotations

import signal

import pytest
from devinprod_proxy.demo.stopping import Stopped, ending, held, stop_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_of_the_signals_stops(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Stopped), stop_on_signals():
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_a_held_block_is_finished_first() -> None:
    done = []

    def start() -> None:
        with held():
            with held():
                signal.raise_signal(signal.SIGTERM)
                done.append("inner")
            done.append("outer")

    with pytest.raises(Stopped), stop_on_signals():
        start()
    assert done == ["inner", "outer"]


def test_an_error_in_a_held_block_is_what_is_seen() -> None:
    def fail() -> None:
        with held():
            signal.raise_signal(signal.SIGTERM)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), stop_on_signals():
        fail()


def test_while_stopping_signals_change_nothing() -> None:
    with stop_on_signals():
        ending()
        signal.raise_signal(signal.SIGINT)
        with held():
            signal.raise_signal(signal.SIGTERM)


def test_nohup_is_respected() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
