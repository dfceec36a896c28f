"""Why a job does not run: the conditions of the claim, looked at one by one, in plain words."""

from django_jobs.diagnosis.reason import About, Code, Reason
from django_jobs.diagnosis.why import is_claimable, why_not_running

__all__ = ["About", "Code", "Reason", "is_claimable", "why_not_running"]
