"""Types that have one exact text: ``UUID``, ``Decimal`` and paths."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, Final
from uuid import UUID

from django_jobs.schema.converter import Converter, written_as_text
from django_jobs.schema.plain import check_text
from django_jobs.schema.problems import Problem, mismatch, not_serializable


def _encode_uuid(value: Any, room: int) -> str:
    if isinstance(value, UUID):
        return str(value)
    raise mismatch("UUID", value)


def _parse_uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Problem("not a UUID") from None


def _encode_decimal(value: Any, room: int) -> str:
    if not isinstance(value, Decimal):
        raise mismatch("Decimal", value)
    if not value.is_finite():
        raise not_serializable("NaN and Infinity are not stored; pass None or a text")
    return str(value)


def _parse_decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise Problem("not a decimal number") from None
    if not value.is_finite():
        raise Problem("not a finite decimal number")
    return value


def _path(kind: type[PurePath]) -> Converter:
    def encode(value: Any, room: int) -> str:
        if not isinstance(value, kind):
            raise mismatch(kind.__name__, value)
        return check_text(str(value))

    return written_as_text(kind.__name__, encode, kind)


TEXTS: Final[dict[Any, Converter]] = {
    UUID: written_as_text("UUID", _encode_uuid, _parse_uuid),
    Decimal: written_as_text("Decimal", _encode_decimal, _parse_decimal),
    **{kind: _path(kind) for kind in (Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath)},
}
