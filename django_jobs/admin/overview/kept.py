"""What need not be looked at anew for every reader, kept for a while in the site's cache."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from django.core.cache import cache

from django_jobs import __version__

KindT = TypeVar("KindT")

#: Another version may keep other things under the same name.
_PREFIX: Final = f"django_jobs-{__version__}-overview"


def kept(name: str, seconds: float, kind: type[KindT], make: Callable[[], KindT]) -> KindT:
    """What is kept under a name, or what is made and kept now.

    Whatever the cache is worth: without a working one it is made each time.

    Args:
        name: of it.
        seconds: for how long.
        kind: its class.
        make: makes it.
    """
    found = known(name, kind)
    if found is not None:
        return found
    made = make()
    keep(name, seconds, made)
    return made


def known(name: str, kind: type[KindT]) -> KindT | None:
    """What is kept under a name, if anything is."""
    found: object = None
    with suppress(Exception):
        found = cache.get(f"{_PREFIX}-{name}")
    return found if isinstance(found, kind) else None


def keep(name: str, seconds: float, made: Any) -> None:
    """Keep something."""
    with suppress(Exception):
        cache.set(f"{_PREFIX}-{name}", made, seconds)


def forget(*names: str) -> None:
    """Look anew the next time."""
    with suppress(Exception):
        cache.delete_many([f"{_PREFIX}-{name}" for name in names])
