"""Whatever has a condition, which MariaDB does not know, has its like without one."""

from __future__ import annotations

from django.db import models

from django_jobs.models import Job
from django_jobs.models.mysql import INDEXES


def test_nothing_with_a_condition_was_forgotten() -> None:
    made: list[models.Index | models.BaseConstraint] = [
        *Job._meta.indexes,
        *[one for one in Job._meta.constraints if isinstance(one, models.UniqueConstraint)],
    ]
    assert {one.name for one in made if getattr(one, "condition", None)} == INDEXES.keys()
