"""Jobs that people enqueue by hand, and ended jobs that they start again with other arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import IntegrityError, router, transaction
from django.utils.translation import gettext as _

from django_jobs import producing
from django_jobs.auditing import audit, some_ids
from django_jobs.codec import active_codec
from django_jobs.exceptions import InvalidTransition
from django_jobs.models import AuditAction, Job
from django_jobs.registry import registry
from django_jobs.states import RETRYABLE
from django_jobs.stores import active_store
from django_jobs.stores.database.retrying import retried
from django_jobs.validation import clean_text

if TYPE_CHECKING:
    from django_jobs.definitions import JobDefinition

#: Rows of one insert.
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of calls.

    Attributes:
        ids: the jobs; of those that were there already, the first.
        is_new: whether they were enqueued now.
    """

    ids: list[UUID]
    is_new: bool


@retried
def submit(
    definition: JobDefinition[Any, Any],
    calls: Sequence[Mapping[str, Any]],
    *,
    by: str = "",
    reason: str = "",
    first_id: UUID | None = None,
    details: Mapping[str, Any] | None = None,
) -> Submitted:
    """Enqueue calls, all or none, and audit it.

    Args:
        definition: the job, with the options of this enqueue.
        calls: the arguments of each as JSON.
        by: who does it.
        reason: why.
        first_id: the id of the first job. If there is a job with it, this was done before and
            nothing is done now, however often it is asked for.
        details: more for the audit.

    Raises:
        InvalidArguments: some do not fit the job.
        EnqueueUnavailable: the database can't be written.
    """
    params = [_bound(definition, call) for call in calls]
    alias = router.db_for_write(Job)
    try:
        with transaction.atomic(using=alias):
            if first_id is not None and Job.objects.using(alias).filter(pk=first_id).exists():
                return Submitted([first_id], is_new=False)
            ids = _enqueue(definition, params, first_id)
            audit(
                AuditAction.ENQUEUE,
                by=by,
                target=definition.name,
                reason=reason,
                count=len(ids),
                details={"ids": some_ids(ids), **(details or {})},
            )
    except IntegrityError:
        # Two requests at the same moment: the other one was first.
        if first_id is None or not Job.objects.using(alias).filter(pk=first_id).exists():
            raise
        return Submitted([first_id], is_new=False)
    return Submitted(ids, is_new=True)


@retried
def edit_and_retry(job: Job, params: Mapping[str, Any], *, by: str = "", reason: str = "") -> None:
    """Start an ended job afresh with other arguments, or do nothing at all.

    Args:
        job: as the caller saw it; if it changed since, nothing is written.
        params: all of its arguments as JSON.
        by: who does it.
        reason: why.

    Raises:
        UnknownJob: this process does not know the job.
        InvalidArguments: they do not fit it.
        InvalidTransition: it changed meanwhile, is in a status that allows no retry, or a live
            job holds its unique key.
    """
    bound = _bound(registry.get(job.job_name), params)
    alias = router.db_for_write(Job)
    codec = active_codec()
    edited = _differing(codec.decode(job.params), bound)
    row = Job.objects.using(alias).filter(pk=job.pk)
    with transaction.atomic(using=alias):
        # The write comes first: it takes the lock under which the rest is true.
        row.filter(status__in=RETRYABLE).update(params=codec.encode(bound))
        now = row.only("status", "lease", "updated_at").first()
        if now is None or version_of(now) != version_of(job) or now.status not in RETRYABLE:
            state = _("no such job") if now is None else now.get_status_display()
            raise InvalidTransition(_("The job changed meanwhile: %(state)s.") % {"state": state})
        actor = f"operator:{by}" if by else "operator"
        why = clean_text(reason, 500) if reason else "edit and retry"
        moved = active_store().retry([job.pk], clean_text(actor, 200), why)
        if not moved.done:
            raise InvalidTransition("; ".join(moved.skipped.values()))
        audit(
            AuditAction.RETRY,
            by=by,
            target=str(job.pk),
            reason=reason,
            count=1,
            details={"ids": [str(job.pk)], "edited": edited},
        )


def version_of(job: Job) -> str:
    """Changes with every move of a job."""
    return f"{job.status}:{job.lease}:{job.updated_at.isoformat()}"


def _enqueue(
    definition: JobDefinition[Any, Any], params: list[dict[str, Any]], first_id: UUID | None
) -> list[UUID]:
    ids: list[UUID] = []
    for start in range(0, len(params), _BATCH):
        jobs = producing.build_many(definition, params[start : start + _BATCH])
        if not start and first_id is not None:
            jobs[0].id = first_id
        ids += [job.pk for job in producing.enqueue(definition, jobs)]
    return ids


def _bound(definition: JobDefinition[Any, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    positional, named = definition.schema.from_json(dict(call))
    return definition.schema.bind(positional, named)


def _differing(before: Any, after: dict[str, Any]) -> list[str]:
    """The arguments that are not as they were, by name: values may be secret."""
    before = before if isinstance(before, dict) else {}
    names = {*before, *after}
    return sorted(
        name
        for name in names
        if (name in before, before.get(name)) != (name in after, after.get(name))
    )
