"""A router that tests point at another database."""

from __future__ import annotations

from typing import Any, ClassVar


class JobsElsewhere:
    """Sends everything of django_jobs to ``alias``."""

    alias: ClassVar[str] = "default"

    def db_for_read(self, model: Any, **_: Any) -> str | None:
        return self.alias if model._meta.app_label == "django_jobs" else None

    db_for_write = db_for_read
