"""Checks of single options; each returns the value to keep or says what is allowed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Model
from django.utils import timezone

from django_jobs import backoff as backoffs
from django_jobs.conf import config
from django_jobs.conf.shown import shown
from django_jobs.exceptions import InvalidOption, InvalidSchedule, InvalidText, UnknownQueue
from django_jobs.models.subjects import SUBJECT_MAX, subject_of
from django_jobs.names import check_queue_name
from django_jobs.priority import PRIORITY_MAX, PRIORITY_MIN
from django_jobs.sensitive import plain

ExceptionTypes = tuple[type[BaseException], ...]

#: Nothing is scheduled further ahead than this.
MAX_DELAY: Final = timedelta(days=3653)
MAX_ATTEMPTS: Final = 1_000_000
MAX_TAGS: Final = 20
MAX_SENSITIVE: Final = 100
_CONFLICTS: Final = ("return", "raise")
_ISOLATIONS: Final = ("thread", "process")


def check_text(name: str, value: object, low: int, high: int) -> str:
    """Return a text of ``low`` to ``high`` characters that every database can store."""
    if not isinstance(value, str) or not low <= len(value) <= high:
        raise InvalidOption(f"{name}: a text of {low} to {high} characters; got {shown(value)}.")
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidText(f"{name}: NUL and lone surrogates can't be stored.")
    return value


def _check_queue(value: object) -> str:
    name = check_queue_name(value)
    if config.STRICT_QUEUES and name not in config.QUEUES:
        raise UnknownQueue(
            f"queue: {name!r} is not one of the configured queues: {', '.join(config.QUEUES)}."
        )
    return name


def check_integer(name: str, value: object, low: int, high: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return int(value)
    raise InvalidOption(f"{name}: a whole number from {low} to {high}; got {shown(value)}.")


def _check_seconds(name: str, value: object, *, low: float, high: float) -> float:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    if usable and low <= value <= high:  # type: ignore[operator] # NaN and infinity are outside
        return float(value)  # type: ignore[arg-type]
    raise InvalidOption(f"{name}: seconds from {low:g} to {high:g}; got {shown(value)}.")


def _check_max_attempts(value: object) -> int | None:
    return None if value is None else check_integer("max_attempts", value, 1, MAX_ATTEMPTS)


def _check_priority(value: object) -> int:
    return check_integer("priority", value, PRIORITY_MIN, PRIORITY_MAX)


def _check_backoff(value: Any) -> backoffs.Policy | None:
    if value is not None:
        backoffs.validate(value)
    policy: backoffs.Policy | None = value
    return policy


def _check_timeout(value: object) -> float | None:
    if value is None:
        return None
    return _check_seconds("timeout", value, low=0.001, high=MAX_DELAY.total_seconds())


def _check_lease(value: object) -> float | None:
    if value is None:
        return None
    return _check_seconds("lease", value, low=1, high=86_400)


def _check_exceptions(name: str, value: object) -> ExceptionTypes:
    types = (value,) if isinstance(value, type) else value
    if isinstance(types, list | tuple) and all(
        isinstance(one, type) and issubclass(one, BaseException) for one in types
    ):
        return tuple(types)
    raise InvalidOption(f"{name}: an exception class or a list of them; got {shown(value)}.")


def _check_delay(value: object) -> float | None:
    if value is None:
        return None
    try:
        return _check_seconds("delay", value, low=0, high=MAX_DELAY.total_seconds())
    except InvalidOption as error:
        raise InvalidSchedule(str(error)) from None


def _check_moment(name: str, value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise InvalidSchedule(f"{name}: a datetime; got {type(value).__name__}.")
    if settings.USE_TZ and timezone.is_naive(value):
        raise InvalidSchedule(f"{name}: an aware datetime; this one has no time zone.")
    # Compared as timestamps in UTC: year 1 or 9999 in a far zone has no other time zone's form.
    now = timezone.now()
    try:
        ahead = value - now
    except (OverflowError, TypeError):
        raise InvalidSchedule(f"{name}: not a usable time.") from None
    if abs(ahead) > MAX_DELAY:
        raise InvalidSchedule(f"{name}: within {MAX_DELAY.days} days from now; got {value.year}.")
    return value


def _check_unique_key(value: object) -> str | None:
    return None if value is None else check_text("unique_key", value, 1, 200)


def _check_conflict(value: object) -> str:
    if value in _CONFLICTS:
        return str(value)
    raise InvalidOption(f"on_conflict: 'return' or 'raise'; got {shown(value)}.")


def _check_isolation(value: object) -> str:
    if value in _ISOLATIONS:
        return str(value)
    raise InvalidOption(f"isolation: 'thread' or 'process'; got {shown(value)}.")


def _check_subject(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, Model):
        raise InvalidOption(f"subject: a saved model instance; got {shown(value)}.")
    if value._state.adding or value.pk is None:
        raise InvalidOption(
            f"subject: a saved model instance; this {type(value).__name__} is not saved yet."
        )
    return check_text("subject", subject_of(value), 1, SUBJECT_MAX)


def _check_tags(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset):
        raise InvalidOption(f"tags: a list of texts; got {type(value).__name__}.")
    if len(value) > MAX_TAGS:
        raise InvalidOption(f"tags: at most {MAX_TAGS}; got {len(value)}.")
    return tuple(check_text("tags", tag, 1, 50) for tag in value)


def _check_sensitive(value: object) -> tuple[str, ...]:
    # A text alone would be a list of its letters. Which names there are is not known: a name may
    # be a key deep inside an argument or a result.
    if isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset):
        raise InvalidOption(f"sensitive: a list of names; got {type(value).__name__}.")
    if len(value) > MAX_SENSITIVE:
        raise InvalidOption(f"sensitive: at most {MAX_SENSITIVE} names; got {len(value)}.")
    names = tuple(check_text("sensitive", name, 1, 200) for name in value)
    for name in names:
        if not plain(name):
            raise InvalidOption(f"sensitive: {name!r} has no letter and no digit.")
    return names


def _check_flag(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise InvalidOption(f"{name}: True or False; got {shown(value)}.")


CHECKS: Final[dict[str, Any]] = {
    "queue": _check_queue,
    "priority": _check_priority,
    "max_attempts": _check_max_attempts,
    "backoff": _check_backoff,
    "timeout": _check_timeout,
    "retry_for": lambda value: _check_exceptions("retry_for", value),
    "discard_for": lambda value: _check_exceptions("discard_for", value),
    "atomic": lambda value: _check_flag("atomic", value),
    "isolation": _check_isolation,
    "delay": _check_delay,
    "scheduled_for": lambda value: _check_moment("scheduled_for", value),
    "expires_at": lambda value: _check_moment("expires_at", value),
    "unique_key": _check_unique_key,
    "on_conflict": _check_conflict,
    "correlation_id": lambda value: check_text("correlation_id", value, 0, 100),
    "subject": _check_subject,
    "tags": _check_tags,
    "persist": lambda value: _check_flag("persist", value),
    "sensitive": _check_sensitive,
    "lease": _check_lease,
}
