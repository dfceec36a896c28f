"""What the jobs brought in, beside the jobs themselves."""

from __future__ import annotations

from django.contrib import admin

from django_jobs.admin import RunJobsAdmin, SubjectJobsMixin
from testproject.quakes.models import Quake, RegionReport


@admin.register(Quake)
class QuakeAdmin(RunJobsAdmin, SubjectJobsMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """The imported quakes, each with the jobs about it; jobs can be run on those selected."""

    list_display = [
        "happened_at",
        "magnitude",
        "place",
        "depth",
        "nearest_airport",
        "distance",
        "alerted_at",
    ]
    list_filter = [("alerted_at", admin.EmptyFieldListFilter), "region"]
    search_fields = ["place", "usgs_id"]
    date_hierarchy = "happened_at"


@admin.register(RegionReport)
class RegionReportAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The reports of the regions."""

    list_display = ["region", "quake_count", "strongest", "since", "file", "updated_at"]
