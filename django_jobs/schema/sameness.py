"""Comparing values part by part, further than ``==`` looks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeAlias

_Compare: TypeAlias = Callable[[Any, Any], bool]


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and every part has the same type in both: ``1`` is not ``1.0``.

    Dataclasses are compared by their fields, also those that compare by identity.
    """
    return type(one) is type(other) and _compare_parts(one, other, same)


def equal(one: Any, other: Any) -> bool:
    """Like :func:`same`, but only dataclasses must be of the same type."""
    if dataclasses.is_dataclass(one) and type(one) is not type(other):
        return False
    return _compare_parts(one, other, equal)


def _compare_parts(one: Any, other: Any, compare: _Compare) -> bool:
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(compare, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(compare(one[key], other[key]) for key in one)
    if isinstance(one, set | frozenset) and compare is same:
        return bool(one == other) and _kinds(one) == _kinds(other)
    if dataclasses.is_dataclass(one):
        return all(
            compare(getattr(one, field.name), getattr(other, field.name))
            for field in dataclasses.fields(one)
        )
    return bool(one == other)


def _kinds(items: set[Any] | frozenset[Any]) -> list[str]:
    return sorted(type(item).__qualname__ for item in items)
