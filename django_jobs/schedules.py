"""``@cron``: schedules that live in code. A worker writes them to ``CronJob`` when it starts.

>>> @cron("0 3 * * *", timezone="Europe/Berlin")
... @job()
... def nightly_report() -> None: ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from django.conf import settings

from django_jobs.conf import config
from django_jobs.conf.shown import shown
from django_jobs.crontab import Crontab
from django_jobs.exceptions import DuplicateSchedule, InvalidArguments, InvalidJob, InvalidOption
from django_jobs.names import JOB_NAME, check_queue_name
from django_jobs.priority import PRIORITY_MAX, PRIORITY_MIN
from django_jobs.registry import registry

if TYPE_CHECKING:
    from django_jobs.definitions import JobDefinition

    AnyDefinition = JobDefinition[Any, Any]

Definition = TypeVar("Definition")

#: What happens to slots that passed while no worker was there.
MISSED: Final = ("skip", "latest", "all")
#: What happens when the previous run has not ended.
OVERLAP: Final = ("skip", "queue")
MISSED_MAX: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When a job is enqueued, and how. Every value was checked.

    Attributes:
        name: unique among all schedules.
        definition: the job.
        crontab: expression and time zone.
        params: its arguments, bound and ready to be stored.
        queue: name of the queue; ``None`` means the job's own.
        priority: lower runs first; ``None`` means the job's own.
        missed: ``"skip"``, ``"latest"`` or ``"all"`` missed slots are made up for.
        missed_max: how many at most if ``missed`` is ``"all"``.
        overlap: ``"skip"`` a slot while the previous run has not ended, or ``"queue"`` it.
        enabled: whether it starts switched on; operators may change that.
        builtin: comes with the package and gives way to a user's schedule of the same name.
    """

    name: str
    definition: AnyDefinition
    crontab: Crontab
    params: dict[str, Any]
    queue: str | None
    priority: int | None
    missed: str
    missed_max: int
    overlap: str
    enabled: bool
    builtin: bool


class Schedules:
    """The schedules this process knows from code."""

    def __init__(self) -> None:
        self._by_name: dict[str, Schedule] = {}

    def add(self, schedule: Schedule) -> None:
        """Add a schedule under its name.

        Raises:
            DuplicateSchedule: another one, which is not built in, has this name.
        """
        holder = self._by_name.get(schedule.name)
        if holder is not None and not holder.builtin:
            if schedule.builtin:
                return  # the user's came first and stays
            # The same place again is a reloaded module, not a second schedule.
            reloaded = holder.definition.function is not schedule.definition.function and (
                holder.definition.location == schedule.definition.location
            )
            if not reloaded:
                raise DuplicateSchedule(
                    f"name: the schedule {schedule.name!r} exists already, for the job "
                    f"{holder.definition.name!r}; give this one another name: @cron(…, name=…)."
                )
        self._by_name[schedule.name] = schedule

    def all(self) -> list[Schedule]:
        """Every schedule, by name."""
        return [self._by_name[name] for name in sorted(self._by_name)]

    def get(self, name: str) -> Schedule | None:
        """Return the schedule called ``name`` or ``None``."""
        return self._by_name.get(name)

    def clear(self) -> None:
        """Forget all; for tests."""
        self._by_name.clear()


schedules: Final = Schedules()


def cron(
    expression: str,
    *,
    name: str | None = None,
    timezone: str | None = None,
    params: Mapping[str, Any] | None = None,
    queue: str | None = None,
    priority: int | None = None,
    missed: str = "latest",
    missed_max: int = 10,
    overlap: str = "queue",
    enabled: bool = True,
    builtin: bool = False,
) -> Callable[[Definition], Definition]:
    """Schedule a job: write ``@cron(…)`` above ``@job``, or call ``cron(…)(definition)``.

    A job may have several schedules if each has its own name.

    Args:
        expression: five fields, or ``@hourly``, ``@daily``, ``@weekly``, ``@monthly``, ``@yearly``.
        name: unique; the name of the job when omitted.
        timezone: in which the expression is meant; ``settings.TIME_ZONE`` when omitted.
        params: arguments of the job, by name.
        queue: another queue than the job's own.
        priority: another priority than the job's own.
        missed: what to do about slots that passed while no worker was there.
        missed_max: how many missed slots ``"all"`` makes up for, 1 to 1000.
        overlap: what to do when the previous run has not ended.
        enabled: whether the schedule starts switched on.
        builtin: for schedules of a package; a user's schedule of the same name replaces it.

    Raises:
        InvalidCron, CronNeverFires, CronTooFrequent, InvalidTimezone: see ``Crontab.parse``.
        InvalidJob: the decorated object is not a job.
        InvalidArguments: ``params`` do not fit the job.
        InvalidOption: another value is of the wrong type or out of range.
        DuplicateSchedule: the name is taken.
    """
    _check_choice("missed", missed, MISSED)
    _check_choice("overlap", overlap, OVERLAP)
    _check_whole("missed_max", missed_max, 1, MISSED_MAX)
    _check_flag("enabled", enabled)
    _check_flag("builtin", builtin)
    if queue is not None:
        check_queue_name(queue)
    if priority is not None:
        _check_whole("priority", priority, PRIORITY_MIN, PRIORITY_MAX)

    def register(decorated: Definition) -> Definition:
        definition = _definition(decorated)
        schedule_name = _check_name(definition.name if name is None else name)
        zone = settings.TIME_ZONE if timezone is None else timezone
        if builtin:  # known to fire; trying it would load croniter into every process
            crontab = Crontab(expression, zone, schedule_name)
        else:
            crontab = Crontab.parse(
                expression, zone, schedule_name, min_interval=config.CRON_MIN_INTERVAL
            )
        schedules.add(
            Schedule(
                name=schedule_name,
                definition=definition,
                crontab=crontab,
                params=_bound(definition, params),
                queue=queue,
                priority=priority,
                missed=missed,
                missed_max=missed_max,
                overlap=overlap,
                enabled=enabled,
                builtin=builtin,
            )
        )
        return decorated

    return register


def _definition(decorated: object) -> AnyDefinition:
    # Duck typing: importing the class here would be a circle.
    name = getattr(decorated, "name", None)
    if not isinstance(name, str) or not hasattr(decorated, "schema"):
        called = getattr(decorated, "__qualname__", None) or type(decorated).__name__
        raise InvalidJob(f"{called} is not a job: write @cron(…) above @job(…), not below it.")
    if registry.find(name) is not decorated:
        raise InvalidJob(
            f"{name} with options of using() cannot be scheduled, they would be lost: schedule "
            "the job itself and give queue and priority to @cron(…)."
        )
    return cast("AnyDefinition", decorated)


def _bound(definition: AnyDefinition, params: object) -> dict[str, Any]:
    if params is None:
        params = {}
    if not isinstance(params, Mapping) or not all(isinstance(name, str) for name in params):
        raise InvalidArguments("params: they must be a dict of argument names to values.")
    return dict(definition.schema.bind((), dict(params)))


def _check_name(name: object) -> str:
    if not isinstance(name, str) or not JOB_NAME.fullmatch(name):
        raise InvalidOption(
            "name: a schedule's name has 1 to 200 letters, digits, dots, colons, dashes or "
            f"underscores; got {shown(name)}."
        )
    return name


def _check_choice(option: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        allowed = ", ".join(repr(choice) for choice in choices)
        raise InvalidOption(f"{option}: one of {allowed}; got {shown(value)}.")


def _check_whole(option: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidOption(f"{option}: a whole number from {low} to {high}; got {shown(value)}.")


def _check_flag(option: str, value: object) -> None:
    if not isinstance(value, bool):
        raise InvalidOption(f"{option}: True or False; got {shown(value)}.")
