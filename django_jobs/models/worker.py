"""``Worker``: a named consumer; ``WorkerProcess``: its live operating-system processes."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from django_jobs.ids import uuid7
from django_jobs.models.text import ExactCharField


class WorkerState(models.TextChoices):
    """What a worker does."""

    RUNNING = "running", _("running")
    DRAINING = "draining", _("draining")
    STOPPED = "stopped", _("stopped")


class DesiredState(models.TextChoices):
    """What a worker shall do; it obeys within one heartbeat."""

    RUN = "run", _("run")
    DRAIN = "drain", _("claim nothing new")
    STOP = "stop", _("finish and exit")


class Worker(models.Model):
    """A worker by name: what it serves and what it was told."""

    name = ExactCharField(_("name"), max_length=50, primary_key=True)
    queues = models.JSONField(
        _("queues"), default=dict, blank=True, help_text=_("Queue → concurrency per process.")
    )
    state = ExactCharField(
        _("state"), max_length=10, choices=WorkerState.choices, default=WorkerState.STOPPED
    )
    desired_state = ExactCharField(
        _("desired state"), max_length=10, choices=DesiredState.choices, default=DesiredState.RUN
    )
    version = ExactCharField(_("version"), max_length=100, default="", blank=True)
    release = ExactCharField(
        _("release"),
        max_length=100,
        default="",
        db_default="",  # workers of older code insert rows, too
        blank=True,
        help_text=_("Of the site, as the setting RELEASE tells."),
    )
    job_names = models.JSONField(
        _("job names"),
        null=True,  # nobody knows: it runs older code
        editable=False,
        help_text=_("The jobs that its release has; it claims no others."),
    )
    host = ExactCharField(_("host"), max_length=255, default="", blank=True)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    replace_asked_at = models.DateTimeField(
        _("asked to replace its processes at"), null=True, blank=True, editable=False
    )
    last_heartbeat_at = models.DateTimeField(_("last heartbeat at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering = ["name"]
        permissions = [("manage_worker", "Can drain, stop and restart workers")]

    def __str__(self) -> str:
        return self.name


class WorkerProcess(models.Model):
    """A live process. Its id is new at every start; pid and host are labels for people."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    worker = models.ForeignKey(
        Worker, on_delete=models.CASCADE, related_name="processes", verbose_name=_("worker")
    )
    pid = models.PositiveIntegerField(_("process id"))
    host = ExactCharField(_("host"), max_length=255)
    memory = models.PositiveBigIntegerField(
        _("memory"), default=0, help_text=_("Resident memory in bytes.")
    )
    running_jobs = models.PositiveIntegerField(_("running jobs"), default=0)
    started_at = models.DateTimeField(_("started at"), db_default=Now())
    last_heartbeat_at = models.DateTimeField(_("last heartbeat at"), db_default=Now())

    class Meta:
        verbose_name = _("worker process")
        verbose_name_plural = _("worker processes")
        ordering = ["started_at"]

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"
