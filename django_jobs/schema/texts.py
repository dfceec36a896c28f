"""Types that have one exact text: ``UUID``, ``Decimal`` and paths."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, Final
from uuid import UUID

from django_jobs.schema.converter import Converter, KeyForm
from django_jobs.schema.plain import check_text
from django_jobs.schema.problems import Problem, mismatch, not_serializable


def _encode_uuid(value: Any, room: int) -> str:
    if isinstance(value, UUID):
        return str(value)
    raise mismatch("UUID", value)


def _decode_uuid(stored: Any) -> UUID:
    if type(stored) is not str:
        raise mismatch("UUID text", stored)
    try:
        return UUID(stored)
    except ValueError:
        raise Problem("not a UUID") from None


def _encode_decimal(value: Any, room: int) -> str:
    if not isinstance(value, Decimal):
        raise mismatch("Decimal", value)
    if not value.is_finite():
        raise not_serializable("NaN and Infinity are not stored; pass None or a text")
    return str(value)


def _decode_decimal(stored: Any) -> Decimal:
    if type(stored) is not str:
        raise mismatch("Decimal text", stored)
    try:
        value = Decimal(stored)
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

    def decode(stored: Any) -> PurePath:
        if type(stored) is str:
            return kind(stored)
        raise mismatch(f"{kind.__name__} text", stored)

    return Converter(kind.__name__, encode, decode, KeyForm.TEXT)


TEXTS: Final[dict[Any, Converter]] = {
    UUID: Converter("UUID", _encode_uuid, _decode_uuid, KeyForm.TEXT),
    Decimal: Converter("Decimal", _encode_decimal, _decode_decimal, KeyForm.TEXT),
    **{kind: _path(kind) for kind in (Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath)},
}
