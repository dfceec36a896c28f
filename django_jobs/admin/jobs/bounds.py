"""What was there when somebody was asked: nothing newer is touched, whatever the filter says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from django_jobs.models import Job
from django_jobs.selection import Selection


@dataclass(frozen=True, slots=True)
class Bounds:
    """A moment in the life of the job table.

    Attributes:
        until: the newest id.
        as_of: the database's time.
    """

    until: UUID
    as_of: datetime

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self | None:
        """Those that a form sent back; ``None`` if it has none, or none that can be read."""
        try:
            as_of = datetime.fromisoformat(sent.get("as_of", ""))
            return cls(UUID(sent.get("until", "")), as_of) if _fits(as_of) else None
        except ValueError:
            return None

    @classmethod
    def now(cls) -> Self:
        """Those of this moment."""
        found: Any = Job.objects.order_by("-pk").values_list("pk", Now()).first()
        return cls(UUID(int=0), timezone.now()) if found is None else cls(*found)

    def bound(self, selection: Selection) -> Selection:
        """The jobs of a selection that were there."""
        return selection.with_(until=self.until, as_of=self.as_of)

    @property
    def sent_as_of(self) -> str:
        """For the form."""
        return self.as_of.isoformat()


def _fits(moment: datetime) -> bool:
    # At either end of the calendar there is no like of it in another time zone.
    has_likes = MINYEAR < moment.year < MAXYEAR
    return has_likes and timezone.is_aware(moment) == settings.USE_TZ
