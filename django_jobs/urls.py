"""What a site includes: ``path("jobs/", include("django_jobs.urls"))``."""

from __future__ import annotations

from django.urls import path

from django_jobs.progress import progress_view

app_name = "django_jobs"

urlpatterns = [path("progress/<str:token>/", progress_view, name="progress")]
