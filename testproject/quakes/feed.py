"""Reading the USGS feed: GeoJSON features become ``Quake`` rows that are not yet saved."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from testproject.quakes.models import Quake

FEED: Final = Path(__file__).resolve().parents[1] / "data" / "usgs-earthquakes.geojson"

#: The feed writes the same region in two ways.
REGIONS: Final = {"CA": "California", "NV": "Nevada", "MX": "Mexico"}

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class BadRecord(ValueError):
    """A record that can't become a quake: without id, time or position."""


@dataclass
class ParsedChunk:
    """Records of the feed, parsed.

    Attributes:
        quakes: unsaved rows.
        partial: how many of them lack magnitude, place or depth.
        bad: why each of the other records was left out.
    """

    quakes: list[Quake] = field(default_factory=list)
    partial: int = 0
    bad: list[str] = field(default_factory=list)


def read_features() -> list[Any]:
    """The records of the feed, as they are."""
    features: list[Any] = json.loads(FEED.read_text(encoding="utf-8"))["features"]
    return features


def parse(features: list[Any]) -> ParsedChunk:
    """Parse records; a bad one is noted and left out, and stops nothing."""
    chunk = ParsedChunk()
    for feature in features:
        try:
            quake = parse_feature(feature)
        except BadRecord as problem:
            chunk.bad.append(str(problem))
            continue
        chunk.quakes.append(quake)
        chunk.partial += quake.magnitude is None or quake.depth is None or not quake.place
    return chunk


def parse_feature(feature: Any) -> Quake:
    """Parse one record.

    Raises:
        BadRecord: id, time or position are missing or impossible.
    """
    if not isinstance(feature, dict) or not isinstance(feature.get("id"), str) or not feature["id"]:
        raise BadRecord("record without an id")
    usgs_id = feature["id"]
    properties = _mapping(feature.get("properties"))
    longitude, latitude, depth = _position(usgs_id, feature)
    place = properties.get("place")
    place = place.strip() if isinstance(place, str) else ""
    return Quake(
        usgs_id=usgs_id,
        magnitude=_number(properties.get("mag")),
        place=place,
        region=region_of(place),
        happened_at=_moment(usgs_id, properties.get("time")),
        latitude=latitude,
        longitude=longitude,
        depth=depth,
    )


def region_of(place: str) -> str:
    """The region in a place: “4km W of Castaic, CA” is in “California”.

    >>> region_of("Southern Mid-Atlantic Ridge")
    'Southern Mid-Atlantic Ridge'
    """
    region = place.rpartition(",")[2].strip()
    return REGIONS.get(region, region) or "Unknown"


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _position(usgs_id: str, feature: dict[str, Any]) -> tuple[float, float, float | None]:
    coordinates = _mapping(feature.get("geometry")).get("coordinates")
    numbers: list[float | None] = [None, None, None]
    if isinstance(coordinates, list):
        numbers = [*map(_number, coordinates), *numbers]
    longitude, latitude, depth = numbers[:3]
    if longitude is None or latitude is None or abs(longitude) > 180 or abs(latitude) > 90:
        raise BadRecord(f"{usgs_id}: no usable position")
    return longitude, latitude, depth


def _moment(usgs_id: str, value: object) -> datetime:
    milliseconds = _number(value)
    if milliseconds is None:
        raise BadRecord(f"{usgs_id}: no usable time")
    try:
        # Not datetime.fromtimestamp(): before 1970 it depends on the platform.
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise BadRecord(f"{usgs_id}: no usable time") from None
