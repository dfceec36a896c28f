"""Forms made of the signatures of jobs: each parameter becomes the field that fits its type hint.

The form helps to type the arguments; the job's own schema has the final word on each of them.
"""

from django_jobs.admin.forms.job_form import JobForm
from django_jobs.admin.forms.options import EnqueueForm
from django_jobs.admin.forms.reasons import ReasonForm

__all__ = ["EnqueueForm", "JobForm", "ReasonForm"]
