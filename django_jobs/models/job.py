"""``Job``: one row per job, the snapshot of its latest state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from django_jobs.ids import uuid7
from django_jobs.models.mysql import without_warnings
from django_jobs.models.querysets import JobManager, JobQuerySet
from django_jobs.models.subjects import SUBJECT_MAX
from django_jobs.models.text import ExactCharField, ExactTextField
from django_jobs.models.waiting import Awaitable
from django_jobs.states import DELAYED, LIVE, TERMINAL, WAITING, Status

if TYPE_CHECKING:
    from django.core.checks import CheckMessage
    from django.db.models.fields.related_descriptors import RelatedManager

    from django_jobs.models.transition import JobLog, JobTransition

__all__ = ["Job", "JobQuerySet"]

# Sorted, so that a migration does not depend on the order of a set.
_DELAYED: Final = sorted(DELAYED)
_LIVE: Final = sorted(LIVE)
_TERMINAL: Final = sorted(TERMINAL)
_WAITING: Final = sorted(WAITING)


class Job(Awaitable, models.Model):
    """A call that is to happen: which job, with what, when, and how it went.

    Only a store writes ``status``, together with its :class:`JobTransition`.
    Code that operates on jobs goes through :mod:`django_jobs.operations`.
    """

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    job_name = ExactCharField(_("job"), max_length=200)
    queue = ExactCharField(_("queue"), max_length=50, default="default")
    priority = models.IntegerField(
        _("priority"), default=0, help_text=_("Lower runs first; equal ones in order of arrival.")
    )
    params = models.JSONField(_("parameters"), default=dict, blank=True)
    tags = models.JSONField(_("tags"), default=list, blank=True)
    result = models.JSONField(_("result"), null=True, blank=True)
    status = ExactCharField(
        _("status"), max_length=16, choices=Status.choices, default=Status.PENDING
    )
    progress = models.PositiveSmallIntegerField(
        _("progress"),
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text=_("Percent."),
    )
    progress_message = ExactCharField(_("progress message"), max_length=500, default="", blank=True)
    error = ExactTextField(
        _("error"), default="", blank=True, help_text=_("What the latest failed attempt raised.")
    )
    # With a default of the database's: the code of an older release inserts jobs without it.
    fingerprint = ExactCharField(
        _("fingerprint"),
        max_length=16,
        default="",
        db_default="",
        blank=True,
        editable=False,
        help_text=_("Of the latest failed attempt: which failures are of one kind."),
    )

    scheduled_for = models.DateTimeField(
        _("scheduled for"), db_default=Now(), help_text=_("Not before this time.")
    )
    expires_at = models.DateTimeField(
        _("expires at"), null=True, blank=True, help_text=_("Not started after this time.")
    )
    timeout = models.FloatField(
        _("timeout"), null=True, blank=True, help_text=_("Longest run time in seconds.")
    )
    max_attempts = models.PositiveIntegerField(
        _("maximum attempts"), default=3, help_text=_("Failures after which the job gives up.")
    )
    attempt_count = models.PositiveIntegerField(
        _("attempts"), default=0, help_text=_("How often a worker took the job.")
    )
    failure_count = models.PositiveIntegerField(
        _("failures"), default=0, help_text=_("Exceptions and timeouts.")
    )
    crash_count = models.PositiveIntegerField(
        _("crashes"), default=0, help_text=_("How often its worker died.")
    )

    # The lease: the right to finish one attempt. The number grows at every claim, is never
    # reset, and fences every write of its holder.
    lease = models.BigIntegerField(_("lease"), default=0, editable=False)
    worker_process = models.UUIDField(_("worker process"), null=True, blank=True, editable=False)
    worker_started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    worker_expires_at = models.DateTimeField(_("lease expires at"), null=True, blank=True)
    cancel_requested_at = models.DateTimeField(_("cancel requested at"), null=True, blank=True)

    unique_key = ExactCharField(_("unique key"), max_length=200, null=True, blank=True)
    correlation_id = ExactCharField(_("correlation id"), max_length=100, default="", blank=True)
    parent_id = models.UUIDField(
        _("parent"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("The job that enqueued it while it ran."),
    )
    subject = ExactCharField(
        _("subject"),
        max_length=SUBJECT_MAX,
        default="",
        # Also in the database: a worker of an older release writes rows without it.
        db_default="",
        blank=True,
        help_text=_("The object it is about: app.model:key."),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("updated at"), db_default=Now(), editable=False)
    completed_at = models.DateTimeField(_("ended at"), null=True, blank=True, editable=False)

    objects: ClassVar[JobManager[Job]] = JobManager()

    #: True on the job that ``later()`` returned instead of a new one, because of its unique key.
    was_already_enqueued: bool = False

    if TYPE_CHECKING:
        transitions: RelatedManager[JobTransition]
        log_lines: RelatedManager[JobLog]

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        indexes = [
            models.Index(
                fields=["queue", "priority", "scheduled_for", "id"],
                condition=Q(status=Status.PENDING),
                name="django_jobs_claim",
            ),
            models.Index(
                fields=["scheduled_for"],
                condition=Q(status__in=_DELAYED),
                name="django_jobs_promote",
            ),
            # Of leases the holder, not the expiry: a renewal then touches no index.
            models.Index(
                fields=["worker_process"],
                condition=Q(status=Status.RUNNING),
                name="django_jobs_held",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(status__in=_WAITING, expires_at__isnull=False),
                name="django_jobs_expire",
            ),
            models.Index(
                fields=["status", "completed_at"],
                condition=Q(status__in=_TERMINAL),
                name="django_jobs_prune",
            ),
            # Empty but in the database of the enqueue buffer.
            models.Index(
                fields=["id"],
                condition=Q(status=Status.PENDING_RECOVERY),
                name="django_jobs_recover",
            ),
            models.Index(
                fields=["correlation_id"],
                condition=~Q(correlation_id=""),
                name="django_jobs_correlation",
            ),
            models.Index(
                fields=["fingerprint", "completed_at"],
                condition=Q(status=Status.FAILED) & ~Q(fingerprint=""),
                name="django_jobs_failure",
            ),
            models.Index(
                fields=["parent_id", "id"],
                condition=Q(parent_id__isnull=False),
                name="django_jobs_parent",
            ),
            models.Index(
                fields=["subject", "id"],
                condition=~Q(subject=""),
                name="django_jobs_subject",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["unique_key"],
                # Most jobs have no key, and would have an entry each otherwise.
                condition=Q(status__in=_LIVE, unique_key__isnull=False),
                name="django_jobs_unique_key",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.RUNNING) | Q(worker_expires_at__isnull=False),
                name="django_jobs_running_has_lease",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=_TERMINAL) | Q(completed_at__isnull=False),
                name="django_jobs_ended_has_time",
            ),
        ]
        permissions = [
            ("retry_job", "Can retry and run jobs now"),
            ("cancel_job", "Can cancel jobs"),
            ("discard_job", "Can discard jobs"),
            ("enqueue_job", "Can enqueue jobs"),
            ("view_job_payload", "Can see parameters, results, errors and log lines of jobs"),
        ]

    def __str__(self) -> str:
        return f"{self.job_name} ({self.id})"

    @classmethod
    def check(cls, **kwargs: Any) -> list[CheckMessage]:
        """Django's checks, without those that do not see what our migration makes for MariaDB."""
        return without_warnings(super().check(**kwargs))

    @property
    def is_finished(self) -> bool:
        """Whether the job ended, well or not."""
        return self.status in TERMINAL
