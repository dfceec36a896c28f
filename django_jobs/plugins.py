"""Plugins are Django apps: list them in ``INSTALLED_APPS`` and they take part.

A plugin's ``apps.py``::

    from django_jobs import plugins

    class AuditConfig(plugins.PluginConfig):
        name = "acme.audit"
        execute_middleware = ["acme.audit.middleware.record"]

Write ``plugins.PluginConfig``: Django would see two candidates in the module after
``from django_jobs.plugins import PluginConfig`` and silently pick a plain ``AppConfig``.
Parts are named by dotted path, because models can't be imported before the apps are ready.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_jobs.chains import claim_chain, enqueue_chain, execute_chain


@dataclass(frozen=True, slots=True)
class Service:
    """A periodic duty of a worker. Every worker may run it at any time: make it idempotent.

    Attributes:
        name: for logs.
        interval: returns the seconds between two runs, read anew before each.
        run: does one round of work and returns how many rows it touched.
    """

    name: str
    interval: Callable[[], float]
    run: Callable[[], int]


plugin_services: Final[list[Service]] = []


class PluginConfig(AppConfig):
    """Base class of a plugin's app config.

    Attributes:
        requires: names of apps that must be installed as well.
        enqueue_middleware: dotted paths, outermost first (see :mod:`django_jobs.chains`).
        execute_middleware: dotted paths, outermost first.
        claim_filters: dotted paths of ``QuerySet -> QuerySet`` functions.
        services: dotted paths of :class:`Service` objects.
        receivers: name of a signal in :mod:`django_jobs.signals` → dotted path of a receiver.
    """

    requires: ClassVar[Sequence[str]] = ()
    enqueue_middleware: ClassVar[Sequence[str]] = ()
    execute_middleware: ClassVar[Sequence[str]] = ()
    claim_filters: ClassVar[Sequence[str]] = ()
    services: ClassVar[Sequence[str]] = ()
    receivers: ClassVar[dict[str, str]] = {}

    def ready(self) -> None:
        """Take part. Calling it again changes nothing."""
        self._refuse_missing_requirements()
        _extend(enqueue_chain, self.enqueue_middleware)
        _extend(execute_chain, self.execute_middleware)
        _extend(claim_chain, self.claim_filters)
        _extend(plugin_services, self.services)
        for signal, receiver in self.receivers.items():
            import_string(f"django_jobs.signals.{signal}").connect(
                import_string(receiver), dispatch_uid=f"{self.name}:{signal}:{receiver}"
            )

    def _refuse_missing_requirements(self) -> None:
        missing = [name for name in self.requires if not apps.is_installed(name)]
        if missing:
            raise ImproperlyConfigured(
                f"The plugin {self.name} needs {', '.join(missing)} in INSTALLED_APPS."
            )


def _extend(chain: list[Any], paths: Iterable[str]) -> None:
    for part in map(import_string, paths):
        if part not in chain:
            chain.append(part)


def installed_plugins() -> list[PluginConfig]:
    """The plugins of this site, in the order of ``INSTALLED_APPS``."""
    return [found for found in apps.get_app_configs() if isinstance(found, PluginConfig)]
