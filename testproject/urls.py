"""The admin is the whole site; its front page is the site's."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

# With a box that says how the jobs do.
admin.site.index_template = "admin/django_jobs/index.html"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("jobs/", include("django_jobs.urls")),
]
