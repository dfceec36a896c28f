"""Sums that a process keeps in memory between two writes."""

from __future__ import annotations

import os
import threading
from typing import Generic, Protocol, Self, TypeVar


class Sum(Protocol):
    """Something that adds up."""

    def merge(self, other: Self, /) -> None:
        """Add another one of its kind to this one."""


_Key = TypeVar("_Key")
_Sum = TypeVar("_Sum", bound=Sum)


class Unwritten(Generic[_Key, _Sum]):
    """What this process has counted and not written yet.

    Args:
        most: keys that are kept; what comes on top while a database is away is not counted.

    Attributes:
        lock: to hold while one of :attr:`sums` is changed in place.
        sums: by key.
    """

    def __init__(self, most: float = float("inf")) -> None:
        self._most = most
        self._forget()
        # A child has no part in what its parent counted.
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self.lock = threading.Lock()  # the old one may be held by a thread that is not here
        self.sums: dict[_Key, _Sum] = {}

    def __bool__(self) -> bool:
        return bool(self.sums)

    def add(self, key: _Key, one: _Sum) -> None:
        """Add to the sum of a key."""
        with self.lock:
            known = self.sums.get(key)
            if known is not None:
                known.merge(one)
            elif len(self.sums) < self._most:
                self.sums[key] = one

    def take(self) -> dict[_Key, _Sum]:
        """All of it, to be written; :meth:`add` what can't be."""
        with self.lock:
            sums, self.sums = self.sums, {}
        return sums
