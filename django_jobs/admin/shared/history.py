"""What operators did, in the admin's own log, beside the transitions that the engine keeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils.translation import gettext as _

from django_jobs.models import Job

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest

#: More rows than this at once make one entry, not one each.
EACH_UP_TO: Final = 1000


def remember(request: HttpRequest, rows: Iterable[Model], message: str) -> None:
    """Log that the user did something to rows."""
    LogEntry.objects.bulk_create(
        _entry(request, row, str(row.pk), str(row), message) for row in rows
    )


def remember_jobs(request: HttpRequest, ids: Sequence[UUID], message: str) -> None:
    """Log that the user did something to jobs."""
    if len(ids) > EACH_UP_TO:
        label = _("%(count)d jobs") % {"count": len(ids)}
        _entry(request, Job, None, label, message).save()
        return
    remember(request, Job.objects.filter(pk__in=ids).only("pk", "job_name"), message)


def _entry(
    request: HttpRequest,
    row: Model | type[Model],
    object_id: str | None,
    label: str,
    message: str,
) -> LogEntry:
    return LogEntry(
        user_id=str(request.user.pk),
        content_type_id=ContentType.objects.get_for_model(row).pk,
        object_id=object_id,
        object_repr=label[:200],
        action_flag=CHANGE,
        change_message=message,
    )
