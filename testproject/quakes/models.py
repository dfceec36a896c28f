"""What the demo imports and computes."""

from __future__ import annotations

from django.db import models


class Quake(models.Model):
    """An earthquake, explosion or quarry blast of the USGS feed."""

    usgs_id = models.CharField("USGS id", max_length=40, unique=True)
    magnitude = models.FloatField(null=True, blank=True)
    place = models.CharField(max_length=200, blank=True)
    region = models.CharField(max_length=100, db_index=True)
    happened_at = models.DateTimeField(db_index=True)
    latitude = models.FloatField()
    longitude = models.FloatField()
    depth = models.FloatField(null=True, blank=True, help_text="Kilometres.")

    nearest_airport = models.CharField(max_length=100, blank=True)
    distance = models.FloatField(null=True, blank=True, help_text="To the airport, in kilometres.")
    alerted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-happened_at"]

    def __str__(self) -> str:
        magnitude = "?" if self.magnitude is None else f"{self.magnitude:.1f}"
        return f"M {magnitude} {self.place or self.region}"


class RegionReport(models.Model):
    """The latest report of a region."""

    region = models.CharField(max_length=100, unique=True)
    since = models.DateField()
    quake_count = models.PositiveIntegerField()
    strongest = models.FloatField(null=True, blank=True)
    file = models.CharField(max_length=200)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-quake_count", "region"]

    def __str__(self) -> str:
        return f"{self.region}: {self.quake_count}"
