"""The parent's heartbeat: one statement keeps every lease of the worker alive, another shows it."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.db import connections, router
from django.db.models.functions import Now

import django_jobs
from django_jobs.auditing import audit, through
from django_jobs.conf import config
from django_jobs.models import (
    AuditAction,
    AuditSource,
    DesiredState,
    Job,
    Worker,
    WorkerProcess,
    WorkerState,
)
from django_jobs.registry import registry
from django_jobs.runtime.connections import longest_connect
from django_jobs.runtime.memory import resident_memory
from django_jobs.runtime.patience import Patience
from django_jobs.runtime.units import unit_of_work
from django_jobs.stores import active_store

if TYPE_CHECKING:
    from django_jobs.runtime.child import Child
    from django_jobs.runtime.options import WorkerOptions

#: Share of the lease after which a worker that could not renew gives its jobs up.
SELF_FENCE: Final = 0.8
#: Share of the lease after which nothing may still be waited for.
LAST_CALL: Final = 0.95


class Heartbeat:
    """Renews, reports and reads the desired state. Time is the monotonic clock's."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._renewed_at = time.monotonic()
        self._due_at = 0.0
        self._patience = Patience("The heartbeat")
        self._replaced: datetime | None = None
        #: Whether somebody had asked, by the last beat, for others in the place of the processes.
        self.is_to_replace = False
        #: Whether the database was out of reach when the leases were to be renewed: then nothing
        #: else need ask it, and must not, for time is short.
        self.is_away = False

    def announce(self) -> None:
        """Write the worker's row: it is starting, and meant to run."""
        known = Worker.objects.filter(name=self._options.name, release=config.RELEASE).exists()
        Worker.objects.update_or_create(
            name=self._options.name,
            defaults={
                "queues": dict(self._options.queues),
                "state": WorkerState.RUNNING,
                "desired_state": DesiredState.RUN,
                "version": django_jobs.__version__,
                "release": config.RELEASE,
                "job_names": registry.names(),
                "host": os.uname().nodename,
                "started_at": Now(),
                "last_heartbeat_at": Now(),
                "replace_asked_at": None,
            },
        )
        if config.RELEASE and not known:
            with through(AuditSource.WORKER):
                audit(AuditAction.DEPLOY, by=self._options.name, target=config.RELEASE)

    @property
    def seconds_left(self) -> float:
        """Seconds until the next beat is due."""
        now = time.monotonic()
        fence = self._renewed_at + config.LEASE * SELF_FENCE
        if self.is_away and now < fence and now + longest_connect() > self._last_call:
            return fence - now  # to connect might take too long to end the children in time
        return max(self._due_at - now, 0.0)

    @property
    def _last_call(self) -> float:
        return self._renewed_at + config.LEASE * LAST_CALL

    @property
    def is_overdue(self) -> bool:
        """Whether renewing failed for so long that others may soon take the jobs.

        Never on SQLite: while a job's transaction locks the leases out, it locks out everybody
        who could take a job. Where many write at once a heartbeat may have no turn although others
        have; then the job runs again, and its first outcome is refused.
        """
        if connections[router.db_for_write(Job)].vendor == "sqlite":
            return False
        return time.monotonic() - self._renewed_at > config.LEASE * SELF_FENCE

    def beat(self, children: Collection[Child]) -> DesiredState:
        """Renew the leases of the children and return what the worker shall do."""
        self._due_at = time.monotonic() + config.heartbeat_interval
        self._renew(children)
        with unit_of_work():
            workers = Worker.objects.filter(name=self._options.name)
            if not workers.update(last_heartbeat_at=Now()):
                self.announce()  # somebody took it for dead and deleted it
            for child in children:
                self.show_process(child)
            row = workers.values_list("desired_state", "replace_asked_at").first()
        desired, asked_at = row or (None, None)
        self.is_to_replace = asked_at is not None and asked_at != self._replaced
        self._replaced = asked_at
        self._patience.worked()
        # One of a newer version is no reason to stand still: this one works on.
        return DesiredState(desired) if desired in DesiredState.values else DesiredState.RUN

    def _renew(self, children: Collection[Child]) -> None:
        asked_at = time.monotonic()
        self.is_away = True
        # However long a renewal may take: when it is too late the children must be ended in time.
        time_left = self._renewed_at + config.LEASE * SELF_FENCE - asked_at
        with unit_of_work(time_left if time_left > 0 else None):
            active_store().renew([child.id for child in children], config.LEASE)
        self.is_away = False
        # From the moment of asking: the database's clock was read after it.
        self._renewed_at = asked_at

    def retry_soon(self, error: Exception) -> None:
        """After a beat that failed: try again long before a whole interval has passed."""
        self._due_at = time.monotonic() + self._patience.failed(error)

    def show_state(self, state: WorkerState) -> None:
        """Write what the worker does now."""
        Worker.objects.filter(name=self._options.name).update(state=state)

    def show_process(self, child: Child) -> None:
        """Write the row of a process, also if somebody deleted it."""
        WorkerProcess.objects.update_or_create(
            id=child.id,
            defaults={
                "worker_id": self._options.name,
                "pid": child.pid,
                "host": os.uname().nodename,
                "running_jobs": len(child.pulse.running()),
                "memory": resident_memory(child.pid),
                "last_heartbeat_at": Now(),
            },
        )

    def remove_process(self, child: Child) -> None:
        """Delete the row of a process that has ended."""
        WorkerProcess.objects.filter(id=child.id).delete()

    def say_goodbye(self) -> None:
        """The last thing a worker does: show that it stopped, unless a namesake goes on."""
        if not WorkerProcess.objects.filter(worker_id=self._options.name).exists():
            self.show_state(WorkerState.STOPPED)
