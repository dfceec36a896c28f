"""What the catalogue says of the options of a job."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_jobs.admin.shared import shown
from django_jobs.conf import config
from django_jobs.options import DefinitionOptions, JobOptions

if TYPE_CHECKING:
    from django_jobs.definitions import JobDefinition


def options(definition: JobDefinition[Any, Any]) -> list[dict[str, Any]]:
    """All options, those that are not the default first."""
    usual = JobOptions()
    kinds = [
        one.name for one in fields(JobOptions) if one.name in DefinitionOptions.__annotations__
    ]
    rows = [
        {
            "label": _LABELS[name],
            "name": name,
            "value": _TEXTS.get(name, str)(getattr(definition.options, name)),
            "is_own": getattr(definition.options, name) != getattr(usual, name),
        }
        for name in kinds
    ]
    return sorted(rows, key=lambda row: not row["is_own"])


_LABELS: Final = {
    "queue": gettext_lazy("Queue"),
    "priority": gettext_lazy("Priority"),
    "max_attempts": gettext_lazy("Maximum attempts"),
    "backoff": gettext_lazy("Wait between attempts"),
    "timeout": gettext_lazy("Timeout"),
    "retry_for": gettext_lazy("Retried for"),
    "discard_for": gettext_lazy("Dropped for"),
    "atomic": gettext_lazy("Atomic"),
    "isolation": gettext_lazy("Runs in"),
    "sensitive": gettext_lazy("Sensitive names"),
}


def _names(types: Iterable[type]) -> str:
    return ", ".join(one.__qualname__ for one in types)


def _policy(value: Any) -> str:
    return getattr(value, "__qualname__", None) or str(value)


def _length(seconds: float) -> str:
    return shown.duration(timedelta(seconds=seconds))


def _setting(name: str) -> str:
    value = getattr(config, name)
    return _("%(value)s, by the setting %(name)s") % {"value": value, "name": name}


_TEXTS: Final[dict[str, Callable[[Any], str]]] = {
    "max_attempts": lambda value: _setting("MAX_ATTEMPTS") if value is None else str(value),
    "backoff": lambda value: _setting("BACKOFF") if value is None else _policy(value),
    "timeout": lambda value: _("no limit") if value is None else _length(value),
    "retry_for": lambda value: _names(value) or _("every exception"),
    "discard_for": lambda value: _names(value) or _("no exception"),
    "atomic": lambda value: _("yes") if value else _("no"),
    "isolation": lambda value: _("a process of its own") if value == "process" else _("a thread"),
    "sensitive": lambda value: ", ".join(value) or shown.NOTHING,
}
