"""Equal and of the same types, all the way down: what ``==`` does not see in ``1 == 1.0``."""

from __future__ import annotations

import dataclasses
from typing import Any


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and every part has the same type in both."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        # Keys are looked up, not compared one by one: the order of a dict does not count.
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, set | frozenset):
        return bool(one == other) and sorted(map(_kind, one)) == sorted(map(_kind, other))
    if dataclasses.is_dataclass(one):
        return all(
            same(getattr(one, field.name), getattr(other, field.name))
            for field in dataclasses.fields(one)
        )
    return bool(one == other)


def _kind(value: object) -> str:
    return type(value).__qualname__
