"""Bulk actions on jobs, by a job of ours where there are many."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.utils.translation import gettext as _

from django_jobs.admin.jobs.impact import Impact, counted
from django_jobs.admin.jobs.listing.query import without_payload
from django_jobs.admin.shared import history
from django_jobs.admin.shared.bases import user_name
from django_jobs.admin.shared.beside import Beside
from django_jobs.bulk import seal
from django_jobs.jobs import bulk
from django_jobs.models import AuditAction
from django_jobs.names import BULK
from django_jobs.selection import Selection

if TYPE_CHECKING:
    from django.http import HttpRequest

#: More jobs than this are changed by a job of ours, not while the browser waits.
AT_ONCE: Final = 500

#: Of a request: all that its list finds. Actions act on that; Django would hand them one page.
SELECTION: Final = Beside[Selection]("selection")


def asked_for(request: HttpRequest) -> str:
    """The list that is shown, in the language of its search box."""
    query = request.GET
    parts = [f"{name}:{query[name]}" for name in ("status", "queue", "job") if query.get(name)]
    date = "-".join(
        query[part].zfill(2)
        for part in ("created_at__year", "created_at__month", "created_at__day")
        if query.get(part)
    )
    parts += [f"created:{date}"] if date else []
    return " ".join([*parts, query.get("q", "").strip()]).strip() or _("all jobs")


def told_of(request: HttpRequest) -> str:
    """The same for the audit and the admin's log, where everybody reads it."""
    return without_payload(asked_for(request))


def start(
    request: HttpRequest,
    action: AuditAction,
    preview: Impact,
    reason: str,
    target: str,
) -> UUID:
    """Have it done by a job of ours; return the id of that job, also if it was sent before."""
    selection = preview.selection.as_json()
    by = user_name(request)
    proof = seal(str(action), selection, by)
    job = bulk.using(unique_key=_key(proof)).later(
        action=str(action),
        selection=selection,
        by=by,
        reason=reason,
        target=target,
        expected=preview.total,
        seal=proof,
    )
    if job.was_already_enqueued:
        return job.id
    label, jobs = action.label.capitalize(), counted(preview.total, preview.is_capped)
    note = "; ".join(filter(None, (f"{label}: {jobs}", target, reason)))
    history.remember_jobs(request, [job.id], note)
    return job.id


def _key(proof: str) -> str:
    """Until it is done a second click asks for nothing new. It must not give the seal away."""
    return f"{BULK}:{sha256(proof.encode()).hexdigest()[:32]}"
