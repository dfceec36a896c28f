"""Single questions about jobs, each as a value that can be stored and as the database's words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Any, Final, Self
from uuid import UUID

from django.db import connections
from django.db.models import BooleanField, F, Func, Q, Value
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Lower
from django.db.models.lookups import Contains, EndsWith, Lookup, PatternLookup, StartsWith

from django_jobs.ids import smallest_at
from django_jobs.models import Job, JobQuerySet, WorkerProcess
from django_jobs.models.in_status import InStatus
from django_jobs.models.querysets import IS_LIVE
from django_jobs.redaction import redactor_of, sensitive_keys
from django_jobs.registry import registry
from django_jobs.states import LIVE, TERMINAL, Status

#: A value of ``status`` beside the statuses: everything with work ahead.
UNFINISHED: Final = "unfinished"
#: What the names of parameters follow.
PARAMS: Final = "params."
#: How much earlier than its row an id may be made (by a producer whose jobs waited in the
#: enqueue buffer), and how much later (by one whose clock is fast).
EARLIER: Final = timedelta(days=1)
LATER: Final = timedelta(hours=1)

#: Operator → lookup of Django.
_LOOKUPS: Final = {
    "=": "exact",
    "<": "lt",
    "<=": "lte",
    ">": "gt",
    ">=": "gte",
    # Without case, because SQLite knows no other.
    "starts": "istartswith",
    "ends": "iendswith",
    "contains": "icontains",
}
#: The same for parts of a text.
_PARTS: Final[dict[str, type[Lookup[Any]]]] = {
    "starts": StartsWith,
    "ends": EndsWith,
    "contains": Contains,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One question.

    Attributes:
        field: what of the job; ``params.region`` for a parameter.
        operator: ``=``, ``<``, ``<=``, ``>``, ``>=``, ``starts``, ``ends``, ``contains``.
        values: any of these.
        negated: whether the answer has to be no.
    """

    field: str
    operator: str
    values: tuple[str, ...]
    negated: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """Where the parameter is; empty if it is not about a parameter."""
        if not self.field.startswith(PARAMS):
            return ()
        return tuple(self.field.removeprefix(PARAMS).split("."))

    @property
    def is_payload(self) -> bool:
        """Whether it asks for what only some people may see."""
        return self.field == "error" or bool(self.path)

    def as_json(self) -> list[Any]:
        """It as plain JSON."""
        return [self.field, self.operator, list(self.values), self.negated]

    @classmethod
    def from_json(cls, stored: Iterable[Any]) -> Self:
        """What :meth:`as_json` made."""
        field, operator, values, negated = stored
        return cls(field, operator, tuple(values), negated)


def statuses_of(conditions: Iterable[Condition]) -> frozenset[Status]:
    """The statuses that jobs can have that meet all conditions."""
    left = frozenset(Status)
    for condition in conditions:
        if condition.field == "status":
            named = _named(condition)
            left = left - named if condition.negated else left & named
    return left


def with_condition(jobs: JobQuerySet, condition: Condition, number: int) -> JobQuerySet:
    """The jobs of these that meet a condition, the ``number``-th one that is asked."""
    if condition.path:
        return _with_parameter(jobs, condition, f"asked_{number}")
    meets = Q()
    for value in condition.values:
        meets |= _QUESTIONS[condition.field](jobs, condition.operator, value)
    return jobs.exclude(meets) if condition.negated else jobs.filter(meets)


def only_shown(job: Job, condition: Condition) -> bool:
    """Whether the parameter that was asked for is shown as it is."""
    shown = redactor_of(job.job_name, job.params).data(job.params)
    return bool(_at(shown, condition.path) == _at(job.params, condition.path))


def jobs_showing(path: Iterable[str]) -> list[str]:
    """The registered jobs that hide no part of this path of parameters."""
    parts = list(path)
    return [
        name for name in registry.names() if not any(part in sensitive_keys(name) for part in parts)
    ]


def _with_parameter(jobs: JobQuerySet, condition: Condition, alias: str) -> JobQuerySet:
    where: Any = F("params")
    for key in condition.path:
        where = KeyTransform(key, where)
    meets = Q()
    for value in condition.values:
        for form in [value] if condition.operator != "=" else _forms(value):
            meets |= Q(**{f"{alias}__{_LOOKUPS[condition.operator]}": form})
    return (
        jobs.filter(job_name__in=jobs_showing(condition.path)).alias(**{alias: where}).filter(meets)
    )


def _forms(text: str) -> list[Any]:
    """What a person who typed this may have meant: a text, or a number, or yes or no."""
    try:
        value = json.loads(text)
    except ValueError:
        return [text]
    is_number = isinstance(value, int | float) and isfinite(value)
    return [text, value] if is_number else [text]


def _at(data: Any, path: Iterable[str]) -> Any:
    for key in path:
        if isinstance(data, Mapping):
            data = data.get(key)
        elif isinstance(data, list) and key.isdecimal() and int(key) < len(data):
            data = data[int(key)]
        else:
            return None
    return data


def _named(condition: Condition) -> frozenset[Status]:
    named: set[Status] = set()
    for value in condition.values:
        named |= LIVE if value == UNFINISHED else {Status(value)}
    return frozenset(named)


def _status(jobs: JobQuerySet, operator: str, value: str) -> Q:
    if value == UNFINISHED:
        return IS_LIVE
    if value in TERMINAL and connections[jobs.db].vendor == "sqlite":
        return Q(InStatus(TERMINAL), status=value)  # in the words of its partial index
    return Q(status=value)


def _column(name: str) -> Callable[[JobQuerySet, str, str], Q]:
    def ask(jobs: JobQuerySet, operator: str, value: str) -> Q:
        vendor = connections[jobs.db].vendor
        if operator in _PARTS and vendor == "mysql":
            # Our columns compare bytes there, also where Django asks without case.
            return Q(_PARTS[operator](Lower(F(name)), value.lower()))
        if operator in _PARTS and vendor == "postgresql":
            return Q(_ILIKE[operator](F(name), value))
        return Q(**{f"{name}__{_LOOKUPS[operator]}": value})

    return ask


def _filled(name: str) -> Callable[[JobQuerySet, str, str], Q]:
    """The column is empty for most jobs, and its index leaves those out."""
    ask = _column(name)
    return lambda jobs, operator, value: ask(jobs, operator, value) & ~Q(**{name: ""})


def _created(jobs: JobQuerySet, operator: str, value: str) -> Q:
    """By the column, and roughly by the id, which has an index."""
    at = datetime.fromisoformat(value)
    exact = Q(**{f"created_at__{_LOOKUPS[operator]}": at})
    if operator in (">", ">="):
        return exact & Q(pk__gte=smallest_at(at, -EARLIER))
    return exact & Q(pk__lt=smallest_at(at, LATER))


def _ended(jobs: JobQuerySet, operator: str, value: str) -> Q:
    return Q(**{f"completed_at__{_LOOKUPS[operator]}": datetime.fromisoformat(value)})


def _tag(jobs: JobQuerySet, operator: str, value: str) -> Q:
    return has_tag(jobs, value)


def _worker(jobs: JobQuerySet, operator: str, value: str) -> Q:
    try:
        return Q(worker_process=UUID(value))
    except ValueError:
        lookup = {f"worker__name__{_LOOKUPS[operator]}": value}
        processes = WorkerProcess.objects.filter(**lookup).order_by().values("pk")
        return Q(worker_process__in=processes)


_QUESTIONS: Final[dict[str, Callable[[JobQuerySet, str, str], Q]]] = {
    "status": _status,
    "queue": _column("queue"),
    "job": _column("job_name"),
    "id": _column("pk"),
    "unique": _column("unique_key"),
    "correlation": _column("correlation_id"),
    "subject": _filled("subject"),
    "failure": _filled("fingerprint"),
    "priority": _column("priority"),
    "attempts": _column("attempt_count"),
    "error": _column("error"),
    "created": _created,
    "ended": _ended,
    "tag": _tag,
    "worker": _worker,
}


def has_tag(jobs: JobQuerySet, tag: str) -> Q:
    """Whether a job has this tag."""
    if connections[jobs.db].features.supports_json_field_contains:
        return Q(tags__contains=[tag])
    return Q(_SQLiteHasTag(F("tags"), Value(tag)))


class _SQLiteHasTag(Func):
    """SQLite has no containment for JSON."""

    template = "EXISTS (SELECT 1 FROM json_each(%(expressions)s))"
    arg_joiner = ") WHERE value = ("
    output_field = BooleanField()


class _Ilike(PatternLookup):
    """Without case, in PostgreSQL's own words.

    It has no statistics of Django's ``UPPER(…) LIKE``: it expects next to nothing, and reads and
    sorts all there is, instead of reading in order until it has found enough.
    """

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"I{super().get_rhs_op(connection, rhs)}"


_ILIKE: Final = {name: type(name, (_Ilike, lookup), {}) for name, lookup in _PARTS.items()}
