from __future__ import annotations

from xml.etree import ElementTree

import pytest

from testproject.quakes import airports, console, feed, land, world_map
from testproject.quakes.run import Progress

SVG = "{http://www.w3.org/2000/svg}"


def test_the_nearest_airport_of_a_place_beside_it() -> None:
    name, distance = airports.nearest(33.94, -118.41)
    assert name == "Los Angeles International (LAX)"
    assert distance < 5


def test_the_distance_of_a_quarter_of_the_globe() -> None:
    north_pole = airports.nearest(90.0, 0.0)[1]
    northernmost = max(latitude for _, latitude in airports.positions())
    assert north_pole == pytest.approx((90 - northernmost) * 111.19, rel=1e-3)


def test_the_map_is_well_formed_and_shows_every_quake() -> None:
    quakes = [
        world_map.Point(quake.longitude, quake.latitude, quake.magnitude or 0.0, str(quake))
        for quake in feed.parse(feed.read_features()).quakes
    ]
    root = ElementTree.fromstring(world_map.draw(quakes, airports.positions()))
    panels = root.findall(f"{SVG}g[@clip-path]")
    assert len(panels) == 4
    circles = panels[0].findall(f"{SVG}g/{SVG}circle")
    assert len(circles) == len(quakes) == 1707
    titles = panels[0].findall(f"{SVG}g/{SVG}circle/{SVG}title")
    assert len(titles) == sum(quake.magnitude >= 5 for quake in quakes)


def test_a_label_cannot_break_the_map() -> None:
    point = world_map.Point(0.0, 0.0, 6.0, '<script>"&')
    root = ElementTree.fromstring(world_map.draw([point], []))
    assert [title.text for title in root.iter(f"{SVG}title")][1] == '<script>"&'


def test_an_empty_map_can_be_drawn() -> None:
    assert "0 earthquakes" in world_map.draw([], [])


def test_some_places_are_land_and_others_are_sea() -> None:
    dots = set(land.dots(2))
    assert {(-99.0, 41.0), (25.0, 1.0), (135.0, -25.0), (101.0, 61.0)} <= dots
    assert dots.isdisjoint({(-149.0, 21.0), (-31.0, 31.0), (81.0, -31.0)})


@pytest.mark.parametrize("share", [-1.0, 0.0, 0.001, 0.5, 0.999, 1.0, 2.0])
def test_a_bar_keeps_its_width(share: float) -> None:
    assert len(console.bar(share)) == console.BAR_WIDTH


def test_a_line_tells_how_far_a_job_is() -> None:
    line = console.line(Progress("import_chunk", 7, 2, 0.3, "25 quakes saved"))
    assert line.split()[0] == "import_chunk"
    assert "2/7" in line
    assert line.endswith("25 quakes saved")
