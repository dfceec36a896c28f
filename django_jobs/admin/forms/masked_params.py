"""Editing parameters of which some are masked: what was not touched keeps its value."""

from __future__ import annotations

from typing import Any

from django_jobs.sensitive import HIDDEN


def restored(typed: Any, masked: Any, stored: Any) -> Any:
    """What a person typed, with the stored values wherever they left the masked ones.

    A value comes back only at the place where it was, never under another name.
    """
    if typed == masked and type(typed) is type(masked):
        return stored
    if isinstance(typed, dict) and isinstance(masked, dict) and len(masked) == len(stored):
        before = dict(zip(masked, zip(masked.values(), stored.items(), strict=True), strict=True))
        return dict(_restored_item(key, value, before) for key, value in typed.items())
    if isinstance(typed, list) and isinstance(masked, list) and len(typed) == len(masked):
        return [restored(*three) for three in zip(typed, masked, stored, strict=True)]
    return typed


def _restored_item(key: str, value: Any, before: dict[str, Any]) -> tuple[str, Any]:
    if key not in before:
        return key, value
    masked, (stored_key, stored) = before[key]
    return stored_key, restored(value, masked, stored)


def has_marker(value: Any) -> bool:
    """Whether a marker is left for which there is no value."""
    if isinstance(value, dict):
        return any(HIDDEN in key or has_marker(item) for key, item in value.items())
    if isinstance(value, list):
        return any(map(has_marker, value))
    return isinstance(value, str) and HIDDEN in value
