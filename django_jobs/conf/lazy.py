"""The ``config`` object: built at first use, built again when settings change."""

from __future__ import annotations

import os
from typing import Any, Final, cast

from django.apps import apps
from django.conf import settings
from django.core.signals import setting_changed

from django_jobs.conf.keys import KEYS, Configuration
from django_jobs.conf.reading import COMMAND_LINE, Reading, collect
from django_jobs.exceptions import InvalidConfiguration

_overrides: Final[dict[str, Any]] = {}


class LazyConfiguration:
    """Stands in for a :class:`Configuration` that is built at the first access.

    Values are kept as plain instance attributes, so that hot loops pay one attribute lookup.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(build(), name)
        if _cache:
            self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"config.{name} cannot be set; use settings.DJANGO_JOBS or override()."
        )

    def __repr__(self) -> str:
        return "<config of django_jobs>"


config: Final[Configuration] = cast(Configuration, LazyConfiguration())
_cache: Final[dict[str, Configuration]] = {}


def read() -> Reading:
    """Read all sources again. Never raises for bad values; they are in ``problems``."""
    return _read(_overrides)


def build() -> Configuration:
    """Return the checked configuration, from the cache if there.

    While Django loads its apps, bad values are replaced by their defaults instead: decorators
    in ``jobs.py`` read settings, and ``manage.py check`` could report nothing if they failed.

    Raises:
        InvalidConfiguration: some value is bad; the message lists them all.
    """
    if "built" not in _cache:
        reading = read()
        if not apps.ready and reading.is_bad:
            return Configuration(**reading.values)
        _cache["built"] = _checked(reading)
    return _cache["built"]


def reset() -> None:
    """Forget what was read, so that the next access reads all sources again."""
    _cache.clear()
    vars(config).clear()


def override(**values: Any) -> None:
    """Set values above all other sources, for this process and the ones it forks.

    Args:
        values: by key; ``None`` means "not given" and is skipped.

    Raises:
        InvalidConfiguration: a key or value is bad; nothing is changed then.
    """
    given = {key: value for key, value in values.items() if value is not None}
    unknown = sorted(given.keys() - KEYS)
    if unknown:
        raise InvalidConfiguration(f"There is no key {', '.join(unknown)}.")
    merged = {**_overrides, **given}
    _checked(_read(merged))
    _overrides.update(merged)
    reset()


def clear_overrides() -> None:
    """Take back every :func:`override`."""
    _overrides.clear()
    reset()


def describe() -> list[tuple[str, Any, str, str]]:
    """Return ``(key, value, source, help)`` of every setting, for ``runjobs --show-config``."""
    reading = read()
    return [
        (key.name, reading.values[key.name], reading.sources[key.name], key.help)
        for key in KEYS.values()
    ]


def _read(overrides: dict[str, Any]) -> Reading:
    return collect(overrides, getattr(settings, "DJANGO_JOBS", {}), os.environ)


def _checked(reading: Reading) -> Configuration:
    if reading.is_bad:
        # What the user just typed comes first.
        fatal = [problem for problem in reading.problems if problem.fatal]
        fatal.sort(key=lambda problem: problem.source != COMMAND_LINE)
        lines = "\n".join(f"  - {problem}" for problem in fatal)
        raise InvalidConfiguration(f"The configuration of django_jobs is not usable:\n{lines}")
    return Configuration(**reading.values)


def _on_setting_changed(*, setting: str, **_: Any) -> None:
    if setting == "DJANGO_JOBS":
        reset()


setting_changed.connect(_on_setting_changed, dispatch_uid="django_jobs.conf")
