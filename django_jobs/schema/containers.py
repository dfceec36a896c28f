"""Lists, tuples, sets and dicts of typed items."""

from __future__ import annotations

import json
from typing import Any

from django_jobs.schema.converter import Converter, KeyForm
from django_jobs.schema.problems import (
    Problem,
    at_index,
    at_key,
    mismatch,
    not_serializable,
    too_deep,
)


def list_of(item: Converter) -> Converter:
    """``list[item]``."""
    label = f"list[{item.label}]"

    def encode(value: Any, room: int) -> list[Any]:
        if not isinstance(value, list):
            raise mismatch(label, value)
        return _encode_items(value, item, room)

    def decode(stored: Any, exact: bool) -> list[Any]:
        return _decode_items(stored, item, label, exact)

    return Converter(label, encode, decode)


def tuple_of(item: Converter) -> Converter:
    """``tuple[item, ...]``."""
    label = f"tuple[{item.label}, ...]"

    def encode(value: Any, room: int) -> list[Any]:
        if type(value) is not tuple:
            raise mismatch(label, value)
        return _encode_items(value, item, room)

    def decode(stored: Any, exact: bool) -> tuple[Any, ...]:
        return tuple(_decode_items(stored, item, label, exact))

    return Converter(label, encode, decode)


def tuple_with(items: list[Converter]) -> Converter:
    """``tuple[first, second]``: a fixed number of items."""
    label = f"tuple[{', '.join(item.label for item in items) or '()'}]"

    def check_length(value: Any) -> None:
        if len(value) != len(items):
            raise Problem(f"expected {label} with {len(items)} items, got {len(value)} items")

    def encode(value: Any, room: int) -> list[Any]:
        if type(value) is not tuple:
            raise mismatch(label, value)
        check_length(value)
        if room <= 0:
            raise too_deep()
        encoded: list[Any] = []
        try:
            for item, one in zip(items, value, strict=True):
                encoded.append(item.encode(one, room - 1))
        except Problem as problem:
            problem.inside(at_index(len(encoded)), value)
            raise
        return encoded

    def decode(stored: Any, exact: bool) -> tuple[Any, ...]:
        if type(stored) is not list:
            raise mismatch(f"{label} as a list", stored)
        check_length(stored)
        decoded: list[Any] = []
        try:
            for item, one in zip(items, stored, strict=True):
                decoded.append(item.decode(one, exact))
        except Problem as problem:
            problem.inside(at_index(len(decoded)), stored)
            raise
        return tuple(decoded)

    return Converter(label, encode, decode)


def set_of(item: Converter, kind: type[set[Any]] | type[frozenset[Any]]) -> Converter:
    """``set[item]`` or ``frozenset[item]``, stored as a sorted list."""
    label = f"{kind.__name__}[{item.label}]"

    def encode(value: Any, room: int) -> list[Any]:
        if not isinstance(value, kind):
            raise mismatch(label, value)
        # Sorted, so that equal arguments are stored alike in every process.
        return sorted(_encode_items(value, item, room), key=json.dumps)

    def decode(stored: Any, exact: bool) -> set[Any] | frozenset[Any]:
        try:
            return kind(_decode_items(stored, item, label, exact))
        except TypeError:
            raise Problem(f"an item of {label} is not hashable") from None

    return Converter(label, encode, decode)


def dict_of(key: Converter, item: Converter) -> Converter:
    """``dict[key, item]``: keys become the strings that JSON demands, and themselves again."""
    label = f"dict[{key.label}, {item.label}]"
    is_text = key.key_form is KeyForm.TEXT

    def encode_key(value: Any) -> str:
        form = key.encode(value, 0)
        return form if is_text else json.dumps(form)

    def encode(value: Any, room: int) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise mismatch(label, value)
        if room <= 0:
            raise too_deep()
        encoded: dict[str, Any] = {}
        for name, one in value.items():
            try:
                encoded[encode_key(name)] = item.encode(one, room - 1)
            except Problem as problem:
                problem.inside(at_key(name), value)
                raise
        if len(encoded) != len(value):
            raise not_serializable("two keys have the same text")
        return encoded

    def decode_key(text: str, exact: bool) -> Any:
        if is_text:
            return key.decode(text, exact)
        try:
            form = json.loads(text)
        except ValueError:
            raise Problem(f"expected a key of type {key.label}") from None
        if json.dumps(form) != text:
            raise Problem(f"expected a key of type {key.label}")
        return key.decode(form, exact)

    def decode(stored: Any, exact: bool) -> dict[Any, Any]:
        if type(stored) is not dict:
            raise mismatch(label, stored)
        decoded: dict[Any, Any] = {}
        for name, one in stored.items():
            try:
                decoded[decode_key(name, exact)] = item.decode(one, exact)
            except Problem as problem:
                problem.inside(at_key(name), stored)
                raise
        return decoded

    return Converter(label, encode, decode)


def _encode_items(value: Any, item: Converter, room: int) -> list[Any]:
    if room <= 0:
        raise too_deep()
    encode, encoded = item.encode, []
    try:
        for one in value:
            encoded.append(encode(one, room - 1))  # noqa: PERF401 - the index is needed
    except Problem as problem:
        problem.inside(at_index(len(encoded)), value)
        raise
    return encoded


def _decode_items(stored: Any, item: Converter, label: str, exact: bool) -> list[Any]:
    if type(stored) is not list:
        raise mismatch(f"{label} as a list", stored)
    decode, decoded = item.decode, []
    try:
        for one in stored:
            decoded.append(decode(one, exact))  # noqa: PERF401 - the index is needed
    except Problem as problem:
        problem.inside(at_index(len(decoded)), stored)
        raise
    return decoded
