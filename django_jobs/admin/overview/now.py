"""How it stands now, for one reader."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django_jobs.admin.overview.light import Light, known_light
from django_jobs.admin.shared import sight
from django_jobs.conf import config
from django_jobs.registry import registry
from django_jobs.stats.glance import Glance, glance

if TYPE_CHECKING:
    from django.http import HttpRequest


def glance_of(request: HttpRequest) -> Glance:
    """All there is in numbers, but no names of queues that the site's own rules hide."""
    now = glance()
    due = {name: due for name, due in now.due.items() if sight.sees(request, queue=name)}
    paused = frozenset(name for name in now.paused if sight.sees(request, queue=name))
    return replace(now, due=due, paused=paused)


def light_of(request: HttpRequest) -> Light | None:
    """What the doctor said last; without his words, which name queues, for who does not see all."""
    seen = known_light()
    return seen if seen is None or _sees_all(request) else replace(seen, found="", fix="")


def _sees_all(request: HttpRequest) -> bool:
    queues = {*registry.queues(), *config.QUEUES}
    return all(sight.sees(request, name) for name in registry.names()) and all(
        sight.sees(request, queue=name) for name in queues
    )
