"""Which jobs can be run on objects: those with a parameter for their primary keys.

A parameter with the name of another unique field, such as ``usgs_id``, gets that one's values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _

from django_jobs.admin.catalogue.facts import gist
from django_jobs.admin.forms.parameters import JobParameter, parameters_of
from django_jobs.admin.forms.submission import PERMISSION
from django_jobs.admin.shared import sight
from django_jobs.exceptions import InvalidJob
from django_jobs.names import BUILT_IN
from django_jobs.permissions import may
from django_jobs.registry import registry
from django_jobs.schema.problems import Problem
from django_jobs.sensitive import plain

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest

    from django_jobs.definitions import JobDefinition

#: Names of parameters that take an object of any model.
_GENERAL: Final = frozenset({"pk", "id", "objectid", "objectpk", "pks", "ids", "objectids"})


@dataclass(frozen=True, slots=True)
class Target:
    """A parameter of a job, and how the objects are passed to it.

    Attributes:
        field: of the objects; its values are passed.
        takes_all: whether one job gets all keys as a list; else there is a job for each key.
        is_text: whether keys are passed as texts.
        rank: 0 if the parameter is named after the model or the field, 1 if it has a name for
            the key of any object, 2 if it only would take it.
    """

    definition: JobDefinition[Any, Any]
    parameter: str
    field: str
    takes_all: bool
    is_text: bool
    rank: int

    @property
    def is_meant(self) -> bool:
        """Whether the name of the parameter says that it is for these objects."""
        return self.rank < 2

    @property
    def key(self) -> str:
        """Names it in forms."""
        return f"{self.definition.name} {self.parameter} {'all' if self.takes_all else 'each'}"

    @property
    def name(self) -> str:
        """The name of the job."""
        return self.definition.name

    @property
    def field_name(self) -> str:
        """The field as people call it."""
        return _("primary key") if self.field == "pk" else self.field

    @property
    def gist(self) -> str:
        """What the job is for."""
        return gist(self.definition)

    def calls(self, keys: Sequence[Any]) -> list[dict[str, Any]]:
        """The argument of each job."""
        if self.takes_all:
            return [{self.parameter: self.argument(keys)}]
        return [{self.parameter: self.argument([key])} for key in keys]

    def argument(self, keys: Sequence[Any]) -> Any:
        """Keys as JSON."""
        forms = [_as_json(key, self.is_text) for key in keys]
        return forms if self.takes_all else forms[0]


def unique_fields(model: type[Model]) -> list[str]:
    """The fields whose values name one object, the primary key first."""
    fields = [one for one in model._meta.concrete_fields if one.unique and not one.is_relation]
    others = [one.attname for one in fields if not one.primary_key]
    return ["pk", *others]


def targets_of(request: HttpRequest, model: type[Model], sample: dict[str, Any]) -> list[Target]:
    """What can be run on objects of a model; what is meant for them comes first.

    Args:
        sample: the unique fields of one of them; the jobs' own schemas tell what they take.
    """
    found: list[Target] = []
    for definition in registry:
        about = {"job_name": definition.name, "queue": definition.queue}
        if definition.name in BUILT_IN or not may(request.user, PERMISSION, **about):
            continue
        if not _is_hidden(request, **about):
            found += _targets(definition, model, sample)
    return sorted(found, key=lambda one: (one.rank, one.name, one.key))


def _is_hidden(request: HttpRequest, job_name: str, queue: str) -> bool:
    """By the site's own rules; whoever sees no jobs at all may enqueue all the same."""
    sees_jobs = request.user.has_perm("django_jobs.view_job")
    return sees_jobs and not sight.sees_kind(request, job_name, queue)


def _targets(
    definition: JobDefinition[Any, Any], model: type[Model], sample: dict[str, Any]
) -> Iterator[Target]:
    try:
        parameters = parameters_of(definition)
    except InvalidJob:
        return
    for parameter in parameters:
        if parameter.is_sensitive:
            continue
        named = next((one for one in sample if _is_named(parameter.name, one)), None)
        rank = 0 if named else _rank(parameter.name, model)
        field = named or "pk"
        for takes_all in (False, True):
            for is_text in (False, True):
                target = Target(definition, parameter.name, field, takes_all, is_text, rank)
                if _takes(parameter, target.argument([sample[field]])):
                    yield target
                    break


def _is_named(parameter: str, field: str) -> bool:
    return field != "pk" and parameter in (field, f"{field}s")


def _takes(parameter: JobParameter, value: Any) -> bool:
    """Whether the schema takes the key, and takes it for no other key."""
    try:
        decoded = parameter.converter.decode(value, True)
        return bool(parameter.converter.encode(decoded, 5) == value)
    except (Problem, RecursionError):
        return False


def _rank(name: str, model: type[Model]) -> int:
    word = plain(name)
    names = {plain(str(model._meta.model_name)), plain(str(model._meta.verbose_name))}
    names |= {plain(str(model._meta.verbose_name_plural)), *(f"{one}s" for one in names)}
    if any(word.removesuffix(end) in names for end in ("ids", "id", "pks", "pk", "")):
        return 0
    return 1 if word in _GENERAL else 2


def _as_json(key: Any, is_text: bool) -> Any:
    if not is_text and isinstance(key, int):
        return key
    return str(key)
