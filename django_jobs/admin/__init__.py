"""The pages of django_jobs in Django's admin. They change jobs only through ``operations``."""

from django_jobs.admin.audit import JobAuditAdmin
from django_jobs.admin.cronjob import CronJobAdmin
from django_jobs.admin.failure import FailureGroupAdmin
from django_jobs.admin.job import JobAdmin
from django_jobs.admin.queue import QueueAdmin
from django_jobs.admin.run_on_selected import RunJobsAdmin, run_job_on_selected
from django_jobs.admin.subject_jobs import SubjectJobsMixin
from django_jobs.admin.worker import WorkerAdmin

__all__ = [
    "CronJobAdmin",
    "FailureGroupAdmin",
    "JobAdmin",
    "JobAuditAdmin",
    "QueueAdmin",
    "RunJobsAdmin",
    "SubjectJobsMixin",
    "WorkerAdmin",
    "run_job_on_selected",
]
