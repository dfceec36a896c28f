"""Everything that the list finds as a file: streamed, capped, and without secrets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import HttpResponseRedirect, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from django_jobs.admin.jobs.bounds import Bounds
from django_jobs.admin.jobs.bulk import told_of
from django_jobs.admin.jobs.listing.paging import Key
from django_jobs.admin.shared import payload, sight
from django_jobs.admin.shared.addresses import address
from django_jobs.admin.shared.bases import user_name
from django_jobs.admin.shared.shown import printable
from django_jobs.auditing import audit, through
from django_jobs.models import AuditAction, AuditSource, Job
from django_jobs.redaction import redactor_of

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from django_jobs.admin.jobs.listing.change_list import JobChangeList

#: Jobs that one file holds.
EXPORT_MAX: Final = 100_000
#: Jobs that are read at once.
CHUNK: Final = 1_000
#: What a spreadsheet would take for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")

COLUMNS: Final = (
    "id",
    "job_name",
    "queue",
    "priority",
    "status",
    "progress",
    "attempt_count",
    "failure_count",
    "crash_count",
    "created_at",
    "scheduled_for",
    "worker_started_at",
    "completed_at",
    "correlation_id",
    "unique_key",
    "tags",
)
PAYLOAD: Final = ("params", "result", "error", "progress_message")


def export(request: HttpRequest, changes: JobChangeList) -> HttpResponseBase:
    """The jobs of a list as they are now, newest first."""
    writer = WRITERS.get(request.POST.get("format", ""))
    if writer is None or changes.asked.errors:
        known = _("format: one of %(known)s.") % {"known": ", ".join(FORMATS)}
        messages.error(request, " ".join(changes.asked.errors) or known)
        url = address("django_jobs_job_changelist")
        return HttpResponseRedirect(f"{url}{changes.newest_link}")
    name = request.POST["format"]
    with through(AuditSource.ADMIN):
        audit(
            AuditAction.EXPORT,
            by=user_name(request),
            target=told_of(request),
            details={"format": name, "payload": payload.may_see(request), "most": EXPORT_MAX},
        )
    with_payload = payload.may_see(request)
    names = (*COLUMNS, *(PAYLOAD if with_payload else ()))
    rows = _rows(request, changes, Bounds.now(), with_payload)
    answer = StreamingHttpResponse(writer(rows, names), content_type=TYPES[name])
    stamp = f"{timezone.now():%Y-%m-%d-%H%M}"
    answer["Content-Disposition"] = f'attachment; filename="jobs-{stamp}.{name}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _rows(
    request: HttpRequest, changes: JobChangeList, bounds: Bounds, with_payload: bool
) -> Iterator[dict[str, Any]]:
    """What is written of each job; the last row says so if there are more jobs."""
    selection = bounds.bound(changes.selection)
    needed = {"params"} if any(one.path for one in selection.conditions) else set()
    columns = {*COLUMNS, *(PAYLOAD if with_payload else needed)}
    jobs = selection.queryset().order_by(*changes.selection.order).only(*columns)
    left, key = EXPORT_MAX, None
    while True:
        found = list((jobs.filter(key.older()) if key else jobs)[: CHUNK + 1])
        batch = sight.seen(request, selection.seen(found[:CHUNK]))
        for job in batch[:left]:
            yield _row(job, with_payload)
        left -= len(batch)
        if len(found) <= CHUNK and left >= 0:
            return
        if left <= 0:
            yield {"id": _("Only the first %(count)d jobs are here.") % {"count": EXPORT_MAX}}
            return
        key = Key.of(found[CHUNK - 1], selection.is_by_end)


def _row(job: Job, with_payload: bool) -> dict[str, Any]:
    row = {name: _plain(getattr(job, name)) for name in COLUMNS}
    if with_payload:
        hidden = redactor_of(job.job_name, job.params)
        row["params"] = hidden.data(job.params)
        row["result"] = hidden.data(job.result)
        row["error"] = job.error
        row["progress_message"] = job.progress_message
    return row


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, int | list) else str(value)


class _Line(io.StringIO):
    """What was written since the last look."""

    def take(self) -> str:
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return printable(text)


def as_csv(rows: Iterable[dict[str, Any]], names: Sequence[str]) -> Iterator[str]:
    """One line for each job, for spreadsheets."""
    line = _Line()
    writer = csv.writer(line)
    writer.writerow(names)
    yield line.take()
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in names])
        yield line.take()


def _cell(value: Any) -> Any:
    """A text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, int):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_json(rows: Iterable[dict[str, Any]], names: Sequence[str]) -> Iterator[str]:
    """A list of objects."""
    yield "["
    for number, row in enumerate(rows):
        yield printable(f"{',' if number else ''}\n{json.dumps(row, ensure_ascii=False)}")
    yield "\n]\n"


WRITERS: Final[dict[str, Callable[[Iterable[dict[str, Any]], Sequence[str]], Iterator[str]]]] = {
    "csv": as_csv,
    "json": as_json,
}
FORMATS: Final = tuple(WRITERS)
TYPES: Final = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
