"""What the tests of the public API share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.dispatch import Signal

from django_jobs import rollups, sightings, signals

#: Every signal by its name.
SIGNALS = {name: signal for name, signal in vars(signals).items() if isinstance(signal, Signal)}


@pytest.fixture
def nothing_unwritten() -> Iterator[None]:
    """Other tests of this process may have counted what was never written."""
    rollups._unwritten.take()
    sightings._unwritten.take()
    yield
    rollups._unwritten.take()
    sightings._unwritten.take()


class Received(list[tuple[str, dict[str, Any]]]):
    """What the signals told, in order: ``(name of the signal, its keyword arguments)``."""

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self]

    def of(self, name: str) -> dict[str, Any]:
        """The arguments of the only signal of this name."""
        (found,) = [details for told, details in self if told == name]
        return found


@pytest.fixture
def received() -> Iterator[Received]:
    """Listen to every signal."""
    told = Received()

    def receive(name: str, **details: Any) -> None:
        del details["signal"]
        told.append((name, details))

    receivers: dict[str, Callable[..., None]] = {name: partial(receive, name) for name in SIGNALS}
    for name, receiver in receivers.items():
        SIGNALS[name].connect(receiver, weak=False)
    yield told
    for name, receiver in receivers.items():
        SIGNALS[name].disconnect(receiver)
