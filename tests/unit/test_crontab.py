from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_jobs.crontab import Crontab
from django_jobs.exceptions import (
    CronNeverFires,
    CronTooFrequent,
    InvalidCron,
    InvalidTimezone,
)

BERLIN = "Europe/Berlin"
NEW_YORK = "America/New_York"
LORD_HOWE = "Australia/Lord_Howe"  # its clock moves by 30 minutes
APIA = "Pacific/Apia"  # it skipped 2011-12-30
SAO_PAULO = "America/Sao_Paulo"  # its clock moved at midnight


def local_fires(expression: str, zone: str, start: str, count: int) -> list[str]:
    """The fires after the wall-clock time ``start``, as wall-clock times with offset."""
    crontab = Crontab.parse(expression, zone)
    moment = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone))
    fires = crontab.fires_between(moment, moment + timedelta(days=3000), count)
    assert all(fire.tzinfo is UTC for fire in fires)
    return [f"{fire.astimezone(ZoneInfo(zone)):%m-%d %H:%M%z}" for fire in fires]


@pytest.mark.fault("F23")
@pytest.mark.parametrize(
    ("expression", "zone", "start", "expected"),
    [
        # A skipped time fires right after the gap.
        (
            "30 2 * * *",
            BERLIN,
            "2024-03-30",
            ["03-30 02:30+0100", "03-31 03:00+0200", "04-01 02:30+0200"],
        ),
        (
            "30 2 * * *",
            NEW_YORK,
            "2024-03-09",
            ["03-09 02:30-0500", "03-10 03:00-0400", "03-11 02:30-0400"],
        ),
        (
            "15 2 * * *",
            LORD_HOWE,
            "2024-10-05",
            ["10-05 02:15+1030", "10-06 02:30+1100", "10-07 02:15+1100"],
        ),
        (
            "0 12 * * *",
            APIA,
            "2011-12-29",
            ["12-29 12:00-1000", "12-31 00:00+1400", "12-31 12:00+1400"],
        ),
        (
            "0 0 * * *",
            SAO_PAULO,
            "2018-11-02T12:00",
            ["11-03 00:00-0300", "11-04 01:00-0200", "11-05 00:00-0200"],
        ),
        ("@daily", SAO_PAULO, "2018-11-03T12:00", ["11-04 01:00-0200", "11-05 00:00-0200"]),
        # Several skipped times, and one that is due right after the gap, make one fire.
        ("0,30 2 * * *", BERLIN, "2024-03-31", ["03-31 03:00+0200", "04-01 02:00+0200"]),
        ("0 2,3 * * *", BERLIN, "2024-03-31", ["03-31 03:00+0200", "04-01 02:00+0200"]),
        # A repeated time fires the first time only.
        (
            "30 2 * * *",
            BERLIN,
            "2024-10-26",
            ["10-26 02:30+0200", "10-27 02:30+0200", "10-28 02:30+0100"],
        ),
        (
            "30 1 * * *",
            NEW_YORK,
            "2024-11-02",
            ["11-02 01:30-0400", "11-03 01:30-0400", "11-04 01:30-0500"],
        ),
        (
            "45 1 * * *",
            LORD_HOWE,
            "2024-04-06",
            ["04-06 01:45+1100", "04-07 01:45+1100", "04-08 01:45+1030"],
        ),
        ("30 23 * * *", SAO_PAULO, "2018-02-17", ["02-17 23:30-0200", "02-18 23:30-0300"]),
        # Every hour is every real hour.
        (
            "*/30 * * * *",
            BERLIN,
            "2024-03-31T01:00",
            ["03-31 01:30+0100", "03-31 03:00+0200", "03-31 03:30+0200"],
        ),
        (
            "30 * * * *",
            BERLIN,
            "2024-03-31T01:00",
            ["03-31 01:30+0100", "03-31 03:30+0200", "03-31 04:30+0200"],
        ),
        (
            "*/30 * * * *",
            BERLIN,
            "2024-10-27T01:30",
            [
                "10-27 02:00+0200",
                "10-27 02:30+0200",
                "10-27 02:00+0100",
                "10-27 02:30+0100",
                "10-27 03:00+0100",
            ],
        ),
        (
            "@hourly",
            LORD_HOWE,
            "2024-10-06T00:30",
            ["10-06 01:00+1030", "10-06 02:30+1100", "10-06 03:00+1100"],
        ),
        (
            "0 * * * *",
            APIA,
            "2011-12-29T22:00",
            ["12-29 23:00-1000", "12-31 00:00+1400", "12-31 01:00+1400"],
        ),
        (
            "0 */2 * * *",
            BERLIN,
            "2024-03-31",
            ["03-31 03:00+0200", "03-31 04:00+0200", "03-31 06:00+0200"],
        ),
        (
            "0 */2 * * *",
            BERLIN,
            "2024-10-27",
            ["10-27 02:00+0200", "10-27 02:00+0100", "10-27 04:00+0100"],
        ),
        (
            "0 */12 * * *",
            SAO_PAULO,
            "2018-11-03T01:00",
            ["11-03 12:00-0300", "11-04 01:00-0200", "11-04 12:00-0200"],
        ),
        # Leap days.
        ("0 0 29 2 *", "UTC", "2024-02-28", ["02-29 00:00+0000", "02-29 00:00+0000"]),
    ],
)
def test_d79_clock_changes(expression: str, zone: str, start: str, expected: list[str]) -> None:
    assert local_fires(expression, zone, start, len(expected)) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("@hourly", "2024-05-15T13:00"),
        ("@daily", "2024-05-16T00:00"),
        ("@midnight", "2024-05-16T00:00"),
        ("@weekly", "2024-05-19T00:00"),
        ("@monthly", "2024-06-01T00:00"),
        ("@yearly", "2025-01-01T00:00"),
        ("@annually", "2025-01-01T00:00"),
        ("@DAILY", "2024-05-16T00:00"),
        ("  0   3 *\t* * ", "2024-05-16T03:00"),
        ("0 0 L * *", "2024-05-31T00:00"),
        ("0 0 * * fri#1", "2024-06-07T00:00"),
        ("0 0 * * L5", "2024-05-31T00:00"),
        ("0 0 * * 7", "2024-05-19T00:00"),
        ("0 0 * * SAT-SUN", "2024-05-18T00:00"),
        ("0 0 1 JAN-MAR *", "2025-01-01T00:00"),
        ("0 0 1 * MON", "2024-05-20T00:00"),  # the first of the month or a Monday
        ("5/20 * * * *", "2024-05-15T12:45"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
    ],
)
def test_forms_that_are_read(expression: str, expected: str) -> None:
    moment = datetime(2024, 5, 15, 12, 34, 56, tzinfo=UTC)
    fire = Crontab.parse(expression).next_after(moment)
    assert fire == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "0 fields, it needs 5 fields"),
        ("   ", "it needs 5 fields"),
        ("* * * *", "4 fields, it needs 5 fields"),
        ("* * * * * *", "6 fields, it needs 5 fields"),
        ("* * * * * * *", "7 fields, it needs 5 fields"),
        ("@reboot", "'@reboot' is not supported"),
        ("@every 1s", "is not supported; write one of @hourly"),
        ("@", "is not supported"),
        ("60 * * * *", "minute field '60' is not valid: 60 is not from 0 to 59"),
        ("-1 * * * *", "minute field"),
        ("*/0 * * * *", "minute field '\\*/0' is not valid: the step '0' is not from 1 to 59"),
        ("*/100 * * * *", "the step '100'"),
        ("*/ * * * *", "the step ''"),
        ("*/5/5 * * * *", "minute field"),
        ("1,,2 * * * *", "minute field"),
        ("1- * * * *", "minute field"),
        ("1.5 * * * *", "minute field"),
        ("* 5-1 * * *", "hour field '5-1' is not valid: the range runs backwards"),
        ("* 24 * * *", "hour field"),
        ("* * 0 * *", "day of month field"),
        ("* * 32 * *", "day of month field"),
        ("* * 15W * *", "day of month field"),
        ("* * * 13 *", "month field"),
        ("* * * foo *", "month field 'foo'"),
        ("* * * * 8", "day of week field"),
        ("* * * * fri-mon", "the range runs backwards"),
        ("* * * * fri#6", "day of week field"),
        ("0 0 ? * *", "'\\?' and 'R' are not supported"),
        ("R * * * *", "'\\?' and 'R' are not supported"),
        ("R(0-5) * * * *", "minute field"),
        ("H(70-80) * * * *", "minute field"),
        ("H(9-3) * * * *", "minute field"),
        ("H * * * *", "'H' takes its value from the name"),
        ("0 0 * * *\0", "printable ASCII"),
        ("0 0 * * *\n", "printable ASCII"),
        ("０ 0 * * *", "printable ASCII"),
        ("0 0 * * ²", "printable ASCII"),
        ("0 " * 101, "202 characters, 200 are allowed"),
        ("1," * 20_000 + "1 * * * *", "200 are allowed"),
        ("٣ * * * *", "printable ASCII"),
        ("+5 * * * *", "minute field"),
        ("1e1 * * * *", "minute field"),
        ("0x5 * * * *", "minute field"),
        ("1_0 * * * *", "minute field"),
        ("* * * * *;ls", "day of week field"),
        ("* * * * mon-", "day of week field"),
        ("59-0 * * * *", "the range runs backwards"),
        ("*/-1 * * * *", "minute field"),
        ("9999999999999999999 * * * *", "minute field"),
        ("@daily @daily", "is not supported"),
        (["*"] * 5, "is a list, not a text"),
        (True, "is a bool, not a text"),
        (None, "is a NoneType, not a text"),
        (5, "is a int, not a text"),
        (b"* * * * *", "is a bytes, not a text"),
    ],
)
def test_d76_d77_what_cannot_be_read_is_refused_by_field(expression: Any, message: str) -> None:
    with pytest.raises(InvalidCron, match=message):
        Crontab.parse(expression)


@pytest.mark.parametrize("expression", ["0 0 30 2 *", "0 0 31 2 *", "0 0 31 2,4,6,9,11 *"])
def test_d78_dates_that_do_not_exist_never_fire(expression: str) -> None:
    with pytest.raises(CronNeverFires, match="no date ever matches"):
        Crontab.parse(expression)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/X",
        "../../etc/passwd",
        "/etc/passwd",
        "UTC\0",
        "UTC\n",
        "Europe",
        "a" * 500,
        "Über",
        "Europe//Berlin",
        "Europe/../UTC",
        None,
        5,
    ],
)
def test_d83_unknown_time_zones_are_refused(name: Any) -> None:
    with pytest.raises(InvalidTimezone, match="timezone:"):
        Crontab.parse("0 0 * * *", name)


def test_a_misspelt_time_zone_is_guessed() -> None:
    with pytest.raises(InvalidTimezone, match="Did you mean 'Europe/Berlin'"):
        Crontab.parse("0 0 * * *", "Europe/Berlim")


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("* * * * *", 61), ("*/5 * * * *", 600), ("0,59 0,23 28,29 2 *", 300)],
)
def test_d80_schedules_that_fire_too_often_are_refused(expression: str, seconds: float) -> None:
    with pytest.raises(CronTooFrequent, match=f"at least {seconds:g} s"):
        Crontab.parse(expression, min_interval=seconds)


@pytest.mark.parametrize(
    ("expression", "seconds"), [("* * * * *", 60), ("*/5 * * * *", 300), ("0 0 1 1 *", 86_400)]
)
def test_schedules_at_the_smallest_interval_are_accepted(expression: str, seconds: float) -> None:
    Crontab.parse(expression, min_interval=seconds)


def test_h_is_the_same_for_one_name_and_spreads_over_names() -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    fires = {
        Crontab.parse("H H * * *", name=f"job-{number}").next_after(start) for number in range(40)
    }
    again = Crontab.parse("H H * * *", name="job-7").next_after(start)
    assert len(fires) > 30
    assert again in fires


def test_next_after_is_strict_and_wants_an_aware_moment() -> None:
    crontab = Crontab.parse("0 3 * * *")
    at_three = datetime(2024, 1, 1, 3, tzinfo=UTC)
    assert crontab.next_after(at_three) == at_three + timedelta(days=1)
    assert crontab.next_after(at_three - timedelta(microseconds=1)) == at_three
    with pytest.raises(ValueError, match="aware"):
        crontab.next_after(datetime(2024, 1, 1))


def test_between_excludes_the_start_includes_the_end_and_obeys_the_limit() -> None:
    crontab = Crontab.parse("0 * * * *")
    start = datetime(2024, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=number) for number in range(1, 6)]
    assert crontab.fires_between(start, hours[-1], 100) == hours
    assert crontab.fires_between(start, hours[-1], 2) == hours[:2]
    assert crontab.latest_between(start, hours[-1], 100) == hours
    assert crontab.latest_between(start, hours[-1], 2) == hours[-2:]
    assert crontab.fires_between(start, start, 5) == crontab.latest_between(start, start, 5) == []
    assert crontab.fires_between(start, hours[-1], 0) == []


EXPRESSIONS = [
    "*/7 * * * *",
    "0 * * * *",
    "30 2 * * *",
    "0,30 1-3 * * *",
    "15 */2 * * *",
    "0 0 * * *",
    "45 23 * * 0,6",
    "59 1 29 * *",
]
ZONES = [BERLIN, NEW_YORK, LORD_HOWE, SAO_PAULO, "Europe/Dublin", "Africa/Casablanca", "UTC"]


@settings(deadline=None, max_examples=25)
@given(
    expression=st.sampled_from(EXPRESSIONS),
    zone=st.sampled_from(ZONES),
    start=st.datetimes(datetime(2016, 1, 1), datetime(2026, 1, 1)).map(
        lambda moment: moment.replace(tzinfo=UTC)
    ),
)
def test_forwards_and_backwards_agree(expression: str, zone: str, start: datetime) -> None:
    crontab = Crontab.parse(expression, zone)
    end = start + timedelta(days=3)
    forwards = crontab.fires_between(start, end, 2000)
    assert all(first < second for first, second in pairwise(forwards))
    assert crontab.latest_between(start, end, 2000) == forwards


def jumps_of(zone: str) -> list[datetime]:
    """The UTC moments from 2016 to 2020 at which the clock of ``zone`` changes, by the hour."""
    first = datetime(2016, 1, 1, tzinfo=UTC)
    hours = [first + timedelta(hours=number) for number in range(24 * 365 * 4)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    return [hours[i] for i in range(1, len(hours)) if offsets[i] != offsets[i - 1]]


@pytest.mark.parametrize("zone", ZONES[:4])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_forwards_and_backwards_agree_around_every_jump(expression: str, zone: str) -> None:
    crontab = Crontab.parse(expression, zone)
    for jump in jumps_of(zone):
        start, end = jump - timedelta(hours=5), jump + timedelta(hours=5)
        forwards = crontab.fires_between(start, end, 2000)
        assert crontab.latest_between(start, end, 2000) == forwards


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE, SAO_PAULO])
def test_a_daily_schedule_fires_once_on_every_day_of_the_year(zone: str) -> None:
    for minute in ("0 0", "30 1", "15 2", "30 2", "59 2", "30 23"):
        crontab = Crontab.parse(f"{minute} * * *", zone)
        start = datetime(2018, 1, 1, tzinfo=ZoneInfo(zone)) - timedelta(seconds=1)
        fires = crontab.fires_between(start, start + timedelta(days=364), 1000)
        days = [fire.astimezone(ZoneInfo(zone)).date() for fire in fires]
        assert len(days) == len(set(days)) == 364


def test_looking_back_over_years_costs_no_more_than_the_limit() -> None:
    crontab = Crontab.parse("* * * * *")
    end = datetime(2024, 6, 1, tzinfo=UTC)
    assert crontab.latest_between(datetime(1990, 1, 1, tzinfo=UTC), end) == [end]
