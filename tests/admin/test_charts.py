"""Charts: what is drawn, and what is said of it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

from django_jobs.admin.shared.charts import Bar, Mark, sparkline, stacked_bars


def heights(svg: str) -> list[float]:
    found = re.findall(r'class="jobs-bar [^"]*"[^>]* height="([\d.]+)"', svg)
    return [float(height) for height in found]


def test_bars_are_as_high_as_their_values() -> None:
    bars = [Bar("one", {"completed": 30.0, "failed": 10.0}), Bar("two", {"completed": 20.0})]
    svg = stacked_bars(bars, "bars", top_label="40 an hour")
    assert heights(svg) == [105.0, 35.0, 70.0]
    assert "40 an hour" in svg
    assert 'role="img"' in svg


def test_one_among_thousands_is_still_seen() -> None:
    svg = stacked_bars([Bar("one", {"completed": 100_000.0, "failed": 1.0})], "bars")
    assert min(heights(svg)) >= 1.5


def test_nothing_is_drawn_of_nothing() -> None:
    assert heights(stacked_bars([Bar("empty", {"completed": 0.0})], "bars")) == []
    assert "<svg" in stacked_bars([], "bars")


def test_links_are_no_part_of_a_picture() -> None:
    svg = stacked_bars([Bar("one", {"completed": 1.0}, url="/?a=1&b=2")], "bars")
    assert 'role="group"' in svg
    assert 'href="/?a=1&amp;b=2"' in svg


def test_marks_stay_on_the_chart_and_all_is_escaped() -> None:
    marks = [Mark(place, "deploy", "<v2>") for place in (-1.0, 0.5, 2.0)]
    bars = [Bar("<one>", {"completed": 1.0}, tick="<12:00>")]
    svg = stacked_bars(bars, '"<bars>"', marks=[*marks, Mark(0.5, "cron", "<nightly>")])
    ElementTree.fromstring(svg)
    assert re.findall(r'jobs-mark-deploy" x="([\d.]+)%"', svg) == ["0.000", "50.000", "100.000"]
    assert "<v2>" not in svg
    assert "style=" not in svg


def test_a_sparkline_has_gaps() -> None:
    svg = sparkline([1, None, 2, 4], "so many")
    assert svg.count("M") == 2
    assert svg.count("so many") == 2
    assert "<path" in sparkline([], "nothing")
