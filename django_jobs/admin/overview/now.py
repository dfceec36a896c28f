"""How it stands now, for one reader."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django_jobs.admin.shared import sight
from django_jobs.stats.glance import Glance, glance

if TYPE_CHECKING:
    from django.http import HttpRequest


def glance_of(request: HttpRequest) -> Glance:
    """All there is in numbers, but no names of queues that the site's own rules hide."""
    now = glance()
    due = {name: due for name, due in now.due.items() if sight.sees(request, queue=name)}
    paused = frozenset(name for name in now.paused if sight.sees(request, queue=name))
    return replace(now, due=due, paused=paused)
