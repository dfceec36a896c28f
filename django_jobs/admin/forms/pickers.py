"""Object pickers for parameters that name an object by its primary key, as ``quake_id`` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.apps import apps
from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.db import models

from django_jobs.sensitive import plain

if TYPE_CHECKING:
    from django import forms
    from django.contrib.admin import AdminSite
    from django.http import HttpRequest

    from django_jobs.admin.forms.parameters import JobParameter
    from django_jobs.definitions import JobDefinition

_SUFFIXES = ("_id", "_pk")


@dataclass(frozen=True, slots=True)
class Pickers:
    """Finds the picker of a parameter among the pages that a user may open."""

    site: AdminSite
    request: HttpRequest

    def widget(
        self, parameter: JobParameter, definition: JobDefinition[Any, Any]
    ) -> forms.Widget | None:
        """The admin's raw id widget; ``None`` where no page of the site is meant by the name."""
        model = self._model(parameter, definition)
        if model is None:
            return None
        return ForeignKeyRawIdWidget(_ToPrimaryKey(model), self.site)  # type: ignore[arg-type]

    def _model(
        self, parameter: JobParameter, definition: JobDefinition[Any, Any]
    ) -> type[models.Model] | None:
        stem = next((parameter.name[:-3] for end in _SUFFIXES if parameter.name.endswith(end)), "")
        meant = [
            model
            for model in apps.get_models()
            if stem
            and model._meta.model_name == plain(stem)
            and _fits(parameter, model)
            and self._may_look(model)
        ]
        if len(meant) > 1:
            own = apps.get_containing_app_config(definition.function.__module__)
            meant = [model for model in meant if own and model._meta.app_config is own]
        return meant[0] if len(meant) == 1 else None

    def _may_look(self, model: type[models.Model]) -> bool:
        if not self.site.is_registered(model):
            return False
        return bool(self.site.get_model_admin(model).has_view_permission(self.request))


def _fits(parameter: JobParameter, model: type[models.Model]) -> bool:
    """Whether the parameter takes such a primary key."""
    kind, key = parameter.hint.kind, model._meta.pk
    if kind is int:
        return isinstance(key, models.IntegerField)
    if kind is UUID:
        return isinstance(key, models.UUIDField)
    return kind is str


class _ToPrimaryKey:
    """What the widget wants to know of a foreign key."""

    limit_choices_to: ClassVar[dict[str, Any]] = {}

    def __init__(self, model: type[models.Model]) -> None:
        self.model = model

    def get_related_field(self) -> Any:
        """The field that it points to."""
        return self.model._meta.pk
