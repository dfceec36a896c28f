"""The tables of django_jobs."""

from django_jobs.models.audit import AuditAction, AuditSource, JobAudit
from django_jobs.models.clusterlock import ClusterLock
from django_jobs.models.cronjob import CronJob, CronSlot, MissedPolicy, OverlapPolicy, SlotOutcome
from django_jobs.models.failure import (
    OPEN_FAILURES,
    FailureCount,
    FailureGroup,
    FailureRetry,
    FailureState,
    RetryEnd,
    RetryPace,
)
from django_jobs.models.job import Job, JobQuerySet
from django_jobs.models.queue import Queue
from django_jobs.models.rollup import JobRollup, Period, QueueSample
from django_jobs.models.savedfilter import SavedFilter
from django_jobs.models.transition import JobLog, JobTransition, LogLevel
from django_jobs.models.worker import DesiredState, Worker, WorkerProcess, WorkerState

__all__ = [
    "OPEN_FAILURES",
    "AuditAction",
    "AuditSource",
    "ClusterLock",
    "CronJob",
    "CronSlot",
    "DesiredState",
    "FailureCount",
    "FailureGroup",
    "FailureRetry",
    "FailureState",
    "Job",
    "JobAudit",
    "JobLog",
    "JobQuerySet",
    "JobRollup",
    "JobTransition",
    "LogLevel",
    "MissedPolicy",
    "OverlapPolicy",
    "Period",
    "Queue",
    "QueueSample",
    "RetryEnd",
    "RetryPace",
    "SavedFilter",
    "SlotOutcome",
    "Worker",
    "WorkerProcess",
    "WorkerState",
]
