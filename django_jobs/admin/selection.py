"""Which jobs can be run on objects: those with a parameter that takes a primary key, or a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django_jobs.admin.catalogue_facts import gist
from django_jobs.admin.forms.parameters import JobParameter, parameters_of
from django_jobs.admin.submission import PERMISSION
from django_jobs.exceptions import InvalidJob
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
        takes_all: whether one job gets all keys as a list; else there is a job for each key.
        is_text: whether keys are passed as texts.
        is_meant: whether the name of the parameter says that it is for these objects.
    """

    definition: JobDefinition[Any, Any]
    parameter: str
    takes_all: bool
    is_text: bool
    is_meant: bool

    @property
    def key(self) -> str:
        """Names it in forms."""
        return f"{self.definition.name} {self.parameter} {'all' if self.takes_all else 'each'}"

    @property
    def name(self) -> str:
        """The name of the job."""
        return self.definition.name

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


def targets_of(request: HttpRequest, model: type[Model], key: Any) -> list[Target]:
    """What can be run on objects of a model; what is meant for them comes first.

    Args:
        key: the primary key of one of them; the jobs' own schemas tell whether they take it.
    """
    found: list[Target] = []
    for definition in registry:
        if may(
            request.user, PERMISSION, job_name=definition.name, queue=definition.queue
        ) and not definition.name.startswith("jobs."):
            found += _targets(definition, model, key)
    return sorted(found, key=lambda one: (not one.is_meant, one.name, one.key))


def _targets(definition: JobDefinition[Any, Any], model: type[Model], key: Any) -> Iterator[Target]:
    try:
        parameters = parameters_of(definition)
    except InvalidJob:
        return
    for parameter in parameters:
        if parameter.is_sensitive:
            continue
        is_meant = _is_meant(parameter.name, model)
        for takes_all in (False, True):
            for is_text in (False, True):
                target = Target(definition, parameter.name, takes_all, is_text, is_meant)
                if _takes(parameter, target.argument([key])):
                    yield target
                    break


def _takes(parameter: JobParameter, value: Any) -> bool:
    """Whether the schema takes the key, and takes it for no other key."""
    try:
        decoded = parameter.converter.decode(value, True)
        return bool(parameter.converter.encode(decoded, 5) == value)
    except (Problem, RecursionError):
        return False


def _is_meant(name: str, model: type[Model]) -> bool:
    word = plain(name)
    if word in _GENERAL:
        return True
    names = {plain(str(model._meta.model_name)), plain(str(model._meta.verbose_name))}
    names |= {plain(str(model._meta.verbose_name_plural)), *(f"{one}s" for one in names)}
    return any(word.removesuffix(end) in names for end in ("ids", "id", "pks", "pk", ""))


def _as_json(key: Any, is_text: bool) -> Any:
    if not is_text and isinstance(key, int):
        return key
    return str(key)
