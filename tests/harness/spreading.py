"""The order of tests: those that wait for processes run beside those that compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest


def spread(items: list[pytest.Item]) -> None:
    """Put the files that start workers evenly among the others.

    In one heap, as their names would have it, all of them would wait at the same time and leave the
    processors idle. A file stays together, for the sake of what its tests share.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    waiting = [tests for tests in files.values() if _waits(tests)]
    computing = [tests for tests in files.values() if not _waits(tests)]
    placed = sorted([*_places(waiting), *_places(computing)], key=lambda place: place[0])
    items[:] = [item for _, tests in placed for item in tests]


def _waits(tests: list[pytest.Item]) -> bool:
    return any(test.get_closest_marker("processes") for test in tests)


def _places(files: list[list[pytest.Item]]) -> Iterator[tuple[float, list[pytest.Item]]]:
    """Each file with where it belongs, from 0 to 1: the share of tests before its middle."""
    count = sum(map(len, files))
    before = 0
    for tests in files:
        yield (before + len(tests) / 2) / count, tests
        before += len(tests)
