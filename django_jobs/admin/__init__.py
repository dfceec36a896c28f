"""The pages of django_jobs in Django's admin. They change jobs only through ``operations``."""

from django_jobs.admin.audit import JobAuditAdmin
from django_jobs.admin.cron.admin import CronJobAdmin
from django_jobs.admin.failures.admin import FailureGroupAdmin
from django_jobs.admin.jobs.admin import JobAdmin
from django_jobs.admin.own_pages.run_on_selected import RunJobsAdmin, run_job_on_selected
from django_jobs.admin.own_pages.subject_jobs import SubjectJobsMixin
from django_jobs.admin.queues.admin import QueueAdmin
from django_jobs.admin.workers.admin import WorkerAdmin

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
