"""The form of a job that has its arguments already: what is not touched stays as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from django_jobs.admin.forms import JobForm
from django_jobs.sensitive import HIDDEN
from tests.admin import typed_jobs
from tests.admin.filled import error_of, params_of, typed

STORED = {
    "whole": 1,
    "real": 2,
    "exact": "1.500",
    "flag": True,
    "text": "",
    "lines": "a\r\nb",
    "day": "2026-01-01",
    "moment": "2026-01-01T12:00:00.123456+00:00",
    "clock": "12:00:00.500000",
    "length": "P0DT00H00M01.500000S",
    "colour": "blue",
    "limit": None,
    "order": {"number": 1, "token": "s3cret"},
    "anything": [1.0, {"password": "p4ss"}, "with s3cret inside"],
    "pin": "9876",
    "secret": 5,
    "more": {"a": "b"},
}


def test_what_is_not_touched_stays_exactly_as_it_is(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Kathmandu"
    form = typed(typed_jobs.kinds, STORED)
    assert params_of(form) == STORED
    assert form.changes == []


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("clock", "12:00:00+02:00"),
        ("moment", "2026-10-25T02:30:00+01:00[Europe/Berlin]"),
        ("whole", "no number"),
        ("colour", "green"),
        ("text", 3),
        ("text", "a\nb"),
    ],
)
def test_what_a_field_cannot_show_is_edited_as_it_is_stored(
    settings: Any, name: str, stored: Any
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    before = {"whole": 1, name: stored}
    form = typed(typed_jobs.kinds, before)
    if form.is_valid():
        assert form.changes == []
        assert form.params == before
    else:  # it never fitted
        assert "params" in error_of(form, "__all__")


def test_secrets_are_never_on_the_page_and_kept() -> None:
    form = JobForm(typed_jobs.kinds, stored=STORED)
    page = form.as_p()
    for secret in ("9876", "p4ss", "s3cret", 'value="5"'):
        assert secret not in page
    assert HIDDEN in page
    edited = json.dumps([2, {"password": HIDDEN}, f"with {HIDDEN} inside"])
    form = typed(typed_jobs.kinds, STORED, anything=edited)
    assert params_of(form)["anything"] == [2, {"password": "p4ss"}, "with s3cret inside"]
    assert form.changes == ["anything"]


def test_a_new_secret_takes_the_place_of_the_old_one() -> None:
    form = typed(typed_jobs.kinds, STORED, pin="1111", secret="6")
    assert params_of(form) == {**STORED, "pin": "1111", "secret": 6}
    bad = typed(typed_jobs.kinds, STORED, pin="1111", secret="x")
    assert not bad.is_valid()
    assert "1111" not in bad.as_p()


def test_a_marker_without_a_value_is_refused() -> None:
    text = json.dumps({"number": 2, "token": HIDDEN, "other": HIDDEN})
    form = typed(typed_jobs.kinds, STORED, order=text)
    assert HIDDEN in error_of(form, "order")


def test_arguments_that_the_job_lost_are_left_out() -> None:
    form = typed(typed_jobs.needs, {"text": "x", "gone": 1, "items": [1]})
    assert form.left_out == ["gone"]
    form = typed(
        typed_jobs.needs,
        {"text": "x", "gone": 1, "items": [1]},
        moment=("2026-01-01", "0:00"),
        colour="RED",
    )
    assert "gone" not in params_of(form)
    assert form.changes == ["moment", "colour", "flag", "maybe", "gone"]
