from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage

from django_jobs.models import Job
from testproject.quakes import expectations, feed, files
from testproject.quakes.jobs import (
    Imported,
    daily_report,
    flaky,
    import_chunk,
    region_report,
    send_alert,
)
from testproject.quakes.models import Quake, RegionReport
from testproject.quakes.run import DemoRun
from tests.demo.test_feed import feature

pytestmark = pytest.mark.django_db


def quake(usgs_id: str, region: str = "Taiwan", magnitude: float | None = 5.0) -> Quake:
    return Quake.objects.create(
        usgs_id=usgs_id,
        magnitude=magnitude,
        place=f"10km E of Hualian, {region}",
        region=region,
        happened_at=datetime(2018, 2, 4, 13, 56, tzinfo=UTC),
        latitude=24.1,
        longitude=121.7,
        depth=12.0,
    )


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A feed of five: two good (one strong), one partial, two bad."""
    found = [
        feature("weak"),
        feature("strong", mag=5.0),
        feature("partial", mag=None),
        feature("timeless", time=None),
        "rubbish",
    ]
    monkeypatch.setattr(feed, "read_features", lambda: found)
    return found


def test_bad_and_partial_records_are_counted(records: list[Any]) -> None:
    assert import_chunk(first=0, count=5) == Imported(saved=3, partial=1, bad=2)
    assert set(Quake.objects.values_list("usgs_id", flat=True)) == {"weak", "strong", "partial"}


def test_a_chunk_is_a_part_of_the_feed(records: list[Any]) -> None:
    assert import_chunk(first=1, count=2).saved == 2
    assert import_chunk(first=5, count=2) == Imported(saved=0, partial=0, bad=0)


def test_importing_again_updates_and_keeps_what_was_computed(records: list[Any]) -> None:
    import_chunk(first=0, count=5)
    Quake.objects.filter(usgs_id="weak").update(distance=12.0)
    records[0] = feature("weak", mag=2.5)
    import_chunk(first=0, count=5)
    weak = Quake.objects.get(usgs_id="weak")
    assert (Quake.objects.count(), weak.magnitude, weak.distance) == (3, 2.5, 12.0)


def test_a_strong_quake_is_worth_one_alert_at_a_time(records: list[Any]) -> None:
    import_chunk(first=0, count=5)
    import_chunk(first=0, count=5)
    alert = Job.objects.named(send_alert.name).get()
    assert (alert.params, alert.queue) == ({"usgs_id": "strong"}, "mail")


def test_the_airports_are_looked_for_after_the_import(records: list[Any]) -> None:
    result = import_chunk.now(first=0, count=5)
    assert result.success, result.error
    (follower,) = Job.objects.exclude(pk=result.metadata.job_id).exclude(queue="mail")
    assert follower.params == {"usgs_ids": ["weak", "strong", "partial"]}
    assert follower.correlation_id == str(result.metadata.job_id)


def test_an_alert_is_sent_once(mailoutbox: list[EmailMessage]) -> None:
    quake("us1")
    assert [send_alert(usgs_id="us1"), send_alert(usgs_id="us1")] == [True, False]
    (mail,) = mailoutbox
    assert mail.subject == "Earthquake: M 5.0 10km E of Hualian, Taiwan"


def test_an_alert_for_a_quake_that_is_gone_is_dropped() -> None:
    assert send_alert.now(usgs_id="gone").metadata.status == "discarded"


def test_a_report_names_the_strongest(demo_folder: Path) -> None:
    quake("us1", magnitude=4.0)
    quake("us2", magnitude=6.1)
    quake("us3", magnitude=None)
    quake("elsewhere", region="Chile", magnitude=7.0)
    report = region_report(region="Taiwan", since=date(2018, 2, 1), top=1)
    assert (report.quake_count, report.deepest) == (3, 12.0)
    assert [strong.magnitude for strong in report.strongest] == [6.1]
    row = RegionReport.objects.get()
    assert (row.region, row.quake_count, row.strongest) == ("Taiwan", 3, 6.1)
    text = (demo_folder / "output" / row.file).read_text()
    assert text.startswith("# Taiwan\n\n3 quakes since 01 February 2018")


def test_a_report_of_quiet_days() -> None:
    quake("us1")
    report = region_report(region="Taiwan", since=date(2018, 3, 1))
    assert (report.quake_count, report.mean_magnitude, report.strongest) == (0, None, [])


def test_a_report_comes_out_of_the_queue_as_it_went_in() -> None:
    quake("us1")
    result = region_report.now(region="Taiwan", since=date(2018, 2, 1))
    assert result.success, result.error
    stored = Job.objects.get(pk=result.metadata.job_id).as_result().data
    assert stored == result.data == region_report(region="Taiwan", since=date(2018, 2, 1))


def test_the_daily_report_starts_one_per_region() -> None:
    quake("us1")
    quake("us2")
    quake("us3", region="Chile")
    assert daily_report() == 4
    started = Job.objects.named(region_report.name)
    assert [job.params for job in started.order_by("id")] == [
        {"region": "Chile", "since": "2018-01-28"},
        {"region": "Taiwan", "since": "2018-01-28"},
    ]


def test_the_daily_report_of_no_quakes_starts_nothing() -> None:
    assert daily_report() == 0
    assert not Job.objects.exists()


def test_a_new_run_cancels_what_an_old_one_left_waiting(demo_folder: Path) -> None:
    DemoRun().start_imports()
    mine = flaky.later()
    files.write("earthquakes.svg", "<svg/>")
    DemoRun().start_afresh()
    assert list(Job.objects.live()) == [mine]
    assert files.written() == []


def test_expectations_notice_what_is_missing(records: list[Any]) -> None:
    run = DemoRun()
    run.start_imports()
    assert not run.is_finished()
    import_chunk.execute_from_database(run.jobs().named(import_chunk.name).get().id)
    unmet = {
        one.what: (one.expected, one.found) for one in expectations.check(run) if not one.is_met
    }
    assert unmet["quakes with their nearest airport"] == (3, 0)
    assert unmet["alert mails in the outbox"] == (1, 0)
    assert unmet["maps"] == (1, 0)
    assert "quakes in the database" not in unmet
    Quake.objects.filter(usgs_id="weak").delete()
    lost = next(one for one in expectations.check(run) if one.what == "quakes in the database")
    assert (lost.expected, lost.found, lost.is_met) == (3, 2, False)
