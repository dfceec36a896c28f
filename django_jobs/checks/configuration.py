"""Checks of settings. They do not use ``config``: a bad setting keeps it from existing."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core import mail
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.utils.module_loading import import_string

from django_jobs import conf
from django_jobs.registry import registry

SHORT_LEASE: Final = 10.0


@register
def check_configuration(**_: Any) -> list[CheckMessage]:
    """E001: a key is unknown or has a bad value. W001: a value is doubtful."""
    messages: list[CheckMessage] = []
    for problem in conf.read().problems:
        kind, number = (Error, "E001") if problem.fatal else (CheckWarning, "W001")
        text = f"{problem.key} ({problem.source}): {problem.message}."
        messages.append(kind(text, hint=problem.hint or None, id=f"django_jobs.{number}"))
    return messages


@register
def check_time_zones(**_: Any) -> list[CheckMessage]:
    """E002: times would be stored without their zone."""
    if settings.USE_TZ:
        return []
    return [
        Error(
            "settings.USE_TZ is False: due times and leases need aware datetimes.",
            hint="Set USE_TZ = True.",
            id="django_jobs.E002",
        )
    ]


@register
def check_classes(**_: Any) -> list[CheckMessage]:
    """E003: the codec cannot be loaded. E004: the store cannot be loaded."""
    reading = conf.read()
    needs = {"CODEC": ("E003", ("encode", "decode")), "STORE": ("E004", ("enqueue", "claim"))}
    messages: list[CheckMessage] = []
    for key, (number, methods) in needs.items():
        path = reading.values[key]
        reason = _reason_unusable(path, methods) if path else ""
        if reason:
            messages.append(
                Error(
                    f"{key} ({reading.sources[key]}): {path!r} {reason}.",
                    hint=f"{key} is the dotted path of a class with the methods "
                    f"{', '.join(methods)}, among others.",
                    id=f"django_jobs.{number}",
                )
            )
    return messages


@register
def check_permission_hook(**_: Any) -> list[CheckMessage]:
    """E013: the permission hook cannot be loaded."""
    reading = conf.read()
    path = reading.values["PERMISSION_HOOK"]
    if path is None or callable(_imported(path)):
        return []
    return [
        Error(
            f"PERMISSION_HOOK ({reading.sources['PERMISSION_HOOK']}): {path!r} can't be imported "
            "or is no function.",
            hint="It takes a user, a permission, a job name and a queue, and returns a bool.",
            id="django_jobs.E013",
        )
    ]


@register
def check_lease(**_: Any) -> list[CheckMessage]:
    """W002: the lease is so short that a busy machine loses it."""
    reading = conf.read()
    lease = reading.values["LEASE"]
    # Django's test runners, pytest-django included, give mail an outbox.
    if lease >= SHORT_LEASE or settings.DEBUG or hasattr(mail, "outbox"):
        return []
    return [
        CheckWarning(
            f"LEASE ({reading.sources['LEASE']}): {lease:g} s is short; a pause of the machine or "
            "the database makes jobs run twice.",
            hint=f"Outside of tests use {SHORT_LEASE:g} s or more; 60 is the default.",
            id="django_jobs.W002",
        )
    ]


@register
def check_queues(**_: Any) -> list[CheckMessage]:
    """W007: jobs go to a queue that workers do not serve by default."""
    served = conf.read().values["QUEUES"]
    unserved = sorted(set(registry.queues()) - served.keys()) if served else []
    if not unserved:
        return []
    return [
        CheckWarning(
            f"QUEUES: {', '.join(unserved)}: jobs go there, but no worker serves it unless it is "
            "started with --queues.",
            hint="Add it to QUEUES, or silence this check if another worker has it.",
            id="django_jobs.W007",
        )
    ]


def _imported(path: str) -> object:
    try:
        return import_string(path)
    except Exception:  # noqa: BLE001 - whatever a module raises when it is imported
        return None


def _reason_unusable(path: str, methods: tuple[str, ...]) -> str:
    """Say why the class at ``path`` cannot be used, or return an empty text."""
    try:
        loaded = import_string(path)
    except Exception as error:  # noqa: BLE001 - whatever a module raises when it is imported
        return f"cannot be imported: {type(error).__name__}: {error}"
    if not isinstance(loaded, type):
        return "is not a class"
    missing = [method for method in methods if not callable(getattr(loaded, method, None))]
    return f"lacks the method {', '.join(missing)}" if missing else ""
