"""The nearest airport, by brute force: honest work for a processor."""

from __future__ import annotations

import csv
from functools import cache
from math import asin, cos, degrees, radians, sin, sqrt
from pathlib import Path
from typing import Final, NamedTuple

AIRPORTS: Final = Path(__file__).resolve().parents[1] / "data" / "us-airports.csv"

#: Mean radius in kilometres.
EARTH_RADIUS: Final = 6371.0


class Airport(NamedTuple):
    """An airport, its position in radians: converted once, not once per quake."""

    name: str
    latitude: float
    longitude: float
    cos_latitude: float


@cache
def airports() -> tuple[Airport, ...]:
    """All airports of the file."""
    with AIRPORTS.open(encoding="utf-8", newline="") as file:
        return tuple(
            Airport(
                f"{row['name']} ({row['iata']})",
                radians(float(row["latitude"])),
                radians(float(row["longitude"])),
                cos(radians(float(row["latitude"]))),
            )
            for row in csv.DictReader(file)
        )


def positions() -> list[tuple[float, float]]:
    """Longitude and latitude of all airports, in degrees."""
    return [(degrees(airport.longitude), degrees(airport.latitude)) for airport in airports()]


def nearest(latitude: float, longitude: float) -> tuple[str, float]:
    """The name of the nearest airport and its distance in kilometres.

    Args:
        latitude, longitude: in degrees.
    """
    phi, theta = radians(latitude), radians(longitude)
    cos_phi = cos(phi)
    # The haversine grows with the distance, so that only the smallest needs the arc sine.
    haversine, name = min(
        (sin((lat - phi) / 2) ** 2 + cos_phi * cos_lat * sin((lon - theta) / 2) ** 2, name)
        for name, lat, lon, cos_lat in airports()
    )
    return name, 2 * EARTH_RADIUS * asin(sqrt(min(haversine, 1.0)))
