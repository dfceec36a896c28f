"""The overview: how it stands, how it went, and where to look first.

It is filled by a template tag, so that it is there on every admin site without a class of its own.
"""

from django_jobs.admin.overview.box import box_of
from django_jobs.admin.overview.lamp import lamp_view
from django_jobs.admin.overview.page import context_of, live_view, may_see

__all__ = ["box_of", "context_of", "lamp_view", "live_view", "may_see"]
