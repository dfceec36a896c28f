"""Collect the value of every key from its sources, with all that is wrong, without raising."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import Any, Final

from django_jobs.conf.aliases import variables
from django_jobs.conf.keys import KEYS, Key
from django_jobs.conf.queues import queues_from
from django_jobs.conf.shown import shown
from django_jobs.exceptions import InvalidOption

COMMAND_LINE: Final = "command line"
DEFAULT: Final = "default"
PREFIX: Final = "DJANGO_JOBS_"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the configuration.

    ``fatal`` problems keep :data:`django_jobs.conf.config` from being built; the others are
    only warnings of ``manage.py check``.
    """

    key: str
    source: str
    message: str
    hint: str = ""
    fatal: bool = True

    def __str__(self) -> str:
        return f"{self.key} ({self.source}): {self.message}.{' ' if self.hint else ''}{self.hint}"


@dataclass
class Reading:
    """Values by key, where each came from, and the problems; bad values are left at default."""

    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_bad(self) -> bool:
        """Whether a problem is fatal."""
        return any(problem.fatal for problem in self.problems)


def settings_source(key: object) -> str:
    """How messages name the place of ``key`` in the settings."""
    return f"settings.DJANGO_JOBS[{shown(key)}]"


def collect(overrides: Mapping[str, Any], given: object, environment: Mapping[str, str]) -> Reading:
    """Read every key.

    Args:
        overrides: values of the command line.
        given: ``settings.DJANGO_JOBS``, whatever it is.
        environment: ``os.environ`` or a stand-in.
    """
    reading = Reading()
    given = _settings_dict(given, reading)
    for key in KEYS.values():
        _read_key(key, overrides, given, environment, reading)
    _fill_queues(reading)
    reading.problems += _unknown_settings(given)
    reading.problems += _unknown_variables(environment)
    reading.problems += _contradictions(reading)
    return reading


def _settings_dict(given: object, reading: Reading) -> dict[Any, Any]:
    if isinstance(given, dict):
        return given
    message = f"a {type(given).__name__} is not allowed; it must be a dict"
    reading.problems.append(Problem("DJANGO_JOBS", "settings.DJANGO_JOBS", message))
    return {}


def _read_key(
    key: Key,
    overrides: Mapping[str, Any],
    given: Mapping[Any, Any],
    environment: Mapping[str, str],
    reading: Reading,
) -> None:
    reading.values[key.name], reading.sources[key.name] = key.default, DEFAULT
    for source, candidate in _candidates(key, overrides, given, environment):
        reading.sources[key.name] = source
        try:
            reading.values[key.name] = key.kind.check(candidate())
        except InvalidOption as error:
            reading.problems.append(Problem(key.name, source, str(error).rstrip(".")))
        return  # the strongest source counts, even a bad one: a weaker one was not meant


def _candidates(
    key: Key,
    overrides: Mapping[str, Any],
    given: Mapping[Any, Any],
    environment: Mapping[str, str],
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield ``(source, function that returns the raw value)``, the strongest source first."""
    if key.name in overrides:
        yield COMMAND_LINE, partial(overrides.__getitem__, key.name)
    if key.name in given:
        yield settings_source(key.name), partial(given.__getitem__, key.name)
    for variable, divisor in variables(key.name):
        if variable in environment:
            text = environment[variable]
            yield f"environment {variable}", partial(_from_text, key, text, divisor)


def _from_text(key: Key, text: str, divisor: float) -> Any:
    value = key.kind.from_text(text)
    return value if divisor == 1.0 else value / divisor


def _fill_queues(reading: Reading) -> None:
    reading.values["QUEUES"] = queues_from(reading.values["QUEUES"], reading.values["CONCURRENCY"])


def _unknown_settings(given: Mapping[Any, Any]) -> Iterator[Problem]:
    for name in given:
        if name not in KEYS:
            yield Problem(
                name[:60] if isinstance(name, str) else shown(name),
                settings_source(name),
                "there is no such key",
                _suggestion(name),
            )


def _unknown_variables(environment: Mapping[str, str]) -> Iterator[Problem]:
    # Not fatal: the name may belong to somebody else's tooling.
    for variable in environment:
        name = variable.removeprefix(PREFIX)
        if name != variable and name not in KEYS:
            source = f"environment {variable}"
            yield Problem(name, source, "there is no such key", _suggestion(name), fatal=False)


def _suggestion(name: object) -> str:
    close = get_close_matches(name[:60].upper(), KEYS, n=1) if isinstance(name, str) else []
    return f"Did you mean {close[0]}?" if close else f"Known keys: {', '.join(KEYS)}."


def _contradictions(reading: Reading) -> Iterator[Problem]:
    """Values that are each in range but do not go together."""
    values, sources = reading.values, reading.sources
    lease, heartbeat, sweep = values["LEASE"], values["HEARTBEAT"], values["SWEEP_INTERVAL"]
    if heartbeat is not None and heartbeat >= lease / 3:
        yield Problem(
            "HEARTBEAT",
            sources["HEARTBEAT"],
            f"{heartbeat:g} s is not below a third of LEASE ({lease:g} s)",
            "A lease must survive two missed renewals.",
        )
    limit = values["CONTROL_TIMEOUT"]
    if limit is not None and limit > lease / 2:
        yield Problem(
            "CONTROL_TIMEOUT",
            sources["CONTROL_TIMEOUT"],
            f"{limit:g} s is above half of LEASE ({lease:g} s)",
            "A renewal that hangs must leave time for another.",
        )
    if values["BACKOFF_BASE"] > values["BACKOFF_MAX"]:
        yield Problem(
            "BACKOFF_BASE",
            sources["BACKOFF_BASE"],
            f"{values['BACKOFF_BASE']:g} s is above BACKOFF_MAX ({values['BACKOFF_MAX']:g} s)",
        )
    if sources["SWEEP_INTERVAL"] != DEFAULT and sweep > lease:
        yield Problem(
            "SWEEP_INTERVAL",
            sources["SWEEP_INTERVAL"],
            f"{sweep:g} s is above LEASE ({lease:g} s)",
            "The jobs of a dead worker wait for the sweep, not for the lease.",
            fatal=False,
        )
