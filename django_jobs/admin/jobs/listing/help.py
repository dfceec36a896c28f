"""What helps with the search box: examples, and values to choose from."""

from __future__ import annotations

from functools import cache
from inspect import Parameter
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _

from django_jobs.admin.jobs.listing.filters import QueueFilter, seen_names
from django_jobs.admin.jobs.listing.qualifiers import EXAMPLES, QUALIFIERS
from django_jobs.admin.shared import payload
from django_jobs.conditions import PARAMS, UNFINISHED
from django_jobs.redaction import sensitive_keys
from django_jobs.registry import registry
from django_jobs.schema.hints import signature_of
from django_jobs.states import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.contrib.admin.views.main import ChangeList
    from django.http import HttpRequest

    from django_jobs.definitions import JobDefinition

#: Examples and what they find.
HELP: Final = (
    ("status:failed,discarded", _("in one of these statuses; also status:unfinished")),
    ("queue:reports -job:import*", _("of this queue, but no job whose name begins so")),
    ("params.region:CA", _("with this parameter; params.region:C* for its beginning")),
    ("error:Timeout", _("whose latest error contains this")),
    ("created:<2h", _("made in the last two hours; >2h: longer ago; also s, m, d, w")),
    ("ended:>=2026-01-31", _("ended on or after this day")),
    ("tag:nightly", _("with this tag")),
    ("priority:<5 attempts:>1", _("numbers, with <, <=, > or >=")),
    ("worker:web-1", _("taken last by this worker, while it lives")),
    ("correlation:import-7", _("with this correlation id; also unique:… and id:…")),
    ('job:"a b"', _("quotes for a value with spaces")),
    ("import-7", _("words alone: a whole id, key or tag, or a part of a job’s name")),
)
#: Qualifiers that are suggested with values.
_OFFERED: Final = frozenset({"status", "queue", "job"})


def suggestions(request: HttpRequest, changes: ChangeList) -> list[str]:
    """What the search box offers while somebody types."""
    return list(_suggestions(request, changes))


def _suggestions(request: HttpRequest, changes: ChangeList) -> Iterator[str]:
    for status in (UNFINISHED, *Status.values):
        yield f"status:{status}"
    for spec in changes.filter_specs:
        if isinstance(spec, QueueFilter):
            yield from (f"queue:{name}" for name, _label in spec.lookup_choices)
    yield from (f"job:{name}" for name in seen_names(request))
    if payload.may_see(request):
        yield from _parameters(seen_names(request))
    yield from (EXAMPLES[name] for name in QUALIFIERS if name not in _OFFERED)


def _parameters(job_names: Iterable[str]) -> list[str]:
    """The parameters of these jobs that can be searched for: no values, but their names."""
    return sorted(
        {
            f"{PARAMS}{parameter}:"
            for name in job_names
            for parameter in _names_of(registry.get(name))
            if parameter not in sensitive_keys(name)
        }
    )


@cache
def _names_of(definition: JobDefinition[Any, Any]) -> list[str]:
    parameters = list(signature_of(definition.function).parameters.values())
    return [
        one.name
        for one in parameters[definition.takes_context :]
        if one.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    ]
