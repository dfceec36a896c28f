from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from testproject.quakes import feed


def feature(usgs_id: Any = "us1", **changes: Any) -> dict[str, Any]:
    """A record of the feed; ``changes`` to its properties, ``coordinates`` apart."""
    coordinates = changes.pop("coordinates", [-118.25, 34.5, 26.5])
    properties = {"mag": 2, "place": "4km W of Castaic, CA", "time": 1517966773840, **changes}
    return {"id": usgs_id, "properties": properties, "geometry": {"coordinates": coordinates}}


def test_a_record_becomes_a_quake() -> None:
    quake = feed.parse_feature(feature())
    assert (quake.usgs_id, quake.magnitude, quake.region) == ("us1", 2.0, "California")
    assert (quake.longitude, quake.latitude, quake.depth) == (-118.25, 34.5, 26.5)
    assert quake.happened_at == datetime(2018, 2, 7, 1, 26, 13, 840_000, UTC)


@pytest.mark.parametrize(
    "record",
    [
        None,
        "text",
        {},
        feature(usgs_id=None),
        feature(usgs_id=""),
        feature(time=None),
        feature(time="yesterday"),
        feature(time=1e300),
        feature(time=float("nan")),
        feature(coordinates=None),
        feature(coordinates=[]),
        feature(coordinates=[1.0]),
        feature(coordinates=[None, 34.5, 1.0]),
        feature(coordinates=[181, 0, 0]),
        feature(coordinates=[0, -90.5, 0]),
        {"id": "us1", "properties": None, "geometry": None},
    ],
)
def test_bad_records_are_counted_and_stop_nothing(record: Any) -> None:
    chunk = feed.parse([record, feature("us2")])
    assert [quake.usgs_id for quake in chunk.quakes] == ["us2"]
    assert len(chunk.bad) == 1
    assert chunk.partial == 0


@pytest.mark.parametrize(
    "record",
    [
        feature(mag=None),
        feature(mag="strong"),
        feature(mag=True),
        feature(place=None),
        feature(place=" "),
        feature(coordinates=[1.0, 2.0]),
        feature(coordinates=[1.0, 2.0, None]),
    ],
)
def test_partial_records_are_kept_and_counted(record: Any) -> None:
    chunk = feed.parse([record])
    assert (len(chunk.quakes), chunk.partial, chunk.bad) == (1, 1, [])


@pytest.mark.parametrize(
    ("place", "region"),
    [
        ("4km W of Castaic, CA", "California"),
        ("Nevada", "Nevada"),
        ("10km E of Mina, NV", "Nevada"),
        ("Southern Mid-Atlantic Ridge", "Southern Mid-Atlantic Ridge"),
        ("somewhere,", "Unknown"),
        ("", "Unknown"),
    ],
)
def test_regions(place: str, region: str) -> None:
    assert feed.region_of(place) == region


def test_the_real_feed_has_no_bad_record() -> None:
    chunk = feed.parse(feed.read_features())
    assert (len(chunk.quakes), chunk.partial, chunk.bad) == (1707, 0, [])
    assert len({quake.usgs_id for quake in chunk.quakes}) == 1707
