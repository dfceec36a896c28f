"""Pydantic models as parameters and results, where pydantic is installed.

Processes that use no model never import it: a hint can only be a model if its module did.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from django_jobs.schema.converter import Converter
from django_jobs.schema.plain import encode_plain
from django_jobs.schema.problems import Problem, mismatch, not_serializable, type_name


def is_model(kind: type) -> bool:
    """Whether ``kind`` is a pydantic model class."""
    pydantic = sys.modules.get("pydantic")
    base = getattr(pydantic, "BaseModel", None)
    return base is not None and issubclass(kind, base) and kind is not base


def model_of(kind: Any) -> Converter:
    """A pydantic model, stored by field name and validated strictly when read."""
    label = kind.__qualname__
    by_name = _by_name()

    def encode(value: Any, room: int) -> Any:
        if type(value) is not kind:
            raise mismatch(label, value)
        try:
            dumped = value.model_dump(mode="json", round_trip=True)
        except Exception as error:  # pydantic and the model's own serializers raise anything
            raise not_serializable(f"{label} cannot be dumped: {type_name(error)}") from error
        encoded = encode_plain(_lower_whole_floats(dumped), room)
        if not comes_back(value, encoded):
            raise not_serializable(f"{label} does not come back equal from its own JSON")
        return encoded

    def comes_back(value: Any, encoded: Any) -> bool:
        try:
            return bool(decode(encoded, False) == value)
        except Problem:
            return False

    def decode(stored: Any, exact: bool) -> Any:
        text = json.dumps(stored)
        try:
            return kind.model_validate_json(text, strict=True, **by_name)
        except Exception as error:  # noqa: BLE001 - validators of the model raise anything
            # Not chained: pydantic's message shows the values.
            raise Problem(f"{label} refused the value: {_reasons(error)}") from None

    return Converter(label, encode, decode)


def _by_name() -> dict[str, bool]:
    """Let fields with an alias be read by their name, under which they were dumped.

    Before pydantic 2.11 this cannot be asked for: such a model needs ``populate_by_name`` then.
    """
    version = tuple(map(int, sys.modules["pydantic"].VERSION.split(".")[:2]))
    return {"by_name": True, "by_alias": True} if version >= (2, 11) else {}


def _lower_whole_floats(dumped: Any) -> Any:
    """Write floats from 1e16 on as the integers that PostgreSQL makes of them anyway."""
    if isinstance(dumped, float) and abs(dumped) >= 1e16 and dumped.is_integer():
        return int(dumped)
    if isinstance(dumped, list):
        return [_lower_whole_floats(item) for item in dumped]
    if isinstance(dumped, dict):
        return {key: _lower_whole_floats(item) for key, item in dumped.items()}
    return dumped


def _reasons(error: Exception) -> str:
    """Where and why validation failed, without the values."""
    details = getattr(error, "errors", None)
    if details is None:
        return type_name(error)
    found = details(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'the model'}: {one['type']}" for one in found[:5]
    )
