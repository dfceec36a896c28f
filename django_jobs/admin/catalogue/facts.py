"""What the catalogue says of a job: its code and how it did."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_jobs import stats
from django_jobs.admin.forms.parameters import JobParameter, parameters_of
from django_jobs.admin.shared import charts, shown, sight
from django_jobs.admin.shared.addresses import address
from django_jobs.conf import config
from django_jobs.models import CronJob
from django_jobs.names import INTERNAL
from django_jobs.registry import registry
from django_jobs.stats import JobTimes

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

    from django_jobs.definitions import JobDefinition

    AnyDefinition = JobDefinition[Any, Any]

PERIOD: Final = timedelta(hours=24)
_HOUR: Final = timedelta(hours=1)
#: Characters of a signature on one line.
_LINE: Final = 88
#: Schedules that one page lists.
SCHEDULES_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the catalogue."""

    name: str
    url: str
    gist: str
    queue: str
    attempts: int
    timeout: str
    flags: list[str]
    ended: str
    failed: str
    run: str


def listed(request: HttpRequest) -> list[AnyDefinition]:
    """The registered jobs that people may enqueue and this user sees, by name."""
    return [
        one
        for one in registry.all()
        if one.name not in INTERNAL and sight.sees_kind(request, one.name, one.queue)
    ]


def found_by(request: HttpRequest, term: str) -> list[AnyDefinition]:
    """The registered jobs whose name, first line or queue holds ``term``, by name."""
    return [one for one in listed(request) if _matches(one, term.strip().casefold())]


def entries(found: Iterable[AnyDefinition]) -> list[Entry]:
    """What the list says of these jobs."""
    found = list(found)
    since, names = timezone.now() - PERIOD, [one.name for one in found]
    times = {one.job_name: one for one in stats.job_times(since, job_names=names)}
    scheduled = set(CronJob.objects.order_by().values_list("job_name", flat=True).distinct())
    return [_entry(one, times.get(one.name), scheduled) for one in found]


def job_url(name: str) -> str:
    """The page of a job definition."""
    return address("django_jobs_catalogue_job", name)


def gist(definition: AnyDefinition) -> str:
    """The first line of the docstring, without the marks of code that docstrings have."""
    return definition.description.partition("\n")[0].replace("``", "")


def flags(definition: AnyDefinition, scheduled: Iterable[str] = ()) -> list[str]:
    """How it runs, where that is not as usual."""
    said = {
        _("async"): definition.is_async,
        _("atomic"): definition.options.atomic,
        _("own process"): definition.is_isolated,
        _("scheduled"): not {definition.name, *definition.aliases}.isdisjoint(scheduled),
    }
    return [word for word, holds in said.items() if holds]


def statistics(name: str) -> dict[str, Any]:
    """How a job did in the last day."""
    since = timezone.now() - PERIOD
    times = next(iter(stats.job_times(since, job_names=[name])), None)
    return {
        "jobs_times": shown.facts(_times(times)) if times else "",
        "jobs_sparkline": _sparkline(name, times) if times else "",
    }


def schedules(definition: AnyDefinition) -> list[dict[str, Any]]:
    """The schedules that enqueue it."""
    names = [definition.name, *definition.aliases]
    rows = CronJob.objects.filter(job_name__in=names).order_by("name")[:SCHEDULES_MAX]
    return [
        {
            "name": row.name,
            "url": address("django_jobs_cronjob_change", row.pk),
            "expression": row.cron_expression,
            "timezone": row.timezone,
            "next": shown.moment_and_age(row.next_run_at if row.enabled else None),
            "is_off": not row.enabled,
        }
        for row in rows
    ]


def parameters(definition: AnyDefinition) -> list[dict[str, Any]]:
    """Name, type, default and meaning of each parameter.

    Raises:
        InvalidJob: a type hint cannot be resolved.
    """
    return [
        {
            "name": one.name,
            "type": one.converter.label,
            "default": one.default_text or (_("hidden") if one.is_sensitive else shown.NOTHING)
            if one.has_default
            else _("needed"),
            "is_sensitive": one.is_sensitive,
            "about": one.about,
        }
        for one in parameters_of(definition)
    ]


def signature(definition: AnyDefinition) -> str:
    """The function as it is called, hints resolved; a long one has a line for each parameter.

    Raises:
        InvalidJob: a type hint cannot be resolved.
    """
    prefix = "async def" if definition.is_async else "def"
    returns = inspect.signature(definition.function).return_annotation
    arrow = "" if returns is inspect.Signature.empty else f" -> {_type_name(returns)}"
    taken = [_declared(one) for one in parameters_of(definition)]
    name = definition.function.__name__
    line = f"{prefix} {name}({', '.join(taken)}){arrow}"
    if len(line) <= _LINE:
        return line
    lines = "".join(f"    {one},\n" for one in taken)
    return f"{prefix} {name}(\n{lines}){arrow}"


def _declared(parameter: JobParameter) -> str:
    declared = f"{parameter.name}: {parameter.converter.label}"
    if parameter.is_variable:
        return f"*{declared}"
    return f"{declared} = …" if parameter.has_default else declared


def _matches(definition: AnyDefinition, term: str) -> bool:
    texts = (definition.name, *definition.aliases, gist(definition), definition.queue)
    return any(term in text.casefold() for text in texts)


def _entry(definition: AnyDefinition, times: JobTimes | None, scheduled: set[str]) -> Entry:
    return Entry(
        name=definition.name,
        url=job_url(definition.name),
        gist=gist(definition),
        queue=definition.queue,
        attempts=definition.options.max_attempts or config.MAX_ATTEMPTS,
        timeout=_seconds(definition.options.timeout),
        flags=flags(definition, scheduled),
        ended=shown.NOTHING if times is None else shown.number(times.ended),
        failed="" if times is None or not times.failed else shown.number(times.failed),
        run=shown.NOTHING if times is None else _seconds(times.run_p50),
    )


def _times(times: JobTimes) -> list[tuple[str, Any]]:
    failed: SafeString | str = shown.number(times.failed)
    if times.failed:
        failed = format_html('<span class="jobs-error">{}</span>', failed)
    return [
        (_("Ended attempts"), shown.number(times.ended)),
        (_("Failed attempts"), failed),
        (_("Run time, half within"), _seconds(times.run_p50)),
        (_("Run time, 95 % within"), _seconds(times.run_p95)),
        (_("Wait, half within"), _seconds(times.wait_p50)),
        (_("Wait, 95 % within"), _seconds(times.wait_p95)),
    ]


def _sparkline(name: str, times: JobTimes) -> SafeString:
    """Ended attempts of each hour."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    hours = [now - hour * _HOUR for hour in range(23, -1, -1)]
    ended = stats.ended_over_time(hours[0], _HOUR, job_name=name)
    label = ngettext(
        "Attempts that ended in each of the last 24 hours: %(count)d in all",
        "Attempts that ended in each of the last 24 hours: %(count)d in all",
        times.ended,
    )
    values = [float(sum(ended.get(hour, {}).values())) for hour in hours]
    return charts.sparkline(values, label % {"count": times.ended})


def _seconds(seconds: float | None) -> str:
    return shown.NOTHING if seconds is None else shown.duration(timedelta(seconds=seconds))


def _type_name(hint: Any) -> str:
    if isinstance(hint, str):
        return hint
    return (
        hint.__qualname__ if isinstance(hint, type) and not hasattr(hint, "__args__") else str(hint)
    )
