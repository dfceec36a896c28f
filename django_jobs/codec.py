"""How arguments and results are written into their columns: the seam for encryption and such.

A codec sees plain JSON, after types are encoded and sizes checked, and gives plain JSON back.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol, TypeAlias, runtime_checkable

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from django_jobs.conf import config
from django_jobs.exceptions import InvalidConfiguration

#: What ``json.dumps`` writes without loss.
JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


@runtime_checkable
class Codec(Protocol):
    """Turns plain JSON into the JSON that is stored, and back: ``decode(encode(x)) == x``.

    One instance serves all threads of a process.
    """

    def encode(self, value: JSON) -> JSON:
        """Return what is stored for ``value``."""

    def decode(self, stored: JSON) -> JSON:
        """Return the value for which ``stored`` is stored."""


class JSONCodec:
    """Stores values as they are."""

    def encode(self, value: JSON) -> JSON:
        return value

    def decode(self, stored: JSON) -> JSON:
        return stored


def active_codec() -> Codec:
    """Return the codec named by the setting ``CODEC``; made once per process.

    Raises:
        InvalidConfiguration: there is no codec at that path.
    """
    return _codec_at(config.CODEC)


@cache
def _codec_at(path: str) -> Codec:
    try:
        made = import_string(path)()
    except Exception as error:  # a foreign constructor raises anything
        raise InvalidConfiguration(
            f"CODEC: {path!r} cannot be imported and called without arguments: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(made, Codec):
        raise InvalidConfiguration(f"CODEC: {path!r} has no methods encode and decode.")
    return made


def _forget(**kwargs: Any) -> None:
    """Make codecs anew after any setting changed: they may read settings of their own."""
    _codec_at.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_jobs.codec")
