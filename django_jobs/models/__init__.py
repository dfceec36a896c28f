"""The tables of django_jobs."""

from django_jobs.models.clusterlock import ClusterLock
from django_jobs.models.cronjob import CronJob, CronSlot, MissedPolicy, OverlapPolicy, SlotOutcome
from django_jobs.models.job import Job, JobQuerySet
from django_jobs.models.queue import Queue
from django_jobs.models.transition import JobLog, JobTransition, LogLevel
from django_jobs.models.worker import DesiredState, Worker, WorkerProcess, WorkerState

__all__ = [
    "ClusterLock",
    "CronJob",
    "CronSlot",
    "DesiredState",
    "Job",
    "JobLog",
    "JobQuerySet",
    "JobTransition",
    "LogLevel",
    "MissedPolicy",
    "OverlapPolicy",
    "Queue",
    "SlotOutcome",
    "Worker",
    "WorkerProcess",
    "WorkerState",
]
