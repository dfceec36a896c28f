"""The data of a log line: anything becomes JSON, what is too much is left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django_jobs.sensitive import HIDDEN
from django_jobs.validation.texts import ELLIPSIS, UNPRINTABLE, clean_text

if TYPE_CHECKING:
    from django_jobs.redaction import Redactor

#: Characters of all texts of one value together, and what each value costs besides.
CHARACTERS: Final = 16_384
VALUE_COST: Final = 8
TEXT_LIMIT: Final = 4_096
KEY_LIMIT: Final = 200
DEPTH: Final = 8
_INTEGER_MAX_BITS: Final = 1024

_PRINTED: Final = (str, date, time, timedelta, UUID, Decimal, PurePath)


def clean_json(value: object, hide: Redactor | None = None) -> Any:
    """Make any value storable as JSON; never raises.

    Values without a JSON form become their text, NaN becomes ``"nan"``. Deep, long and circular
    values are cut, with ``"…"`` in place of the rest; a dict stays a dict.

    Args:
        value: anything.
        hide: hides what stands under sensitive keys, and the secrets of the job.
    """
    try:
        return _Cleaner(hide).clean(value, DEPTH)
    except BaseException:  # noqa: BLE001 - foreign methods raise anything
        return {} if isinstance(value, dict) else UNPRINTABLE


class _Cleaner:
    """Cleans one value; ``_left`` is how many characters may still be spent."""

    def __init__(self, hide: Redactor | None) -> None:
        self._hide = hide
        self._left = CHARACTERS

    def clean(self, value: Any, depth: int) -> Any:
        self._left -= VALUE_COST
        if value is None or isinstance(value, bool):
            return value if value is None else bool(value)
        if isinstance(value, Enum):
            return self._text(value.value) if depth <= 0 else self.clean(value.value, depth - 1)
        if isinstance(value, int):
            return self._integer(value)
        if isinstance(value, float):
            return self._number(float(value) if math.isfinite(value) else str(float(value)))
        if isinstance(value, _PRINTED):
            return self._text(value)
        return self._container(value, depth)

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            return self._dict(value, depth) if depth > 0 else ELLIPSIS
        if isinstance(value, list | tuple | set | frozenset):
            return self._list(value, depth) if depth > 0 else ELLIPSIS
        return self._text(value, repr)

    def _dict(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        cleaned: dict[str, Any] = {}
        for key, item in list(value.items()):
            if self._left <= 0:
                cleaned[ELLIPSIS] = ELLIPSIS
                break
            name = self._text(key, limit=KEY_LIMIT)
            cleaned[name] = HIDDEN if self._hides(key, name) else self.clean(item, depth - 1)
        return cleaned

    def _hides(self, key: Any, name: str) -> bool:
        return self._hide is not None and (
            name in self._hide.keys or (isinstance(key, str) and key in self._hide.keys)
        )

    def _list(self, value: Iterable[Any], depth: int) -> list[Any]:
        cleaned: list[Any] = []
        for item in list(value):
            if self._left <= 0:
                cleaned.append(ELLIPSIS)
                break
            cleaned.append(self.clean(item, depth - 1))
        return cleaned

    def _integer(self, value: int) -> Any:
        bits = value.bit_length()
        if bits > _INTEGER_MAX_BITS:
            return f"<integer of {bits:,} bits>"
        self._left -= bits // 3
        return self._number(int(value))

    def _number(self, value: float | str) -> Any:
        return HIDDEN if self._hide is not None and self._hide.is_secret(value) else value

    def _text(self, value: Any, write: Callable[[Any], str] = str, limit: int = TEXT_LIMIT) -> str:
        try:
            whole = value if isinstance(value, str) else write(value)
        except BaseException:  # noqa: BLE001 - a foreign __repr__ raises anything
            whole = UNPRINTABLE
        text = clean_text(whole, max(1, min(limit, self._left)), self._hide)
        self._left -= len(text)
        return text
